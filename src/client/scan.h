/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_SCAN_H
#define CLIENT_SCAN_H
/* The names of the server's files, a page at a time: the request SCAN. */
#include "client/talk.h"

#define SCAN_START            \
	{                     \
		.cursor = "0" \
	}
#define SCAN_NAME_MAX 4097 /* bytes, with a NUL: PATH_MAX, and the "/" of a folder */

struct scan {
	char cursor[32];
	unsigned pages; /* so far */
};

/* Take the next page of names that match glob, or of all if it is NULL; take() gets each, its
 * -1 ends it. Returns 0; or -1 if it failed, an error reply is then printed. A server whose pages
 * come to no end is a failure. */
int scan_page(struct talk *t, struct scan *s, const char *glob,
	      int (*take)(void *arg, const char *name), void *arg)
	__attribute__((warn_unused_result));

/* True if the page just taken was the last. */
bool scan_ended(const struct scan *s);

#endif
