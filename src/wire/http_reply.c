/* SPDX-License-Identifier: MIT */
/* The answer to a request: a head, and a page where there is only something to tell a person. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wire/http.h"
#include "wire/page.h"

#define HEAD_MAX 1024 /* bytes, without what the document gives */
#define TITLE_MAX 48  /* "404 Not Found" */
#define NUMBER_MAX 20 /* digits */

static const char *server = "pollard";

void http_show_version(bool shown)
{
	server = shown ? "pollard/" PACKAGE_VERSION : "pollard";
}

static const char *reason_of(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{200, "OK"},
		{206, "Partial Content"},
		{301, "Moved Permanently"},
		{304, "Not Modified"},
		{400, "Bad Request"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{412, "Precondition Failed"},
		{413, "Content Too Large"},
		{414, "URI Too Long"},
		{416, "Range Not Satisfiable"},
		{431, "Request Header Fields Too Large"},
		{501, "Not Implemented"},
		{503, "Service Unavailable"},
		{505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Status";
}

/* ---- the head ---- */

static char *put_number(char *to, uint64_t number)
{
	char digits[NUMBER_MAX], *at = digits + sizeof(digits);

	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	return mempcpy(to, at, (size_t)(digits + sizeof(digits) - at));
}

static char *put_field(char *to, const char *name, const char *value)
{
	return stpcpy(stpcpy(stpcpy(to, name), value), "\r\n");
}

/* The date of now, which is printed once a second. */
static char *put_now(char *to, int64_t now)
{
	static char text[HTTP_DATE_LEN];
	static int64_t printed = -1;

	if (now != printed)
		http_date_print(now, text);
	printed = now;
	return mempcpy(to, text, HTTP_DATE_LEN);
}

static char *put_modified(char *to, int64_t modified)
{
	to = stpcpy(to, "Last-Modified: ");
	return stpcpy(http_date_print(modified, to), "\r\n");
}

/* Write Content-Range: of 206 the range, of 416 how many bytes there are. */
static char *put_range(char *to, const struct document *d)
{
	to = stpcpy(to, "Content-Range: bytes ");
	if (d->status == 206) {
		*(to = put_number(to, d->first)) = '-';
		to = put_number(to + 1, d->first + d->len - 1);
	} else {
		*to++ = '*';
	}
	*to++ = '/';
	return stpcpy(put_number(to, d->size), "\r\n");
}

/* Write the fields that describe a document and its body, of body_len bytes. */
static char *put_fields(char *to, const struct document *d, uint64_t body_len)
{
	if (d->type != NULL && d->status != 304)
		to = put_field(to, "Content-Type: ", d->type);
	if (d->encoding != NULL && d->status != 304)
		to = put_field(to, "Content-Encoding: ", d->encoding);
	if (d->etag != NULL && d->status < 400) {
		to = put_field(stpcpy(to, "ETag: \""), d->etag, "\"");
		to = put_modified(to, d->modified);
		to = stpcpy(to, "Accept-Ranges: bytes\r\n");
	}
	if (d->status == 206 || d->status == 416)
		to = put_range(to, d);
	if (d->location != NULL)
		to = put_field(to, "Location: ", d->location);
	if (d->varies)
		to = stpcpy(to, "Vary: Accept-Encoding\r\n");
	if (d->passing)
		to = stpcpy(to, "Cache-Control: no-store\r\n");
	if (d->page)
		to = put_field(to, "Content-Security-Policy: ",
			       d->policy != NULL ? d->policy : PAGE_POLICY);
	if (d->status == 405)
		to = stpcpy(to, "Allow: GET, HEAD\r\n");
	if (d->status == 304)
		return to;
	to = put_number(stpcpy(to, "Content-Length: "), body_len);
	return stpcpy(to, "\r\n");
}

static size_t text_len(const char *text)
{
	return text != NULL ? strlen(text) : 0;
}

/* Returns where a head goes, or NULL with ENOMEM. */
static char *head_space(struct buf *out, const struct document *d, uint64_t body_len)
{
	return buf_reserve(out, HEAD_MAX + text_len(d->type) + text_len(d->etag) +
					text_len(d->location) + text_len(d->policy) + body_len);
}

/* Write the head, and page as its body, if it is to have one. */
static int reply_add(struct buf *out, const struct framing *f, const struct document *d,
		     const struct buf *page, int64_t now)
{
	size_t page_len = buf_len(page);
	uint64_t body_len = page_len > 0 ? page_len : d->len;
	char *start = head_space(out, d, page_len), *to = start;

	if (to == NULL)
		return -1;
	to = put_number(stpcpy(to, "HTTP/1.1 "), (uint64_t)d->status);
	*to++ = ' ';
	to = stpcpy(stpcpy(to, reason_of(d->status)), "\r\n");
	to = put_field(to, "Server: ", server);
	to = stpcpy(to, "X-Content-Type-Options: nosniff\r\nDate: ");
	to = stpcpy(put_now(to, now), "\r\n");
	to = put_fields(to, d, body_len);
	if (f->last)
		to = stpcpy(to, "Connection: close\r\n");
	else if (f->old)
		to = stpcpy(to, "Connection: keep-alive\r\n");
	to = stpcpy(to, "\r\n");
	if (!f->head && page_len > 0)
		to = mempcpy(to, buf_data(page), page_len);
	buf_commit(out, (size_t)(to - start));
	return 0;
}

/* ---- documents ---- */

/* Make a page of a text for people: in HTML where the client takes that, or else as it is. */
static int page_make(struct buf *page, bool html, int status, const char *text)
{
	char title[TITLE_MAX];
	size_t len = (size_t)snprintf(title, sizeof(title), "%d %s", status, reason_of(status));

	if (html)
		return page_begin(page, title, len) < 0 || page_html(page, "<p>") < 0 ||
				       page_text(page, text, strlen(text)) < 0 ||
				       page_html(page, "</p></body></html>\n") < 0
			       ? -1
			       : 0;
	return buf_add(page, title, len) < 0 || page_html(page, "\n") < 0 ||
			       page_html(page, text) < 0 || page_html(page, "\n") < 0
		       ? -1
		       : 0;
}

int http_document(struct buf *out, const struct framing *f, const struct http_get *get,
		  struct document *d)
{
	int64_t now = time(NULL);
	struct buf page = {0};
	int result = 0;

	if (d->modified > now)
		d->modified = now; /* RFC 9110, 8.8.2.1 */
	if (d->modified < 0)
		d->modified = 0;
	d->first = 0;
	d->len = d->size;
	if (d->status == 200 && d->etag != NULL)
		http_choose(get, f->head, d);
	if (d->text != NULL) {
		d->type = f->html ? PAGE_TYPE : "text/plain; charset=utf-8";
		d->page = f->html;
		d->encoding = NULL;
		d->len = 0;
		result = page_make(&page, f->html, d->status, d->text);
	}
	if (result == 0)
		result = reply_add(out, f, d, &page, now);
	if (f->head)
		d->len = 0;
	buf_free(&page);
	return result;
}

/* text begins with a status of HTTP, or with a code that all protocols have: then it becomes the
 * status of a service that is refused, or of something that there is not enough of. The connection
 * ends after an error, even if nothing was asked, as for a client that there is no place for. */
int http_error(struct buf *out, const struct framing *f, const char *text)
{
	const char *blank = strchr(text, ' ');
	struct document d = {.text = blank != NULL ? blank + 1 : text};
	struct framing last = *f;
	char *end;
	long status = strtol(text, &end, 10);

	last.last = true;
	if (end == blank && status >= 400 && status < 600)
		d.status = (int)status;
	else
		d.status = strncmp(text, "NOPERM ", 7) == 0 ? 403 : 503;
	return http_document(out, &last, NULL, &d);
}
