/* SPDX-License-Identifier: MIT */
#ifndef WIRE_HTTP_H
#define WIRE_HTTP_H
/*
 * HTTP/1.1 and 1.0, of which GET and HEAD are understood (RFC 9110 and 9112): what a client asks
 * for, struct http_get, and the answer, struct document. Services know only these two, and say a
 * document (net/call.h); conditions, ranges and HEAD are the protocol's business.
 */
#include <stdint.h>

#include "wire/protocol.h"

#define HTTP_LINE_MAX 8192 /* bytes of a request line, with its end */
#define HTTP_FIELDS_MAX 100

/* A request. Fields that were not sent are empty. */
struct http_get {
	/* Decoded once, with "." and ".." resolved and without doubled slashes: it begins with a
	 * slash, has no NUL, and does not lead above the root. */
	struct slice path;
	struct slice query; /* as it was sent, without the '?' */
	struct slice line;  /* of the request, as it was sent */
	struct slice referer, agent;
	struct slice host, range, if_range, if_match, if_none_match, if_modified_since,
		if_unmodified_since;
	bool accepts_gzip, accepts_br;
	bool accepts_openmetrics; /* application/openmetrics-text */
};

/*
 * What there is to be said about a path. Strings are borrowed for the time of the call. With text,
 * which is for people, the protocol makes the body, a page of it; else size bytes follow, of which
 * the protocol says which go out: none for HEAD, some for a range.
 */
struct document {
	int status;           /* RFC 9110, 15; 200 may become 206, 304, 412 or 416 */
	const char *type;     /* the media type of the body */
	const char *encoding; /* gzip or br; NULL: the bytes are as they are */
	const char *etag; /* without its quotes; it changes whenever a byte does. NULL: none, and
			     no conditions and ranges either */
	const char *location; /* of a redirect: a path, encoded */
	const char *text;     /* what to tell a person where there is nothing else */
	int64_t modified;     /* seconds since 1970, with an etag only */
	uint64_t size;        /* bytes of all of the body */
	bool page;            /* one of our own, for browsers: it loads nothing and runs nothing */
	const char *policy;   /* of a page that has a style of its own; NULL: PAGE_POLICY */
	bool varies;          /* what is said depends on the encodings that the client accepts */
	bool passing;         /* says how things are now: nobody keeps a copy */
	uint64_t first, len;  /* set by the protocol: the bytes of the body that follow */
};

/* Whether the field Server tells the version. */
void http_show_version(bool shown);

/* ---- within wire/ ---- */

/* Parse a head, of which the first len bytes are there. Returns how many bytes it has, 0
 * incomplete, -1 with what is wrong, "STATUS reason". get borrows from data, and from what the next
 * call overwrites.
 */
ssize_t http_head(const char *data, size_t len, size_t max, struct framing *f, struct http_get *get,
		  const char **error);

/* Write the path of a request target, decoded and resolved, to path, which has room for target->len
 * bytes. Returns how many bytes, or -1 where the target is no path: an escape is wrong or a NUL, or
 * it leads above the root. */
ssize_t http_path(const struct slice *target, char *path);

/* Decide which bytes of a document that has an etag go out: RFC 9110, 13.2.2 and 14.2. HEAD has no
 * ranges. */
void http_choose(const struct http_get *get, bool head, struct document *d);

/* Parse a date in any of the three forms of RFC 9110, 5.6.7. Returns seconds since 1970, or -1. */
int64_t http_date_parse(const struct slice *text);
/* Write a date in the first of these forms, of HTTP_DATE_LEN bytes. Returns the end. */
#define HTTP_DATE_LEN 29
char *http_date_print(int64_t seconds, char *to);

int http_document(struct buf *out, const struct framing *f, const struct http_get *get,
		  struct document *d);
int http_error(struct buf *out, const struct framing *f, const char *text);

#endif
