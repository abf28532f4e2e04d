/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "wire/http.h"
#include "wire/page.h"

#define FIRST "Server: pollard\r\nX-Content-Type-Options: nosniff\r\nDate: -\r\n"
#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"
#define SECONDS 784111777

static struct slice slice_of(const char *text)
{
	return (struct slice){text, text != NULL ? strlen(text) : 0};
}

/* Blot out the date of now. */
static void date_hide(char *text)
{
	char *date = strstr(text, "Date: "), now[HTTP_DATE_LEN + 1] = "";
	struct slice value = {date + 6, HTTP_DATE_LEN};

	assert_non_null(date);
	assert_true(llabs(http_date_parse(&value) - time(NULL)) < 100);
	http_date_print(http_date_parse(&value), now);
	assert_memory_equal(date + 6, now, HTTP_DATE_LEN);
	date[6] = '-';
	memmove(date + 7, date + 6 + HTTP_DATE_LEN, strlen(date + 6 + HTTP_DATE_LEN) + 1);
}

/* What was written, which the caller frees. */
static char *text_of(struct buf *out)
{
	char *text = strndup(buf_data(out), buf_len(out));

	buf_free(out);
	date_hide(text);
	return text;
}

static void assert_text(struct buf *out, const char *expected)
{
	char *text = text_of(out);

	assert_string_equal(text, expected);
	free(text);
}

/* ---- heads ---- */

static void a_document_has_a_head(void **state)
{
	struct document d = {
		.status = 200, .type = "text/plain", .etag = "e", .size = 12, .modified = SECONDS};
	const struct http_get get = {0};
	struct buf out = {0};

	assert_int_equal(http_document(&out, &(struct framing){0}, &get, &d), 0);
	assert_int_equal(d.first, 0);
	assert_int_equal(d.len, 12);
	assert_text(&out, "HTTP/1.1 200 OK\r\n" FIRST "Content-Type: text/plain\r\n"
			  "ETag: \"e\"\r\nLast-Modified: " DATE "\r\n"
			  "Accept-Ranges: bytes\r\nContent-Length: 12\r\n\r\n");
}

static void one_of_our_own_pages_loads_nothing(void **state)
{
	struct document d = {.status = 200,
			     .type = PAGE_TYPE,
			     .size = 0,
			     .page = true,
			     .passing = true,
			     .varies = true,
			     .encoding = "gzip"};
	struct buf out = {0};

	assert_int_equal(http_document(&out, &(struct framing){.old = true}, NULL, &d), 0);
	assert_text(&out, "HTTP/1.1 200 OK\r\n" FIRST "Content-Type: " PAGE_TYPE "\r\n"
			  "Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n"
			  "Cache-Control: no-store\r\nContent-Security-Policy: " PAGE_POLICY "\r\n"
			  "Content-Length: 0\r\nConnection: keep-alive\r\n\r\n");
}

static void head_has_no_body_and_its_length(void **state)
{
	struct document d = {.status = 200, .size = UINT64_C(5) << 32};
	struct buf out = {0};

	assert_int_equal(
		http_document(&out, &(struct framing){.head = true, .last = true}, NULL, &d), 0);
	assert_int_equal(d.len, 0);
	assert_text(&out, "HTTP/1.1 200 OK\r\n" FIRST
			  "Content-Length: 21474836480\r\nConnection: close\r\n\r\n");
}

static void what_is_told_is_text(void **state)
{
	struct document d = {.status = 301, .location = "/a/", .text = "It is <there>."};
	struct buf out = {0};

	assert_int_equal(http_document(&out, &(struct framing){0}, NULL, &d), 0);
	assert_text(&out, "HTTP/1.1 301 Moved Permanently\r\n" FIRST
			  "Content-Type: text/plain; charset=utf-8\r\nLocation: /a/\r\n"
			  "Content-Length: 37\r\n\r\n301 Moved Permanently\nIt is <there>.\n");
	assert_int_equal(http_document(&out, &(struct framing){.head = true}, NULL, &d), 0);
	assert_text(&out, "HTTP/1.1 301 Moved Permanently\r\n" FIRST
			  "Content-Type: text/plain; charset=utf-8\r\nLocation: /a/\r\n"
			  "Content-Length: 37\r\n\r\n");
}

