/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_EXCHANGE_H
#define CLIENT_EXCHANGE_H
/*
 * Bytes from standard input to a server and from the server to standard output, each way through a
 * queue with a bound: a side whose bytes are not taken is not read. Whoever changes bytes on their
 * way puts them into the queues itself.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/buf.h"

struct exchange {
	int fd;                    /* a non-blocking socket to the server; owned */
	bool datagram;             /* over udp: */
	bool input_eof;            /* standard input has ended */
	bool sent_eof;             /* and the server knows */
	bool server_eof;           /* nothing more will come from the server */
	bool mid_line;             /* output so far does not end in a newline */
	struct buf to_server;      /* if datagram: one datagram at most */
	struct buf from_server;    /* not yet on standard output */
	const char *error_subject; /* static: what broke first; NULL: nothing */
	int error;                 /* errno of what broke first */
	int64_t moved_ms; /* when something was read, received or sent last, or input ended */
};

enum exchange_fd {
	EXCHANGE_INPUT,
	EXCHANGE_SERVER,
	EXCHANGE_OUTPUT,
	EXCHANGE_FDS,
};

/* Close the socket and free the queues. */
void exchange_free(struct exchange *x);

/* Something broke; subject is static, error an errno. Only the first such reason is kept: later
 * ones follow from it. */
void exchange_broke(struct exchange *x, const char *subject, int error);
/* Neither send nor receive any more; what has come is still written. */
void exchange_stop(struct exchange *x);
/* Standard input has ended: from here on it is the server's turn. */
void exchange_end_input(struct exchange *x);

/* Whether standard input, or the server, may be read: its queue has room, and it has not ended. */
bool exchange_takes_input(const struct exchange *x);
bool exchange_takes_replies(const struct exchange *x);
/* What to poll for; input: whether standard input may be read. */
void exchange_interest(const struct exchange *x, bool input, struct pollfd fds[EXCHANGE_FDS]);

/* Read standard input once, as it is; if datagram, this is the next one. */
void exchange_read_input(struct exchange *x);
/* Send what waits for the server, once. */
void exchange_send(struct exchange *x);
/* Tell the server of the end of input, if all is sent. */
void exchange_end_sending(struct exchange *x);
/* Receive into from_server; *data: where these bytes are, until the next call. Returns as recv(2).
 */
ssize_t exchange_receive(struct exchange *x, const char **data);
/* The server had ended its own side before, and takes nothing more now. */
void exchange_server_gone(struct exchange *x);
/* Write what waits for standard output, once. */
void exchange_write(struct exchange *x);
/* Write a newline, if the last line of output has none. */
void exchange_end_line(struct exchange *x);

/* Say on standard error what broke, if anything did. Returns 0, or -1 where something did. */
int exchange_explain(const struct exchange *x);

#endif
