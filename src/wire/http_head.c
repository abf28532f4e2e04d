/* SPDX-License-Identifier: MIT */
/* The head of a request, line by line: each is judged as soon as it is whole, so that the answer
 * does not depend on how the bytes were cut. What two servers could read in two ways is refused:
 * RFC 9112, 2.2, 5.1, 6.3 and 11.2. */
#include <string.h>
#include <strings.h>

#include "wire/http.h"

struct head {
	struct http_get *get;
	struct framing *f;
	const char *refusal; /* of the method, which is told when all of the head is there */
	int fields;
	bool length, body, coding; /* Content-Length, one of more than 0, Transfer-Encoding */
	bool unknown_coding;
	bool close, keep;
};

/* Characters of a token: RFC 9110, 5.6.2. */
static const bool in_token[256] = {
	['!'] = true,         ['#' ... '\''] = true, ['*'] = true,         ['+'] = true,
	['-'] = true,         ['.'] = true,          ['0' ... '9'] = true, ['A' ... 'Z'] = true,
	['^' ... 'z'] = true, ['|'] = true,          ['~'] = true,
};

/* Characters of a host with its port: RFC 3986, 3.2.2. */
static const bool in_host[256] = {
	['!'] = true, ['$' ... '.'] = true, ['0' ... ';'] = true,
	['='] = true, ['A' ... '['] = true, [']'] = true,
	['_'] = true, ['a' ... 'z'] = true, ['~'] = true,
};

static size_t span(const struct slice *s, const bool set[256])
{
	size_t len = 0;

	while (len < s->len && set[(unsigned char)s->data[len]])
		len++;
	return len;
}