static void what_is_told_is_a_page_for_who_reads_pages(void **state)
{
	struct document d = {.status = 404, .text = "No <script>&\"'\n."};
	struct buf out = {0};
	char *text;

	assert_int_equal(http_document(&out, &(struct framing){.html = true}, NULL, &d), 0);
	text = text_of(&out);
	assert_non_null(strstr(text, "Content-Security-Policy: default-src 'none'"));
	assert_non_null(strstr(text, "<title>404 Not Found</title>"));
	assert_non_null(strstr(text, "<p>No &lt;script&gt;&amp;&quot;&#39;\xef\xbf\xbd.</p>"));
	free(text);
}

static void errors_have_a_status(void **state)
{
	static const struct {
		const char *text, *status;
	} rows[] = {
		{"400 No.", "HTTP/1.1 400 Bad Request\r\n"},
		{"405 No.", "HTTP/1.1 405 Method Not Allowed\r\n"},
		{"413 No.", "HTTP/1.1 413 Content Too Large\r\n"},
		{"414 No.", "HTTP/1.1 414 URI Too Long\r\n"},
		{"431 No.", "HTTP/1.1 431 Request Header Fields Too Large\r\n"},
		{"501 No.", "HTTP/1.1 501 Not Implemented\r\n"},
		{"505 No.", "HTTP/1.1 505 HTTP Version Not Supported\r\n"},
		{"200 No.", "HTTP/1.1 503 Service Unavailable\r\n"},
		{"ERR too many clients", "HTTP/1.1 503 Service Unavailable\r\n"},
		{"NOPERM not you", "HTTP/1.1 403 Forbidden\r\n"},
		{"ERR", "HTTP/1.1 503 Service Unavailable\r\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out = {0};
		char *text;

		assert_int_equal(http_error(&out, &(struct framing){0}, rows[i].text), 0);
		text = text_of(&out);
		assert_memory_equal(text, rows[i].status, strlen(rows[i].status));
		assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
		assert_int_equal(strstr(text, "\r\nAllow: GET, HEAD\r\n") != NULL, i == 1);
		free(text);
	}
}

static void the_policy_lets_the_style_in(void **state)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t hash[SHA256_DIGEST_LENGTH + 1] = {0};
	char source[64] = "'sha256-", *to = source + strlen(source);
	SHA2_CTX sha;

	SHA256Init(&sha);
	SHA256Update(&sha, (const uint8_t *)PAGE_STYLE, sizeof(PAGE_STYLE) - 1);
	SHA256Final(hash, &sha);
	for (int bit = 0; bit < 8 * SHA256_DIGEST_LENGTH; bit += 6) {
		int pair = hash[bit / 8] << 8 | hash[bit / 8 + 1];

		*to++ = letters[pair >> (10 - bit % 8) & 63];
	}
	stpcpy(to, "='");
	assert_non_null(strstr(PAGE_POLICY, source));
}

/* ---- conditions and ranges ---- */

static void conditions_are_met_or_not(void **state)
{
	static const struct {
		const char *match, *unmodified, *none_match, *modified;
		int status;
	} rows[] = {
		{NULL, NULL, NULL, NULL, 200},
		{"\"e\"", NULL, NULL, NULL, 200},
		{"\"x\", \"e\"", NULL, NULL, NULL, 200},
		{"*", NULL, NULL, NULL, 200},
		{"W/\"e\"", NULL, NULL, NULL, 412},
		{"\"x\"", NULL, NULL, NULL, 412},
		{"e", NULL, NULL, NULL, 412},
		{"", NULL, NULL, NULL, 412},
		{"\"e", NULL, NULL, NULL, 412},
		{NULL, DATE, NULL, NULL, 200},
		{NULL, "Sun, 06 Nov 1994 08:49:36 GMT", NULL, NULL, 412},
		{NULL, "yesterday", NULL, NULL, 200},
		{"\"e\"", "Sun, 06 Nov 1994 08:49:36 GMT", NULL, NULL, 200},
		{NULL, NULL, "\"e\"", NULL, 304},
		{NULL, NULL, "W/\"e\"", NULL, 304},
		{NULL, NULL, "\"a,b\" ,, \"e\"", NULL, 304},
		{NULL, NULL, "*", NULL, 304},
		{NULL, NULL, "\"ee\"", NULL, 200},
		{NULL, NULL, "\"x\"", DATE, 200},
		{NULL, NULL, NULL, DATE, 304},
		{NULL, NULL, NULL, "Sunday, 06-Nov-94 08:49:37 GMT", 304},
		{NULL, NULL, NULL, "Sun Nov  6 08:49:37 1994", 304},
		{NULL, NULL, NULL, "Sun, 06 Nov 1994 08:49:36 GMT", 200},
		{NULL, NULL, NULL, "Sun, 06 Nov 1994 08:49:37 CET", 200},
		{NULL, NULL, NULL, "", 200},
		{"\"x\"", NULL, "\"e\"", NULL, 412},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct document d = {
			.status = 200, .etag = "e", .modified = SECONDS, .size = 1, .len = 1};
		const struct http_get get = {
			.if_match = slice_of(rows[i].match),
			.if_unmodified_since = slice_of(rows[i].unmodified),
			.if_none_match = slice_of(rows[i].none_match),
			.if_modified_since = slice_of(rows[i].modified),
		};

		http_choose(&get, i % 2, &d);
		if (d.status != rows[i].status)
			fail_msg("row %zu: %d, not %d", i, d.status, rows[i].status);
		assert_int_equal(d.len, d.status == 304 ? 0 : 1);
		assert_int_equal(d.text != NULL, d.status == 412);
	}
}

