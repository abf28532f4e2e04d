/* SPDX-License-Identifier: MIT */
#include "client/print.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static int add(struct buf *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int add(struct buf *out, const char *format, ...)
{
	char text[64];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return buf_add(out, text, (size_t)len);
}

/* Print the number of an element. That of the first stands in the line of its array's own number,
 * the others stand below. */
static int print_number(struct print *p, unsigned depth, struct buf *out)
{
	int64_t number = p->next[depth - 1]++;

	for (unsigned i = 0; number > 1 && i < depth - 1; i++)
		if (add(out, "%*s", (int)p->width[i] + 2, "") < 0)
			return -1;
	return add(out, "%*" PRId64 ") ", (int)p->width[depth - 1], number);
}

static int print_array(struct print *p, const struct reply_event *event, struct buf *out)
{
	char last[24];

	if (event->number == 0)
		return p->readable ? add(out, "(empty array)\n") : 0;
	p->next[event->depth] = 1;
	p->width[event->depth] = (unsigned)snprintf(last, sizeof(last), "%" PRId64, event->number);
	return 0;
}

static int print_line(struct print *p, const char *label, const struct reply_event *event,
		      struct buf *out)
{
	int result;

	if (p->readable)
		result = add(out, "%s", label) < 0 ? -1 : escape_text(out, event->data, event->len);
	else
		result = buf_add(out, event->data, event->len);
	return result < 0 ? -1 : add(out, "\n");
}

static int print_bulk(struct print *p, struct buf *out)
{
	p->escape = (struct escape){.quoted = true};
	return p->readable ? add(out, "\"") : 0;
}

static int print_bulk_end(struct print *p, struct buf *out)
{
	if (p->readable && escape_end(&p->escape, out) < 0)
		return -1;
	return add(out, p->readable ? "\"\n" : "\n");
}

int print_event(struct print *p, const struct reply_event *event, struct buf *out)
{
	bool inside = event->type == REPLY_DATA || event->type == REPLY_BULK_END;

	if (p->readable && event->depth > 0 && !inside && print_number(p, event->depth, out) < 0)
		return -1;
	switch (event->type) {
	case REPLY_TEXT:
		return print_line(p, "", event, out);
	case REPLY_ERROR:
		return print_line(p, "(error) ", event, out);
	case REPLY_INTEGER:
		return add(out, p->readable ? "(integer) %" PRId64 "\n" : "%" PRId64 "\n",
			   event->number);
	case REPLY_NIL:
		return add(out, p->readable ? "(nil)\n" : "\n");
	case REPLY_ARRAY:
		return print_array(p, event, out);
	case REPLY_BULK:
		return print_bulk(p, out);
	case REPLY_DATA:
		return p->readable ? escape_add(&p->escape, out, event->data, event->len)
				   : buf_add(out, event->data, event->len);
	case REPLY_BULK_END:
		return print_bulk_end(p, out);
	default:
		return 0;
	}
}