static void slice_skip(struct slice *s, size_t len)
{
	s->data += len;
	s->len -= len;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void trim(struct slice *s)
{
	while (s->len > 0 && is_blank(s->data[0]))
		slice_skip(s, 1);
	while (s->len > 0 && is_blank(s->data[s->len - 1]))
		s->len--;
}

/* ---- lists ---- */

/* Take what is before the next mark, without the blanks around it. */
static struct slice take_item(struct slice *list, char mark)
{
	const char *end = memchr(list->data, mark, list->len);
	struct slice item = {list->data, end != NULL ? (size_t)(end - list->data) : list->len};

	slice_skip(list, item.len + (end != NULL));
	trim(&item);
	return item;
}

/* Whether the parameters of an encoding have q=0, which refuses it: RFC 9110, 12.4.2. */
static bool is_refused(struct slice parameters)
{
	while (parameters.len > 0) {
		struct slice item = take_item(&parameters, ';');

		if (item.len < 3 || (item.data[0] | 0x20) != 'q' || item.data[1] != '=')
			continue;
		slice_skip(&item, 2);
		while (item.len > 0 && (item.data[0] == '0' || item.data[0] == '.'))
			slice_skip(&item, 1);
		return item.len == 0;
	}
	return false;
}

static bool list_has(const struct slice *value, const char *word)
{
	struct slice list = *value;

	while (list.len > 0) {
		struct slice item = take_item(&list, ','), name = take_item(&item, ';');

		if (slice_is(&name, word))
			return !is_refused(item);
	}
	return false;
}

/* ---- fields; each function returns NULL, or why the request is refused ---- */

static const char *take_host(struct head *h, const struct slice *value, struct slice *to)
{
	if (to->data != NULL)
		return "400 There is more than one Host.";
	*to = *value;
	return span(value, in_host) == value->len ? NULL : "400 Host is no name.";
}

static const char *take_once(struct head *h, const struct slice *value, struct slice *to)
{
	if (to->data != NULL)
		return "400 A field that can be there once is there twice.";
	*to = *value;
	return NULL;
}

static const char *take_any(struct head *h, const struct slice *value, struct slice *to)
{
	*to = *value;
	return NULL;
}

static const char *take_connection(struct head *h, const struct slice *value, struct slice *to)
{
	h->close = h->close || list_has(value, "close");
	h->keep = h->keep || list_has(value, "keep-alive");
	return NULL;
}

static const char *take_length(struct head *h, const struct slice *value, struct slice *to)
{
	if (h->length)
		return "400 There is more than one Content-Length.";
	h->length = true;
	if (value->len == 0)
		return "400 Content-Length is no number.";
	for (size_t i = 0; i < value->len; i++) {
		if (value->data[i] < '0' || value->data[i] > '9')
			return "400 Content-Length is no number.";
		h->body = h->body || value->data[i] != '0';
	}
	return NULL;
}

static const char *take_coding(struct head *h, const struct slice *value, struct slice *to)
{
	h->unknown_coding = h->unknown_coding || h->coding || !slice_is(value, "chunked");
	h->coding = true;
	return NULL;
}

static const char *take_accept(struct head *h, const struct slice *value, struct slice *to)
{
	h->f->html = h->f->html || list_has(value, "text/html");
	h->get->accepts_openmetrics =
		h->get->accepts_openmetrics || list_has(value, "application/openmetrics-text");
	return NULL;
}

static const char *take_encodings(struct head *h, const struct slice *value, struct slice *to)
{
	h->get->accepts_gzip = h->get->accepts_gzip || list_has(value, "gzip");
	h->get->accepts_br = h->get->accepts_br || list_has(value, "br");
	return NULL;
}

#define NAME(text)                     \
	{                              \
		text, sizeof(text) - 1 \
	}

static const struct field {
	struct slice name;
	const char *(*take)(struct head *h, const struct slice *value, struct slice *to);
	size_t to; /* in struct http_get, where it is one of its slices */
} fields[] = {
	{NAME("Host"), take_host, offsetof(struct http_get, host)},
	{NAME("Connection"), take_connection, 0},
	{NAME("Content-Length"), take_length, 0},
	{NAME("Transfer-Encoding"), take_coding, 0},
	{NAME("Accept"), take_accept, 0},
	{NAME("Accept-Encoding"), take_encodings, 0},
	{NAME("Referer"), take_any, offsetof(struct http_get, referer)},
	{NAME("User-Agent"), take_any, offsetof(struct http_get, agent)},
	{NAME("Range"), take_once, offsetof(struct http_get, range)},
	{NAME("If-Range"), take_once, offsetof(struct http_get, if_range)},
	{NAME("If-Match"), take_once, offsetof(struct http_get, if_match)},
	{NAME("If-None-Match"), take_once, offsetof(struct http_get, if_none_match)},
	{NAME("If-Modified-Since"), take_once, offsetof(struct http_get, if_modified_since)},
	{NAME("If-Unmodified-Since"), take_once, offsetof(struct http_get, if_unmodified_since)},
};

static bool is_text(const struct slice *value)
{
	for (size_t i = 0; i < value->len; i++) {
		unsigned char c = (unsigned char)value->data[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static const char *take_field(struct head *h, const struct slice *line)
{
	struct slice name = {line->data, span(line, in_token)}, value = *line;

	if (++h->fields > HTTP_FIELDS_MAX)
		return "431 There are too many fields.";
	if (is_blank(line->data[0]))
		return "400 A field goes on in the next line.";
	if (name.len == 0 || name.len == line->len || line->data[name.len] != ':')
		return "400 A field has no name and colon.";
	slice_skip(&value, name.len + 1);
	if (!is_text(&value))
		return "400 There are control characters in a field.";
	trim(&value);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (name.len == fields[i].name.len &&
		    strncasecmp(name.data, fields[i].name.data, name.len) == 0)
			return fields[i].take(h, &value,
					      (struct slice *)((char *)h->get + fields[i].to));
	return NULL;
}

/* ---- the request line ---- */

static const char *take_method(struct head *h, const struct slice *method)
{
	static const char *const known[] = {"POST",    "PUT",   "DELETE", "OPTIONS",
					    "CONNECT", "TRACE", "PATCH"};

	h->f->head = method->len == 4 && memcmp(method->data, "HEAD", 4) == 0;
	if (h->f->head || (method->len == 3 && memcmp(method->data, "GET", 3) == 0))
		return NULL;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (method->len == strlen(known[i]) &&
		    memcmp(method->data, known[i], method->len) == 0)
			return "405 There is GET and HEAD here, and nothing else.";
	return "501 There is no such method; GET and HEAD are understood.";
}

/* Any 1.x is answered as 1.1 is: RFC 9110, 2.5. */
static const char *take_version(struct head *h, const struct slice *version)
{
	const char *at = version->data;

	if (version->len != 8 || memcmp(at, "HTTP/", 5) != 0 || at[5] < '0' || at[5] > '9' ||
	    at[6] != '.' || at[7] < '0' || at[7] > '9')
		return "400 The request line does not end in HTTP/1.1.";
	h->f->old = at[7] == '0';
	return at[5] == '1' ? NULL : "505 HTTP/1.1 and 1.0 are spoken here.";
}

/* Take scheme and host off a target in absolute form, as proxies get it; that host counts in place
 * of the field's (RFC 9112, 3.2.2). Returns false where the target has no such form. */
static bool take_authority(struct slice *target)
{
	static const char *const schemes[] = {"http://", "https://"};
	size_t len = 0;

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]) && len == 0; i++)
		if (target->len >= strlen(schemes[i]) &&
		    strncasecmp(target->data, schemes[i], strlen(schemes[i])) == 0)
			len = strlen(schemes[i]);
	if (len == 0)
		return false;
	slice_skip(target, len);
	len = span(target, in_host);
	slice_skip(target, len);
	return len > 0 && (target->len == 0 || target->data[0] == '/' || target->data[0] == '?');
}

static const char *take_target(struct head *h, struct slice target)
{
	static char path[HTTP_LINE_MAX];
	const char *mark;
	ssize_t len;

	if (memchr(target.data, '#', target.len) != NULL ||
	    ((target.len == 0 || target.data[0] != '/') && !take_authority(&target)))
		return "400 There is no path in the request line.";
	mark = memchr(target.data, '?', target.len);
	if (mark != NULL) {
		h->get->query =
			(struct slice){mark + 1, target.len - (size_t)(mark + 1 - target.data)};
		target.len = (size_t)(mark - target.data);
	}
	len = http_path(&target, path);
	if (len < 0)
		return "400 The path is none: a % is not that of an escape, or it leads too high.";
	h->get->path = (struct slice){path, (size_t)len};
	return NULL;
}

static const char *take_request_line(struct head *h, const struct slice *line)
{
	struct slice method = {line->data, span(line, in_token)}, rest = *line, target;
	const char *error, *end;

	h->get->line = *line;
	if (method.len == 0 || method.len == line->len || line->data[method.len] != ' ')
		return "400 This is no request of HTTP.";
	slice_skip(&rest, method.len + 1);
	end = memchr(rest.data, ' ', rest.len);
	if (end == NULL)
		return "400 The request line does not end in HTTP/1.1.";
	target = (struct slice){rest.data, (size_t)(end - rest.data)};
	slice_skip(&rest, target.len + 1);
	if (!is_text(&target) || memchr(target.data, '\t', target.len) != NULL)
		return "400 There are control characters in the request line.";
	error = take_version(h, &rest);
	h->refusal = take_method(h, &method);
	if (error == NULL && h->refusal == NULL)
		error = take_target(h, target);
	return error;
}

/* ---- the whole ---- */

/* The field lines are at their end. Returns NULL, or why the request is refused. */
static const char *judge(const struct head *h)
{
	if (h->coding && (h->length || h->f->old))
		return "400 The length of the body is said in two ways.";
	if (h->unknown_coding)
		return "501 There is no such transfer coding.";
	if (!h->f->old && h->get->host.data == NULL)
		return "400 There is no Host.";
	if (h->refusal != NULL)
		return h->refusal;
	return h->body || h->coding ? "413 A request cannot have a body here." : NULL;
}

/* Take a line that ends before limit, without its CRLF. Returns how many bytes it has with the
 * CRLF, 0 where it is incomplete, or -1 where it ends in LF alone. */
static ssize_t take_line(const char *data, size_t limit, struct slice *line)
{
	const char *end = memchr(data, '\n', limit);

	if (end == NULL)
		return 0;
	if (end == data || end[-1] != '\r')
		return -1;
	*line = (struct slice){data, (size_t)(end - data) - 1};
	return end + 1 - data;
}

ssize_t http_head(const char *data, size_t len, size_t max, struct framing *f, struct http_get *get,
		  const char **error)
{
	struct head h = {.get = get, .f = f};
	size_t limit = len < max ? len : max, at = 0, room;
	struct slice line;
	ssize_t used;

	*get = (struct http_get){0};
	*f = (struct framing){.last = true};
	*error = "400 This is no request of HTTP.";
	if (!in_token[(unsigned char)data[0]])
		return -1;
	do {
		room = at == 0 && limit > HTTP_LINE_MAX ? HTTP_LINE_MAX : limit - at;
		used = take_line(data + at, room, &line);
		*error = "400 A line ends in LF without CR.";
		if (used == 0 && at == 0 && (room == HTTP_LINE_MAX || len >= max))
			*error = "414 The request line is too long.";
		else if (used == 0 && len >= max)
			*error = "431 The fields are too long.";
		else if (used == 0)
			return 0;
		if (used <= 0)
			return -1;
		*error = at == 0         ? take_request_line(&h, &line)
			 : line.len == 0 ? judge(&h)
					 : take_field(&h, &line);
		at += (size_t)used;
	} while (*error == NULL && line.len > 0);
	f->last = *error != NULL || h.close || (f->old && !h.keep);
	return *error == NULL ? (ssize_t)at : -1;
}
