/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_PROGRESS_H
#define CLIENT_PROGRESS_H
/* A bar on standard error for who waits for a transfer; nothing where that is no terminal. */
#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool shown;
	const char *name;
	int64_t first, total; /* bytes */
	int64_t began_ms, drawn_ms;
};

/* Begin at first of total bytes; name, borrowed, is what is transferred, NULL: that is clear. */
void progress_start(struct progress *p, const char *name, int64_t first, int64_t total);

/* Done so far; drawn a few times a second. */
void progress_update(struct progress *p, int64_t done);

/* Draw it a last time, and leave its line. Does nothing if it was not started. */
void progress_end(struct progress *p, int64_t done);

#endif
