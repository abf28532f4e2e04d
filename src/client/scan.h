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
	char cursor[32]; /* where the next page begins */
	unsigned pages;  /* that were taken */
};

/* Ask for the next page of names that match glob, or of all where glob is NULL, and call take(arg)
 * with each name; where take() returns -1, so does this. Returns 0; or -1 with the reason in the
 * talk, or an error reply printed. A server whose pages come to no end is an error. */
int scan_page(struct talk *t, struct scan *s, const char *glob,
	      int (*take)(void *arg, const char *name), void *arg)
	__attribute__((warn_unused_result));

/* Whether the page that was taken last was the last of all. */
bool scan_ended(const struct scan *s);

#endif
