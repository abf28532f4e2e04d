/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_ADVICE_H
#define CLIENT_ADVICE_H
/* What a person who types lines is told, once, where these and the server do not seem to go
 * together: it speaks resp, or says nothing. All zeros, nothing has happened. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct advice {
	bool given;            /* has been, or is not to be */
	bool asked;            /* a line was typed */
	bool greeted;          /* something came before that, which of resp never does */
	int64_t unanswered_ms; /* when a line is without a reply for too long; 0: none is */
	const char *text;      /* static: to be told when the prompt is due; or NULL */
};

/* A line was typed; and goes to the server as it is, at now_ms of io_clock_ms(). */
void advice_asked(struct advice *a);
void advice_sent(struct advice *a, int64_t now_ms);
/* Something came. */
void advice_replied(struct advice *a, const char *data, size_t len);

/* When advice_unanswered() is due unless something comes, as io_clock_ms(); 0: never. */
int64_t advice_due_ms(const struct advice *a);
void advice_unanswered(struct advice *a);

/* Tell the person, on standard error. */
void advice_say(struct advice *a);

#endif
