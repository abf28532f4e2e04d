/* SPDX-License-Identifier: MIT */
#include "client/reply.h"

#include <string.h>

static void failed(struct reply *r, struct reply_event *event, const char *reason)
{
	r->state = REPLY_FAILED;
	r->reason = reason;
	event->type = REPLY_BAD;
}

/* A value is whole, and perhaps some of the arrays around, whose last element it was. */
static void value_ended(struct reply *r, struct reply_event *event)
{
	while (r->depth > 0 && --r->elements_left[r->depth - 1] == 0)
		r->depth--;
	event->ended = true;
	event->open = r->depth;
}

/* Returns 0 with *number, or -1 where text is no decimal number that fits. */
static int number_parse(const char *text, size_t len, int64_t *number)
{
	bool negative = len > 0 && text[0] == '-';
	size_t i = negative || (len > 0 && text[0] == '+');
	int64_t n = 0;

	if (i == len)
		return -1;
	for (; i < len; i++)
		if (text[i] < '0' || text[i] > '9' || __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_sub_overflow(n, text[i] - '0', &n)) /* INT64_MIN has no positive */
			return -1;
	if (!negative && n == INT64_MIN)
		return -1;
	*number = negative ? n : -n;
	return 0;
}

static void take_text(struct reply *r, struct reply_event *event, enum reply_type type)
{
	event->type = type;
	value_ended(r, event);
}

static void take_integer(struct reply *r, struct reply_event *event)
{
	if (number_parse(event->data, event->len, &event->number) < 0) {
		failed(r, event, "not an integer");
		return;
	}
	event->type = REPLY_INTEGER;
	value_ended(r, event);
}

/* Put the length of a bulk or an array, at most max, into the event's number. Returns 0; or -1
 * where no content follows, and the event is made. */
static int take_length(struct reply *r, struct reply_event *event, int64_t max)
{
	if (number_parse(event->data, event->len, &event->number) < 0 || event->number < -1 ||
	    event->number > max) {
		failed(r, event, "impossible length");
		return -1;
	}
	if (event->number >= 0)
		return 0;
	event->type = REPLY_NIL;
	value_ended(r, event);
	return -1;
}

static void take_bulk(struct reply *r, struct reply_event *event)
{
	if (take_length(r, event, REPLY_BULK_MAX) < 0)
		return;
	event->type = REPLY_BULK;
	event->open = r->depth;
	r->body_left = event->number;
	r->state = r->body_left > 0 ? REPLY_IN_BODY : REPLY_IN_BODY_END;
}

static void take_array(struct reply *r, struct reply_event *event)
{
	if (take_length(r, event, REPLY_COUNT_MAX) < 0)
		return;
	event->type = REPLY_ARRAY;
	if (event->number == 0) {
		value_ended(r, event);
		return;
	}
	if (r->depth == REPLY_DEPTH_MAX) {
		failed(r, event, "arrays too deep");
		return;
	}
	r->elements_left[r->depth++] = event->number;
	event->open = r->depth;
}

/* A line is whole: event->data is what stands between its type and its end. Make an event of it. */
static void take_line(struct reply *r, struct reply_event *event)
{
	switch (r->line[0]) {
	case '+':
		take_text(r, event, REPLY_TEXT);
		break;
	case '-':
		take_text(r, event, REPLY_ERROR);
		break;
	case ':':
		take_integer(r, event);
		break;
	case '$':
		take_bulk(r, event);
		break;
	default:
		take_array(r, event);
	}
}

/* Collect a line. What is not the protocol is refused by its first byte, as it may never have a
 * newline. */
static size_t next_line(struct reply *r, const char *data, size_t len, struct reply_event *event)
{
	const char *newline = memchr(data, '\n', len);
	size_t taken = newline != NULL ? (size_t)(newline - data) + 1 : len, end;

	if (taken > sizeof(r->line) - r->line_len) {
		failed(r, event, "a line too long");
		return 0;
	}
	memcpy(r->line + r->line_len, data, taken);
	r->line_len += taken;
	if (r->line_len > 0 && (r->line[0] == '\0' || strchr("+-:$*", r->line[0]) == NULL)) {
		failed(r, event, "not the protocol resp");
		return 0;
	}
	if (newline == NULL)
		return taken;
	end = r->line_len - 2; /* a type and a newline are at least two */
	r->line_len = 0;
	if (memchr(r->line, '\r', end + 1) != r->line + end) {
		failed(r, event, "a line without CR LF");
		return 0;
	}
	event->data = r->line + 1;
	event->len = end - 1;
	take_line(r, event);
	return event->type == REPLY_BAD ? 0 : taken;
}

static size_t next_body(struct reply *r, const char *data, size_t len, struct reply_event *event)
{
	size_t taken = (uint64_t)r->body_left < len ? (size_t)r->body_left : len;

	event->type = REPLY_DATA;
	event->data = data;
	event->len = taken;
	r->body_left -= (int64_t)taken;
	if (r->body_left == 0)
		r->state = REPLY_IN_BODY_END;
	return taken;
}

/* Take the CRLF after the body of a bulk; r->line_len counts its bytes. */
static size_t next_body_end(struct reply *r, const char *data, size_t len,
			    struct reply_event *event)
{
	size_t taken = 0;

	while (taken < len && r->line_len < 2) {
		if (data[taken++] != "\r\n"[r->line_len++]) {
			failed(r, event, "a bulk longer than its length");
			return 0;
		}
	}
	if (r->line_len < 2)
		return taken;
	r->line_len = 0;
	r->state = REPLY_IN_LINE;
	event->type = REPLY_BULK_END;
	value_ended(r, event);
	return taken;
}

size_t reply_next(struct reply *r, const char *data, size_t len, struct reply_event *event)
{
	*event = (struct reply_event){.type = REPLY_MORE, .depth = r->depth, .open = r->depth};
	if (r->state == REPLY_FAILED)
		event->type = REPLY_BAD;
	if (r->state == REPLY_FAILED || len == 0)
		return 0;
	switch (r->state) {
	case REPLY_IN_BODY:
		return next_body(r, data, len, event);
	case REPLY_IN_BODY_END:
		return next_body_end(r, data, len, event);
	default:
		return next_line(r, data, len, event);
	}
}

bool reply_is_likely(const char *data, size_t len)
{
	struct reply r = {0};
	struct reply_event e;
	const char *newline = memchr(data, '\n', len);

	if (newline == NULL)
		return false;
	reply_next(&r, data, (size_t)(newline - data) + 1, &e);
	return e.type != REPLY_BAD;
}