static void a_range_is_cut_out(void **state)
{
	static const struct {
		const char *range, *if_range;
		uint64_t size;
		int status;
		uint64_t first, len;
	} rows[] = {
		{"bytes=0-0", NULL, 10, 206, 0, 1},
		{"bytes=2-", NULL, 10, 206, 2, 8},
		{"bytes=2-4", NULL, 10, 206, 2, 3},
		{"bytes=2-99", NULL, 10, 206, 2, 8},
		{"bytes=-3", NULL, 10, 206, 7, 3},
		{"bytes=-99", NULL, 10, 206, 0, 10},
		{"BYTES=9-9", NULL, 10, 206, 9, 1},
		{"bytes=5000000000-5000000001", NULL, UINT64_C(6000000000), 206, 5000000000, 2},
		{"bytes=-5000000000", NULL, UINT64_C(6000000000), 206, 1000000000, 5000000000},
		{"bytes=0-99999999999999999999999", NULL, 10, 206, 0, 10},
		{"bytes=10-", NULL, 10, 416, 0, 10},
		{"bytes=99999999999999999999999-", NULL, 10, 416, 0, 10},
		{"bytes=-0", NULL, 10, 416, 0, 10},
		{"bytes=0-", NULL, 0, 416, 0, 0},
		{"bytes=-1", NULL, 0, 416, 0, 0},
		{"bytes=0-1,3-4", NULL, 10, 200, 0, 10},
		{"bytes=3-2", NULL, 10, 200, 0, 10},
		{"bytes=-", NULL, 10, 200, 0, 10},
		{"bytes=", NULL, 10, 200, 0, 10},
		{"bytes=a-b", NULL, 10, 200, 0, 10},
		{"bytes=1", NULL, 10, 200, 0, 10},
		{"bytes=--1", NULL, 10, 200, 0, 10},
		{"lines=0-1", NULL, 10, 200, 0, 10},
		{"", NULL, 10, 200, 0, 10},
		{"bytes=2-", "\"e\"", 10, 206, 2, 8},
		{"bytes=2-", "\"x\"", 10, 200, 0, 10},
		{"bytes=2-", "W/\"e\"", 10, 200, 0, 10},
		{"bytes=2-", DATE, 10, 206, 2, 8},
		{"bytes=2-", "Sun, 06 Nov 1994 08:49:38 GMT", 10, 200, 0, 10},
		{"bytes=99-", "\"x\"", 10, 200, 0, 10},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct document d = {.status = 200,
				     .etag = "e",
				     .modified = SECONDS,
				     .size = rows[i].size,
				     .len = rows[i].size};
		const struct http_get get = {
			.range = slice_of(rows[i].range),
			.if_range = slice_of(rows[i].if_range),
		};

		http_choose(&get, false, &d);
		if (d.status != rows[i].status || d.first != rows[i].first || d.len != rows[i].len)
			fail_msg("%s: %d from %ju, %ju", rows[i].range, d.status,
				 (uintmax_t)d.first, (uintmax_t)d.len);
	}
}

