/* SPDX-License-Identifier: MIT */
#include "client/advice.h"

#include <err.h>

#include "client/reply.h"

#define UNANSWERED_MS 1000 /* after a line, until a person is told what may be wrong */

static void advice_give(struct advice *a, const char *text)
{
	a->given = true;
	a->text = text;
}

void advice_asked(struct advice *a)
{
	a->asked = true;
}

void advice_sent(struct advice *a, int64_t now_ms)
{
	if (a->unanswered_ms == 0)
		a->unanswered_ms = now_ms + UNANSWERED_MS;
}

void advice_replied(struct advice *a, const char *data, size_t len)
{
	a->unanswered_ms = 0;
	a->greeted |= !a->asked;
	if (!a->given && !a->greeted && reply_is_likely(data, len))
		advice_give(a, "the server seems to speak resp: with -R, typed lines are requests");
}

int64_t advice_due_ms(const struct advice *a)
{
	return a->given ? 0 : a->unanswered_ms;
}

void advice_unanswered(struct advice *a)
{
	advice_give(a, "no reply: if the server waits for the end of a line, use -n; "
		       "if it speaks resp, -R");
}

void advice_say(struct advice *a)
{
	if (a->text != NULL)
		warnx("%s", a->text);
	a->text = NULL;
}
