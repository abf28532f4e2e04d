/* SPDX-License-Identifier: MIT */
#ifndef CORE_BURST_H
#define CORE_BURST_H
/*
 * Lines of the log that a peer can cause as fast as it calls, because it is refused, or what it
 * asks for is. The first lines of a kind are written, those that follow within seconds are counted,
 * and the count is written when the burst is over, at least once a minute. The kind of a line is
 * its event, whom the line is about, and its reason; a peer can make up none of these. Each kind
 * seen lately has a row, and kinds that find no row share the last one. Nothing is counted, and no
 * deadline runs, where nobody is refused.
 */
#include <stdbool.h>

#include "core/loop.h"

#define BURST_LINES 10        /* of a kind, written in a window before a burst begins */
#define BURST_WINDOW_MS 10000 /* a burst ends with a window of no more than BURST_LINES lines */
#define BURST_REPORT_MS 60000 /* between two counts of a burst that goes on */
#define BURST_ROWS 64         /* kinds that have a row of their own */

/* Hold lines back from now on, until burst_end(); the loop's deadlines say when counts are written.
 * Without a loop, every line is written. */
void burst_init(struct loop *loop);

/* Write the counts that are left; the loop goes away. */
void burst_end(void);

/* Count a line of the level info. Returns whether the line is to be written. key=name says whom the
 * line is about; event, key and reason (or NULL) are static and compared as pointers, name is
 * copied. */
bool burst_takes(const char *event, const char *key, const char *name, const char *reason);

#endif
