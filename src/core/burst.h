/* SPDX-License-Identifier: MIT */
#ifndef CORE_BURST_H
#define CORE_BURST_H
/*
 * Lines of the log that a peer can cause as fast as it calls: it is refused, or what it asks for
 * is. The first of a kind are written, those that follow within seconds are counted, and the count
 * is written when the burst is over, at least once a minute. A kind is an event, whom it is about
 * and a reason, of which peers cannot make new ones; there is a row for each that is seen lately,
 * and a last row for what finds none. Nothing is counted, and no deadline runs, where nobody is
 * refused.
 */
#include <stdbool.h>

#include "core/loop.h"

#define BURST_LINES 10        /* that are written */
#define BURST_WINDOW_MS 10000 /* within this; with no more of them a burst is over */
#define BURST_REPORT_MS 60000 /* between two counts of one that goes on */
#define BURST_ROWS 64

/* Until burst_end() the loop's deadlines say when counts are written. Before, every line is. */
void burst_init(struct loop *loop);

/* Write the counts that are left; the loop goes away. */
void burst_end(void);

/* Whether this line, of the level info, is to be written. key=name says whom it is about; event,
 * key and reason (or NULL) are static, a copy of name is kept. */
bool burst_takes(const char *event, const char *key, const char *name, const char *reason);

#endif
