/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_TALK_H
#define CLIENT_TALK_H
/*
 * A conversation in the protocol resp, for the subcommands: ask, then wait for what is
 * answered. What is not yet sent goes out while replies are waited for, so requests can be
 * pipelined without either side waiting for the other. Once it broke, the reason stays, and
 * every call fails.
 */
#include "client/reply.h"
#include "core/buf.h"
#include "net/addr.h"

#include <stdbool.h>

#define TALK_RECEIVE_MAX (64U * 1024) /* bytes; one read */
#define TALK_INPUT_MAX (16U * 1024)   /* bytes of input in a request */
#define TALK_ANY INT64_MAX            /* bytes */

struct talk {
	const struct addr_spec *server; /* borrowed */
	int fd;                         /* -1: not connected */
	int64_t give_up_ms;             /* io_clock_ms() when waiting ends; 0: never */
	int64_t timeout_ms;             /* to connect, and of silence; 0: as long as it takes */
	int64_t allowed;                /* bytes of replies that may still come */
	struct buf out;                 /* requests not yet sent */
	const char *input_verb; /* of the requests that carry standard input; NULL: none does */
	size_t head, tail;      /* received[head, tail) waits for the parser */
	struct reply reply;
	struct reason reason; /* why it broke, or "" */
	bool reason_said;
	bool quiet; /* say nothing on standard error */
	char received[TALK_RECEIVE_MAX];
};

/* Not connected yet. */
void talk_init(struct talk *t, const struct addr_spec *server);

/* Connect. Returns 0, or -1 with the reason in t->reason, as all below. */
int talk_open(struct talk *t) __attribute__((warn_unused_result));

/* In the middle of a reply, and where this process ends without it, a TCP connection is reset:
 * the server would take anything less for the end of requests, and go on. */
void talk_close(struct talk *t);

/* True if it is connected, has not broken, and is not in the middle of a reply. */
bool talk_idle(const struct talk *t);

/* Hang up, and be as at first: not connected. */
void talk_reset(struct talk *t);

/* From here on, replies of more bytes than that, all together, break the conversation: for those
 * that are not passed on as they come. At first it is TALK_ANY. */
void talk_allow(struct talk *t, int64_t max_bytes);

/* Queue a request; argv ends in NULL. */
int talk_ask(struct talk *t, const char *const *argv) __attribute__((warn_unused_result));

/* From here on, while replies are waited for, send standard input along in requests of this verb,
 * which are not answered, as it comes and is taken; at its end one with no data. verb is static. */
void talk_send_input(struct talk *t, const char *verb);

/* Wait for the next event of the replies, which is never REPLY_MORE or REPLY_BAD. */
int talk_next(struct talk *t, struct reply_event *event) __attribute__((warn_unused_result));

/* Wait for the first event of a reply. Where that is an error it is printed, and -1 returned. */
int talk_reply(struct talk *t, struct reply_event *event) __attribute__((warn_unused_result));

/* Take the rest of the value that began with this event, the last taken. */
int talk_skip(struct talk *t, const struct reply_event *event) __attribute__((warn_unused_result));

/* Take count values of any kind. */
int talk_skip_values(struct talk *t, int64_t count) __attribute__((warn_unused_result));

/* Take the string that began with this event, with a NUL, into text[size]. A longer one, one
 * with a NUL within, or another type breaks the conversation: expected says what it should be. */
int talk_string(struct talk *t, const struct reply_event *event, char *text, size_t size,
		const char *expected) __attribute__((warn_unused_result));

/* talk_next() and talk_string(). */
int talk_next_string(struct talk *t, char *text, size_t size, const char *expected)
	__attribute__((warn_unused_result));

/* It cannot go on, for this reason. Returns -1. */
int talk_broke(struct talk *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* It cannot go on, for the reply makes no sense: its event, the last taken, stands where something
 * else was expected, which is said in words. Returns -1. */
int talk_unexpected(struct talk *t, const struct reply_event *event, const char *expected);

/* The same of a string that has been taken. Returns -1. */
int talk_unexpected_string(struct talk *t, const char *string, size_t len, const char *expected);

/* Say on standard error why it broke, if it did; once. */
void talk_print_reason(struct talk *t);

/* Print a REPLY_ERROR on standard error. */
void talk_print_error(const struct talk *t, const struct reply_event *event);

#endif
