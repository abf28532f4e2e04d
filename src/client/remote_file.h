/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_REMOTE_FILE_H
#define CLIENT_REMOTE_FILE_H
/* What the server says of one of its files: the request STAT. */
#include "client/talk.h"

#define REMOTE_ETAG_MAX 256 /* bytes, with a NUL */

enum remote_state {
	REMOTE_FOUND,
	REMOTE_MISSING,
	REMOTE_REFUSED, /* the server answered with an error */
};

struct remote_file {
	enum remote_state state;
	int64_t size;               /* bytes */
	int64_t mtime;              /* seconds since 1970 */
	char etag[REMOTE_ETAG_MAX]; /* changes whenever the content does */
	char id[REMOTE_ETAG_MAX];   /* differs where it is another file; "": the server has none */
};

/* Queue the request STAT for a file. Returns 0 or -1, as talk_ask(). */
int remote_file_ask(struct talk *t, const char *name) __attribute__((warn_unused_result));

/* Take the reply to a request STAT; an error is printed. Returns 0 or -1, as talk_next(). */
int remote_file_take(struct talk *t, struct remote_file *file) __attribute__((warn_unused_result));

#endif
