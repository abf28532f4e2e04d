/* SPDX-License-Identifier: MIT */
#include "net/call.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/stats.h"

int say_bytes(const struct call *call, const void *data, size_t len)
{
	char *to = say_bytes_space(call, len);

	if (to == NULL)
		return -1;
	if (len > 0)
		memcpy(to, data, len);
	return 0;
}

int say_text(const struct call *call, const char *text)
{
	return say_bytes(call, text, strlen(text));
}

static void outcome_set(struct outcome *outcome, const char *text)
{
	size_t len = strcspn(text, " ");

	if (len >= sizeof(outcome->code))
		len = sizeof(outcome->code) - 1;
	memcpy(outcome->code, text, len);
	outcome->code[len] = '\0';
}

int say_error(const struct call *call, const char *format, ...)
{
	char text[SAY_ERROR_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	stats.errors++;
	if (call->outcome != NULL)
		outcome_set(call->outcome, text);
	return call->protocol->error(call->out, call->framing, text);
}

/* Tell the status of a document, and how many bytes its head has, which is in out from begun on. */
static void document_outcome(const struct call *call, const struct document *d, size_t begun)
{
	const char *head = buf_data(call->out) + begun;
	const char *end = memmem(head, buf_len(call->out) - begun, "\r\n\r\n", 4);

	snprintf(call->outcome->code, sizeof(call->outcome->code), "%d", d->status);
	call->outcome->head = end != NULL ? (size_t)(end + 4 - head) : 0;
}

int say_document_head(const struct call *call, struct document *d)
{
	size_t begun = buf_len(call->out);

	if (call->protocol->document(call->out, call->framing, call->get, d) < 0)
		return -1;
	stats.errors += d->status >= 400;
	if (call->outcome != NULL)
		document_outcome(call, d, begun);
	return 0;
}

int say_document(const struct call *call, struct document *d, const void *body)
{
	if (say_document_head(call, d) < 0)
		return -1;
	return d->len > 0 ? buf_add(call->out, (const char *)body + d->first, d->len) : 0;
}

static int say_composite(const struct call *call, enum composite kind, size_t count)
{
	return say_begin(call, kind) < 0 ? -1 : say_end(call, kind, count);
}

int say_list(const struct call *call, size_t count)
{
	return say_composite(call, REPLY_LIST, count);
}

int say_pairs(const struct call *call, size_t count)
{
	return say_composite(call, REPLY_PAIRS, count);
}
