/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_EXCHANGE_H
#define CLIENT_EXCHANGE_H
/*
 * Bytes from standard input to a server and from the server to standard output, each way through a
 * queue with a bound: a side that is not taken from is not read either. Whoever looks at the bytes
 * on their way puts them into the queues itself.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/buf.h"

struct exchange {
	int fd; /* a non-blocking socket to the server; owned */
	bool datagram;
	bool input_eof;            /* standard input has ended */
	bool sent_eof;             /* and the server knows */
	bool server_eof;           /* nothing more will come */
	bool mid_line;             /* output ended without a newline */
	struct buf to_server;      /* datagram: at most one */
	struct buf from_server;    /* not yet on standard output */
	const char *error_subject; /* static: what broke first, or NULL */
	int error;                 /* its errno */
	int64_t moved_ms;          /* when a byte went either way last, came in, or no more will */
};

enum exchange_fd {
	EXCHANGE_INPUT,
	EXCHANGE_SERVER,
	EXCHANGE_OUTPUT,
	EXCHANGE_FDS,
};

void exchange_free(struct exchange *x);

/* Something broke with errno error: only the first reason is kept, those after it follow from it.
 */
void exchange_broke(struct exchange *x, const char *subject, int error);
/* Neither send nor receive any more; what came is still written. */
void exchange_stop(struct exchange *x);
/* Standard input has ended: from here on it is the server's turn. */
void exchange_end_input(struct exchange *x);

/* Whether a queue has room for more, and more will come. */
bool exchange_takes_input(const struct exchange *x);
bool exchange_takes_replies(const struct exchange *x);
/* What to poll for; input: whether standard input may be read. */
void exchange_interest(const struct exchange *x, bool input, struct pollfd fds[EXCHANGE_FDS]);

/* Take one chunk of standard input as it is; of a datagram socket, the next datagram. */
void exchange_read_input(struct exchange *x);
/* One send of what waits for the server. */
void exchange_send(struct exchange *x);
/* Tell the server of the end of input, once all of it is sent. */
void exchange_end_sending(struct exchange *x);
/* Receive into from_server; data: where it is, until the next call. Returns as recv(2). */
ssize_t exchange_receive(struct exchange *x, const char **data);
/* The server had ended its own side before; now it takes nothing more either. */
void exchange_server_gone(struct exchange *x);
/* One write of what waits for standard output. */
void exchange_write(struct exchange *x);
/* Go to the next line of standard output, where the last one was not ended. */
void exchange_end_line(struct exchange *x);

/* Say what broke, if anything did. Returns 0, or -1 where something did. */
int exchange_explain(const struct exchange *x);

#endif