static void a_part_says_where_it_is(void **state)
{
	struct document d = {.status = 200, .etag = "e", .size = 10};
	struct http_get get = {.range = slice_of("bytes=2-4")};
	struct buf out = {0};
	char *text;

	assert_int_equal(http_document(&out, &(struct framing){0}, &get, &d), 0);
	text = text_of(&out);
	assert_memory_equal(text, "HTTP/1.1 206 Partial Content\r\n", 30);
	assert_non_null(
		strstr(text, "\r\nContent-Range: bytes 2-4/10\r\nContent-Length: 3\r\n\r\n"));
	free(text);
	d = (struct document){.status = 200, .etag = "e", .size = 10};
	get.range = slice_of("bytes=10-");
	assert_int_equal(http_document(&out, &(struct framing){0}, &get, &d), 0);
	assert_int_equal(d.len, 0);
	text = text_of(&out);
	assert_memory_equal(text, "HTTP/1.1 416 Range Not Satisfiable\r\n", 36);
	assert_non_null(strstr(text, "\r\nContent-Range: bytes */10\r\n"));
	free(text);
}

static void not_modified_has_validators_and_no_length(void **state)
{
	struct document d = {
		.status = 200, .type = "a/b", .encoding = "br", .etag = "e", .size = 10};
	struct http_get get = {.if_none_match = slice_of("*")};
	struct buf out = {0};

	assert_int_equal(http_document(&out, &(struct framing){0}, &get, &d), 0);
	assert_int_equal(d.len, 0);
	assert_text(&out, "HTTP/1.1 304 Not Modified\r\n" FIRST "ETag: \"e\"\r\n"
			  "Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
			  "Accept-Ranges: bytes\r\n\r\n");
}

static void a_file_of_the_future_is_of_now(void **state)
{
	struct document d = {.status = 200, .etag = "e", .modified = INT64_MAX};
	const struct http_get get = {0};
	struct buf out = {0};

	assert_int_equal(http_document(&out, &(struct framing){0}, &get, &d), 0);
	assert_true(llabs(d.modified - time(NULL)) < 100);
	buf_free(&out);
	d.modified = INT64_MIN;
	assert_int_equal(http_document(&out, &(struct framing){0}, &get, &d), 0);
	assert_int_equal(d.modified, 0);
	buf_free(&out);
}

/* ---- dates ---- */

static void dates_are_as_strftime_has_them(void **state)
{
	char ours[HTTP_DATE_LEN + 1] = "", theirs[64];
	time_t at = 0;

	for (int i = 0; i < 5000; i++, at += 2971 * 4001 + i) {
		const struct slice value = {ours, HTTP_DATE_LEN};

		strftime(theirs, sizeof(theirs), "%a, %d %b %Y %H:%M:%S GMT", gmtime(&at));
		http_date_print(at, ours);
		assert_string_equal(ours, theirs);
		assert_int_equal(http_date_parse(&value), at);
	}
}

static void what_is_no_date_is_none(void **state)
{
	static const char *const texts[] = {
		"",
		"0",
		"now",
		"Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 GMT+1",
		"Sun, 32 Nov 1994 08:49:37 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 06 Now 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:49:37 GMT",
		"Sun, 06 Nov 1994 08:60:37 GMT",
		"Sun, 06 Nov 1994 08:49:61 GMT",
		"Sun, 06 Nov 1994 -8:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37 GMT                                        ",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const struct slice value = slice_of(texts[i]);

		assert_int_equal(http_date_parse(&value), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_has_a_head),
		cmocka_unit_test(one_of_our_own_pages_loads_nothing),
		cmocka_unit_test(head_has_no_body_and_its_length),
		cmocka_unit_test(what_is_told_is_text),
		cmocka_unit_test(what_is_told_is_a_page_for_who_reads_pages),
		cmocka_unit_test(errors_have_a_status),
		cmocka_unit_test(the_policy_lets_the_style_in),
		cmocka_unit_test(conditions_are_met_or_not),
		cmocka_unit_test(a_range_is_cut_out),
		cmocka_unit_test(a_part_says_where_it_is),
		cmocka_unit_test(not_modified_has_validators_and_no_length),
		cmocka_unit_test(a_file_of_the_future_is_of_now),
		cmocka_unit_test(dates_are_as_strftime_has_them),
		cmocka_unit_test(what_is_no_date_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
