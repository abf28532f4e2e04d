/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_PRINT_H
#define CLIENT_PRINT_H
/*
 * Replies as text, in the manner of redis-cli: readable for a person, with types, quotes and
 * numbered elements; or raw for a program, each value a line.
 */
#include "client/escape.h"
#include "client/reply.h"
#include "core/buf.h"

/* Zeroed but for readable, a reply begins. */
struct print {
	bool readable;                   /* for a person */
	struct escape escape;            /* of the bulk being printed */
	int64_t next[REPLY_DEPTH_MAX];   /* by depth: the number of the element that comes next */
	unsigned width[REPLY_DEPTH_MAX]; /* by depth: columns of these numbers */
};

/* Add what an event of a reply means to out. Returns 0, or -1 with ENOMEM. */
int print_event(struct print *p, const struct reply_event *event, struct buf *out)
	__attribute__((warn_unused_result));

#endif
