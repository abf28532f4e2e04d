/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_PROGRESS_H
#define CLIENT_PROGRESS_H
/* A bar on standard error for a person who waits for a transfer; nothing where that is no terminal.
 */
#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool shown;                 /* begun, and there is a terminal */
	const char *name;           /* of what is transferred; NULL: not shown */
	int64_t first, total;       /* bytes there were at the start, and are at the end */
	int64_t began_ms, drawn_ms; /* when it was begun, and last drawn */
};

/* Begin with first of total bytes; name is borrowed. */
void progress_start(struct progress *p, const char *name, int64_t first, int64_t total);

/* There are done bytes now. The bar is drawn a few times a second. */
void progress_update(struct progress *p, int64_t done);

/* Draw the bar a last time, and leave its line. Does nothing if it was not begun. */
void progress_end(struct progress *p, int64_t done);

#endif
