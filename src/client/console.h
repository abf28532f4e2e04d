/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_CONSOLE_H
#define CLIENT_CONSOLE_H
/* What the prompt means with --resp: typed lines are requests, and replies readable text. */
#include "client/print.h"
#include "client/reply.h"
#include "core/buf.h"

/* Zeroed but for print.readable, it is at the start. */
struct console {
	struct reply reply;
	struct print print;
};

/* Add the line as a request to to_server, or what is wrong with it to output. Returns 0, or -1
 * with ENOMEM. */
int console_line(const char *line, size_t len, struct buf *to_server, struct buf *output)
	__attribute__((warn_unused_result));

/* Add what the server's bytes mean to output. Returns 0; or -1 with ENOMEM, or with EPROTO if
 * they mean nothing. */
int console_take(struct console *c, const char *data, size_t len, struct buf *output)
	__attribute__((warn_unused_result));

#endif
