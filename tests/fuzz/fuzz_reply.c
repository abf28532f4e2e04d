/* SPDX-License-Identifier: MIT */
/* A server's replies are the same events, and the same JSON, however the bytes are cut. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client/json.h"

struct summary {
	uint64_t hash; /* of all events, whatever pieces a body comes in, and of their JSON */
	struct json_reply json;
	struct buf text; /* JSON of the reply that goes on */
	size_t values;   /* that have ended */
	bool bad;        /* REPLY_BAD has come */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void mix(struct summary *s, const void *data, size_t len)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i++)
		s->hash = (s->hash ^ bytes[i]) * 0x100000001b3; /* FNV-1a */
}

static void note(struct summary *s, const struct reply_event *e)
{
	assert(e->open <= REPLY_DEPTH_MAX && e->depth <= REPLY_DEPTH_MAX);
	mix(s, e->data, e->len);
	if (e->type == REPLY_DATA)
		return;
	mix(s, &e->type, sizeof(e->type));
	mix(s, &e->number, sizeof(e->number));
	s->values += e->ended;
	s->bad = e->type == REPLY_BAD;
}

static void note_json(struct summary *s, const struct reply_event *e)
{
	if (e->type == REPLY_BAD || json_event(&s->json, e, &s->text) < 0 || !reply_whole(e))
		return;
	mix(s, buf_data(&s->text), buf_len(&s->text));
	buf_consume(&s->text, buf_len(&s->text));
}

/* Give the parser step bytes at a time. */
static struct summary parse(const char *data, size_t size, size_t step)
{
	struct reply r = {0};
	struct reply_event e;
	struct summary s = {0};
	size_t end, taken;

	for (size_t at = 0; at < size && !s.bad; at = end) {
		end = size - at > step ? at + step : size;
		for (size_t from = at; from < end && !s.bad; from += taken) {
			taken = reply_next(&r, data + from, end - from, &e);
			assert(taken <= end - from && (taken > 0 || e.type == REPLY_BAD));
			if (e.type == REPLY_MORE)
				continue;
			note(&s, &e);
			note_json(&s, &e);
		}
	}
	buf_free(&s.text);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct summary whole = parse(bytes, size, SIZE_MAX), part;

	for (size_t step = 1; step < 8; step++) {
		part = parse(bytes, size, step);
		assert(part.hash == whole.hash && part.values == whole.values &&
		       part.bad == whole.bad);
	}
	return 0;
}
