/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_CONSOLE_H
#define CLIENT_CONSOLE_H
/* The prompt with --resp: typed lines become requests, and replies readable text. */
#include "client/print.h"
#include "client/reply.h"
#include "core/buf.h"

/* Zeroed but for print.readable, nothing has come. */
struct console {
	struct reply reply;
	struct print print;
};

/* Add a typed line as a request to to_server, or what is wrong with the line to output. Returns 0,
 * or -1 with ENOMEM. */
int console_line(const char *line, size_t len, struct buf *to_server, struct buf *output)
	__attribute__((warn_unused_result));

/* Add what the server's bytes mean to output. Returns 0; or -1 with ENOMEM, or with EPROTO if the
 * bytes are no replies. */
int console_take(struct console *c, const char *data, size_t len, struct buf *output)
	__attribute__((warn_unused_result));

#endif
