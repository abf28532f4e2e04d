/* SPDX-License-Identifier: MIT */
/* Conditions and ranges: which bytes of a document go out. */
#include <string.h>
#include <strings.h>

#include "wire/http.h"

/* ---- conditions: RFC 9110, 13 ---- */

/* Take the next tag of a list, with its quotes: W/"x" or "x". Returns false at the end, and at what
 * is none. */
static bool take_tag(struct slice *list, bool *weak, struct slice *tag)
{
	const char *at = list->data, *end = at + list->len, *quote;

	while (at < end && (*at == ',' || *at == ' ' || *at == '\t'))
		at++;
	*weak = end - at > 2 && memcmp(at, "W/", 2) == 0;
	at += *weak ? 2 : 0;
	quote = end - at > 1 && *at == '"' ? memchr(at + 1, '"', (size_t)(end - at) - 1) : NULL;
	if (quote == NULL)
		return false;
	*tag = (struct slice){at + 1, (size_t)(quote - at) - 1};
	*list = (struct slice){quote + 1, (size_t)(end - quote) - 1};
	return true;
}

/* Whether etag is in a list of tags; strong: weak tags in it do not count. */
static bool has_tag(const struct slice *value, const char *etag, bool strong)
{
	struct slice list = *value, tag;
	bool weak;

	if (value->len == 1 && value->data[0] == '*')
		return true;
	while (take_tag(&list, &weak, &tag))
		if (tag.len == strlen(etag) && memcmp(tag.data, etag, tag.len) == 0 &&
		    !(strong && weak))
			return true;
	return false;
}

/* Whether the client wants the document as it once was, and it has changed: If-Match,
 * If-Unmodified-Since. */
static bool has_changed(const struct http_get *get, const struct document *d)
{
	int64_t since;

	if (get->if_match.data != NULL)
		return !has_tag(&get->if_match, d->etag, true);
	since = http_date_parse(&get->if_unmodified_since);
	return since >= 0 && d->modified > since;
}

/* Whether the client has the document already: If-None-Match, If-Modified-Since. */
static bool is_known(const struct http_get *get, const struct document *d)
{
	int64_t since;

	if (get->if_none_match.data != NULL)
		return has_tag(&get->if_none_match, d->etag, false);
	since = http_date_parse(&get->if_modified_since);
	return since >= 0 && d->modified <= since;
}

/* Whether a range may be sent, as If-Range is not given, or has the document as it is now; a date
 * must be just that of the document. */
static bool continues(const struct http_get *get, const struct document *d)
{
	const struct slice *value = &get->if_range;

	if (value->data == NULL)
		return true;
	if (memchr(value->data, '"', value->len) != NULL)
		return has_tag(value, d->etag, true);
	return http_date_parse(value) == d->modified;
}

/* ---- ranges: RFC 9110, 14 ---- */

/* Take digits; a number that does not fit becomes the largest that does. Returns whether there were
 * any. */
static bool take_number(struct slice *s, uint64_t *number)
{
	size_t len = 0;

	*number = 0;
	for (; len < s->len && s->data[len] >= '0' && s->data[len] <= '9'; len++) {
		uint64_t digit = (uint64_t)(s->data[len] - '0');

		*number = *number > (INT64_MAX - digit) / 10 ? INT64_MAX : *number * 10 + digit;
	}
	s->data += len;
	s->len -= len;
	return len > 0;
}

/* Parse a range, "bytes=a-b", "bytes=a-" or "bytes=-n". Returns false for anything else, several
 * ranges too: the answer is that to a request without ranges. */
static bool range_parse(struct slice range, uint64_t size, uint64_t *first, uint64_t *last)
{
	bool from, to;

	if (range.len < 7 || strncasecmp(range.data, "bytes=", 6) != 0)
		return false;
	range = (struct slice){range.data + 6, range.len - 6};
	from = take_number(&range, first);
	if (range.len == 0 || range.data[0] != '-')
		return false;
	range = (struct slice){range.data + 1, range.len - 1};
	to = take_number(&range, last);
	if (range.len > 0 || (!from && !to) || (from && to && *last < *first))
		return false;
	if (!from) {
		*first = *last == 0 ? size : *last < size ? size - *last : 0;
		to = false;
	}
	if (!to || *last >= size)
		*last = size > 0 ? size - 1 : 0;
	return true;
}

static void range_choose(const struct http_get *get, struct document *d)
{
	uint64_t first, last;

	if (get->range.data == NULL || !range_parse(get->range, d->size, &first, &last) ||
	    !continues(get, d))
		return;
	if (first >= d->size) {
		d->status = 416;
		d->text = "There are no such bytes.";
		return;
	}
	d->status = 206;
	d->first = first;
	d->len = last - first + 1;
}

void http_choose(const struct http_get *get, bool head, struct document *d)
{
	if (has_changed(get, d)) {
		d->status = 412;
		d->text = "It has changed.";
	} else if (is_known(get, d)) {
		d->status = 304;
		d->len = 0;
	} else if (!head) {
		range_choose(get, d);
	}
}
