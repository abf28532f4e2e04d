/* SPDX-License-Identifier: MIT */
#include "core/log_line.h"

#include <bsd/string.h>
#define LIBBSD_NETBSD_VIS
#include <bsd/vis.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define KEY_MAX 32    /* bytes of a key */
#define VALUE_MAX 800 /* bytes of a value, encoded */

/* Whether a value can stand without quotes: no byte of data[0, len) ends a value, or begins an
 * escape or a quote for anybody, be it a shell. */
static bool value_is_bare(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (data[i] <= ' ' || data[i] > '~' || strchr("\"'\\", data[i]) != NULL)
			return false;
	return len > 0;
}

/* How many bytes of text, at most max, can be kept without cutting an escape of strvisx(3). */
static size_t escapes_fit(const char *text, size_t max)
{
	size_t len = 0, step, digits;

	for (; text[len] != '\0'; len += step) {
		digits = text[len] == '\\' ? strspn(text + len + 1, "01234567") : 0;
		step = text[len] != '\\' ? 1 : digits == 0 ? 2 : 1 + (digits < 3 ? digits : 3);
		if (len + step > max)
			break;
	}
	return len;
}

/* Write a value to `to`, of at most VALUE_MAX bytes, two quotes and "...". cut: data is only the
 * beginning of the value. Returns the bytes written. */
static size_t value_make(char *to, const char *data, size_t len, bool cut)
{
	static char encoded[VALUE_MAX * 4 + 1];
	size_t fits;

	if (!cut && len <= VALUE_MAX && value_is_bare(data, len)) {
		memcpy(to, data, len);
		return len;
	}
	cut = cut || len > VALUE_MAX;
	if (strvisx(encoded, data, len < VALUE_MAX ? len : VALUE_MAX,
		    VIS_CSTYLE | VIS_OCTAL | VIS_TAB | VIS_NL | VIS_DQ | VIS_NOLOCALE) < 0) {
		encoded[0] = '\0'; /* no memory */
		cut = true;
	}
	fits = escapes_fit(encoded, VALUE_MAX);
	cut = cut || encoded[fits] != '\0';
	return (size_t)sprintf(to, "\"%.*s\"%s", (int)fits, encoded, cut ? "..." : "");
}

/* A field that does not fit is left out, with all after it. cut: as for value_make(). */
static void field_add(struct log_line *line, const char *key, const char *data, size_t len,
		      bool cut)
{
	static const char more[] = " ...";
	static char field[KEY_MAX + VALUE_MAX + sizeof(" =\"\"...")];
	size_t count;

	if (line->full)
		return;
	count = (size_t)sprintf(field, " %.*s=", KEY_MAX, key);
	count += value_make(field + count, data, len, cut);
	line->full = line->len + count + sizeof(more) > sizeof(line->text);
	if (line->full)
		count = strlcpy(field, more, sizeof(field));
	memcpy(line->text + line->len, field, count);
	line->len += count;
}

static void number_add(struct log_line *line, const char *key, uint64_t number)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, number);

	field_add(line, key, digits, (size_t)len, false);
}

static void words_add(struct log_line *line, const char *key, const char *words, size_t size)
{
	const char *end = words + size, *after;

	for (; words < end; words = after + 1) {
		after = memchr(words, '\0', (size_t)(end - words));
		if (after == NULL) {
			field_add(line, key, words, (size_t)(end - words), true);
			return;
		}
		field_add(line, key, words, (size_t)(after - words), false);
	}
}

void log_line_make(struct log_line *line, int level, const char *event,
		   const struct log_field *fields)
{
	line->when = time(NULL);
	line->level = level;
	line->full = false;
	line->len = strlcpy(line->text, event, sizeof(line->text));
	if (line->len >= sizeof(line->text))
		line->len = sizeof(line->text) - 1;
	for (const struct log_field *f = fields; f->key != NULL; f++) {
		if (f->kind == LOG_KIND_NUMBER)
			number_add(line, f->key, f->number);
		else if (f->kind == LOG_KIND_WORDS)
			words_add(line, f->key, f->data, f->len);
		else if (f->data != NULL)
			field_add(line, f->key, f->data, f->len, false);
	}
	line->text[line->len] = '\0';
}
