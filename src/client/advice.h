/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_ADVICE_H
#define CLIENT_ADVICE_H
/* What a person who types lines is told, once, where lines and the server do not seem to go
 * together: the server speaks resp, or says nothing. Zeroed, nothing has happened. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct advice {
	bool given;            /* advice has been given, or is not to be */
	bool asked;            /* a line was typed */
	bool greeted;          /* the server spoke first, which one of resp never does */
	int64_t unanswered_ms; /* when a line has waited too long for a reply; 0: none waits */
	const char *text;      /* static: to be told when the prompt is due; or NULL */
};

/* A line was typed. */
void advice_asked(struct advice *a);
/* A line goes to the server as it was typed, at now_ms of io_clock_ms(). */
void advice_sent(struct advice *a, int64_t now_ms);
/* The server has sent data[0, len). */
void advice_replied(struct advice *a, const char *data, size_t len);

/* When advice_unanswered() is due unless the server sends something, as io_clock_ms(); 0: never. */
int64_t advice_due_ms(const struct advice *a);
/* A line has waited too long for a reply. */
void advice_unanswered(struct advice *a);

/* Tell the person what there is to tell, on standard error. */
void advice_say(struct advice *a);

#endif
