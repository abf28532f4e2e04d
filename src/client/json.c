/* SPDX-License-Identifier: MIT */
#include "client/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Well-formed UTF-8, Unicode's table 3-7: no character in more bytes than it needs, none above
 * U+10FFFF, no half of a surrogate pair. */
static const struct {
	unsigned char first, last;   /* of the first byte */
	unsigned char second, limit; /* of the second; those after it are 80 to BF */
	size_t len;
} forms[] = {
	{0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
	{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
	{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

/* Returns how many bytes the character has whose first len bytes these are; 0: none begins so. */
static size_t character_len(const unsigned char *bytes, size_t len)
{
	size_t form = 0;

	while (form < sizeof(forms) / sizeof(forms[0]) && bytes[0] > forms[form].last)
		form++;
	if (form == sizeof(forms) / sizeof(forms[0]) || bytes[0] < forms[form].first)
		return 0;
	if (len > 1 && (bytes[1] < forms[form].second || bytes[1] > forms[form].limit))
		return 0;
	for (size_t i = 2; i < len; i++)
		if (bytes[i] < 0x80 || bytes[i] > 0xbf)
			return 0;
	return forms[form].len;
}

/* Add an escape of UTF-16, \uXXXX. */
static int add_unit(struct buf *out, unsigned unit)
{
	char text[8];
	int len = snprintf(text, sizeof(text), "\\u%04x", unit);

	return buf_add(out, text, (size_t)len);
}

/* Add a whole character. Control characters are escaped, those of two bytes too, as terminals heed
 * them. */
static int add_character(struct buf *out, const unsigned char *bytes, size_t len)
{
	static const char special[] = "\"\"\\\\\bb\ff\nn\rr\tt";

	for (const char *s = special; len == 1 && *s != '\0'; s += 2)
		if (bytes[0] == (unsigned char)s[0])
			return buf_add(out, (const char[]){'\\', s[1]}, 2);
	if (len == 1 && (bytes[0] < 0x20 || bytes[0] == 0x7f))
		return add_unit(out, bytes[0]);
	if (len == 2 && bytes[0] == 0xc2 && bytes[1] < 0xa0)
		return add_unit(out, bytes[1]);
	return buf_add(out, bytes, len);
}

/* The first byte begins no character: add its escape. */
static int drop_byte(struct json_text *t, struct buf *out)
{
	int result = add_unit(out, 0xdc00 + t->character[0]);

	memmove(t->character, t->character + 1, --t->len);
	return result;
}

/* Add the characters that are whole. */
static int take(struct json_text *t, struct buf *out)
{
	size_t len;

	while (t->len > 0) {
		len = character_len(t->character, t->len);
		if (len > t->len)
			return 0;
		if (len == 0) {
			if (drop_byte(t, out) < 0)
				return -1;
			continue;
		}
		t->len = 0;
		return add_character(out, t->character, len);
	}
	return 0;
}

int json_text_add(struct json_text *t, struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		t->character[t->len++] = (unsigned char)text[i];
		if (take(t, out) < 0)
			return -1;
	}
	return 0;
}

int json_text_end(struct json_text *t, struct buf *out)
{
	while (t->len > 0)
		if (drop_byte(t, out) < 0)
			return -1;
	return 0;
}

int json_string(struct buf *out, const char *text, size_t len)
{
	struct json_text t = {0};

	if (json_raw(out, "\"") < 0 || json_text_add(&t, out, text, len) < 0 ||
	    json_text_end(&t, out) < 0)
		return -1;
	return json_raw(out, "\"");
}

int json_integer(struct buf *out, int64_t number)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%" PRId64, number);

	return buf_add(out, text, (size_t)len);
}

int json_raw(struct buf *out, const char *json)
{
	return buf_add(out, json, strlen(json));
}

static int add_error(struct buf *out, const struct reply_event *event)
{
	if (json_raw(out, "{\"error\":") < 0 || json_string(out, event->data, event->len) < 0)
		return -1;
	return json_raw(out, "}");
}

static int add_event(struct json_reply *r, const struct reply_event *event, struct buf *out)
{
	switch (event->type) {
	case REPLY_TEXT:
		return json_string(out, event->data, event->len);
	case REPLY_ERROR:
		return add_error(out, event);
	case REPLY_INTEGER:
		return json_integer(out, event->number);
	case REPLY_NIL:
		return json_raw(out, "null");
	case REPLY_ARRAY:
		return json_raw(out, event->number > 0 ? "[" : "[]");
	case REPLY_BULK:
		return json_raw(out, "\"");
	case REPLY_DATA:
		return json_text_add(&r->text, out, event->data, event->len);
	case REPLY_BULK_END:
		return json_text_end(&r->text, out) < 0 ? -1 : json_raw(out, "\"");
	default:
		return 0;
	}
}

int json_event(struct json_reply *r, const struct reply_event *event, struct buf *out)
{
	bool inside = event->type == REPLY_DATA || event->type == REPLY_BULK_END;

	if (!inside && r->follows && json_raw(out, ",") < 0)
		return -1;
	r->follows = false;
	if (add_event(r, event, out) < 0)
		return -1;
	if (!event->ended)
		return 0;
	for (unsigned i = event->open; i < event->depth; i++)
		if (json_raw(out, "]") < 0)
			return -1;
	r->follows = event->open > 0;
	return 0;
}
