/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_TALK_H
#define CLIENT_TALK_H
/*
 * A conversation in the protocol resp, for the subcommands: queue requests, then wait for replies.
 * Requests are sent while replies are waited for, so they can be pipelined without either side
 * waiting for the other. Once the conversation has broken, the reason stays, and every call fails.
 */
#include "client/reply.h"
#include "core/buf.h"
#include "net/addr.h"

#include <stdbool.h>

#define TALK_RECEIVE_MAX (64U * 1024) /* bytes received at once */
#define TALK_INPUT_MAX (16U * 1024)   /* bytes of input in a request */
#define TALK_ANY INT64_MAX            /* bytes of replies: no bound */

struct talk {
	const struct addr_spec *server; /* borrowed */
	int fd;                         /* -1: not connected */
	int64_t give_up_ms;             /* io_clock_ms() when waiting ends; 0: never */
	int64_t timeout_ms;             /* to connect, and of silence; 0: as long as it takes */
	int64_t allowed;                /* bytes of replies that may still come */
	struct buf out;                 /* requests not yet sent */
	const char *input_verb; /* of the requests that carry standard input; NULL: none does */
	size_t head, tail;      /* received[head, tail) is not taken apart yet */
	struct reply reply;
	struct reason reason; /* why it broke, or "" */
	bool reason_said;     /* talk_print_reason() has said it */
	bool quiet;           /* say nothing on standard error */
	char received[TALK_RECEIVE_MAX];
};

/* t is not connected yet; server is borrowed. */
void talk_init(struct talk *t, const struct addr_spec *server);

/* Connect. Returns 0, or -1 with the reason in t->reason, as all functions below that return an
 * int.
 */
int talk_open(struct talk *t) __attribute__((warn_unused_result));

/* Hang up. In the middle of a reply, and where this process ends without talk_close(), a TCP
 * connection is reset: the server would take anything less for the end of requests, and go on. */
void talk_close(struct talk *t);

/* Whether t is connected, has not broken, and is between two replies. */
bool talk_idle(const struct talk *t);

/* Hang up, and be as after talk_init(): not connected. */
void talk_reset(struct talk *t);

/* From now on, replies of more than max_bytes, all together, break the conversation: for replies
 * that are not passed on as they come. At first TALK_ANY. */
void talk_allow(struct talk *t, int64_t max_bytes);

/* Queue a request; argv ends in NULL. */
int talk_ask(struct talk *t, const char *const *argv) __attribute__((warn_unused_result));

/* From now on, while replies are waited for, send standard input in requests of this verb, which
 * have no replies, as it comes and the server takes it; at its end, one without data. verb is
 * static. */
void talk_send_input(struct talk *t, const char *verb);

/* Wait for the next event of the replies, which is never REPLY_MORE or REPLY_BAD. */
int talk_next(struct talk *t, struct reply_event *event) __attribute__((warn_unused_result));

/* Wait for the first event of a reply. An error is printed, and -1 returned. */
int talk_reply(struct talk *t, struct reply_event *event) __attribute__((warn_unused_result));

/* Take the rest of the value that began with event, the last one that was taken. */
int talk_skip(struct talk *t, const struct reply_event *event) __attribute__((warn_unused_result));

/* Take count values of any kind. */
int talk_skip_values(struct talk *t, int64_t count) __attribute__((warn_unused_result));

/* Take the string that began with event into text[size], with a NUL. A longer string, one with a
 * NUL within, or another type breaks the conversation: expected says in words what it should be. */
int talk_string(struct talk *t, const struct reply_event *event, char *text, size_t size,
		const char *expected) __attribute__((warn_unused_result));

/* talk_next() and talk_string(). */
int talk_next_string(struct talk *t, char *text, size_t size, const char *expected)
	__attribute__((warn_unused_result));

/* The conversation cannot go on, for this reason, unless it has broken before. Returns -1. */
int talk_broke(struct talk *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The conversation cannot go on, for a reply makes no sense: event, the last one that was taken,
 * stands where something else was expected, which expected says in words. Returns -1. */
int talk_unexpected(struct talk *t, const struct reply_event *event, const char *expected);

/* As talk_unexpected(), of a string that has been taken. Returns -1. */
int talk_unexpected_string(struct talk *t, const char *string, size_t len, const char *expected);

/* Say on standard error why the conversation broke, if it did; once. */
void talk_print_reason(struct talk *t);

/* Print a REPLY_ERROR on standard error. */
void talk_print_error(const struct talk *t, const struct reply_event *event);

#endif
