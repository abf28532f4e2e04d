/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge.h"
#include "wire/http.h"

#define INPUT_MAX (64 * 1024)
#define MAX 4096 /* bytes of a head, where a test says nothing else */

static struct slice argv[REQUEST_ARGS_MAX];

/* ---- input, and what is made of it, as text ---- */

struct row {
	const char *input;
	size_t len;
	const char *said; /* "GET /path?query" a request, with flags; "!STATUS" its end */
};

#define ROW(input, said)                       \
	{                                      \
		input, sizeof(input) - 1, said \
	}
#define HOST "Host: a\r\n"
#define GET "GET / HTTP/1.1\r\n" HOST
#define END "\r\n"

static void print_request(FILE *to, const struct request *req, const struct framing *f)
{
	const struct http_get *get = req->get;

	assert_int_equal(req->argc, 2);
	assert_ptr_equal(req->argv[1].data, get->path.data);
	assert_int_equal(req->argv[0].len, f->head ? 4 : 3);
	fprintf(to, "%.*s %.*s", (int)req->argv[0].len, req->argv[0].data, (int)get->path.len,
		get->path.data);
	if (get->query.data != NULL)
		fprintf(to, "?%.*s", (int)get->query.len, get->query.data);
	assert_int_equal(req->last, f->last);
	fprintf(to, "%s%s%s%s%s", f->old ? " old" : "", f->last ? " last" : "",
		f->html ? " html" : "", get->accepts_gzip ? " gzip" : "",
		get->accepts_br ? " br" : "");
	fputc('\n', to);
}

/* What len bytes are taken for that come step by step, step 0 at once. */
static char *taken(const char *data, size_t len, size_t max, size_t step)
{
	struct framing framing = {0};
	size_t from = 0, to = 0, text_len;
	ssize_t used = 0;
	char *text;
	FILE *out = open_memstream(&text, &text_len);

	assert_non_null(out);
	do {
		struct request req = {.argv = argv};

		if (used == 0)
			to = step == 0 || to + step > len ? len : to + step;
		used = protocol_http.next(at_edge(data + from, to - from), to - from, max, false,
					  &framing, &req);
		if (used < 0)
			fprintf(out, "!%.3s\n", req.error);
		if (used > 0 && req.argc > 0)
			print_request(out, &req, &framing);
		from += used > 0 ? (size_t)used : 0;
		assert_true(from <= to);
	} while (used > 0 || (used == 0 && to < len));
	fclose(out);
	return text;
}

static void assert_taken(const char *data, size_t len, size_t max, const char *said)
{
	for (size_t step = 0; step < 4; step++) {
		char *text = taken(data, len, max, step);

		if (strcmp(text, said) != 0)
			fail_msg("by %zu bytes, this is taken for '%s', not '%s':\n%.*s", step,
				 text, said, (int)(len < 400 ? len : 400), data);
		free(text);
	}
}

static void assert_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_taken(rows[i].input, rows[i].len, MAX, rows[i].said);
}

#define ASSERT_ROWS(rows) assert_rows(rows, sizeof(rows) / sizeof((rows)[0]))

/* ---- what is understood ---- */

static void requests_are_taken_however_they_are_cut(void **state)
{
	static const struct row rows[] = {
		ROW("", ""),
		ROW(GET END, "GET /\n"),
		ROW("HEAD /a HTTP/1.1\r\n" HOST END, "HEAD /a\n"),
		ROW(GET END GET END, "GET /\nGET /\n"),
		ROW("\r\n\r\n" GET END "\r\n" GET END "\r\n", "GET /\nGET /\n"),
		ROW("GET /a?b=c?d HTTP/1.1\r\n" HOST END, "GET /a?b=c?d\n"),
		ROW("GET /a? HTTP/1.1\r\n" HOST END, "GET /a?\n"),
		ROW("GET /?%zz/../ HTTP/1.1\r\n" HOST END, "GET /?%zz/../\n"),
		ROW("GET / HTTP/1.1\r\nHost:\r\n" END, "GET /\n"),
		ROW("GET / HTTP/1.1\r\nhOST:\t[::1]:80 \t\r\n" END, "GET /\n"),
		ROW("GET / HTTP/1.2\r\n" HOST END, "GET /\n"),
		ROW(GET "X: \xff\x80 a\tb\r\nY:\r\n" END, "GET /\n"),
		ROW(GET "Content-Length: 0\r\n" END, "GET /\n"),
		ROW(GET "Content-Length: 000\r\n" END, "GET /\n"),
		ROW("GET http://b/x HTTP/1.1\r\n" HOST END, "GET /x\n"),
		ROW("GET HTTP://b:80 HTTP/1.1\r\n" HOST END, "GET /\n"),
		ROW("GET https://b?c HTTP/1.1\r\n" HOST END, "GET /?c\n"),
	};

	ASSERT_ROWS(rows);
}

static void a_connection_is_kept_as_the_version_and_the_client_have_it(void **state)
{
	static const struct row rows[] = {
		ROW(GET "Connection: close\r\n" END, "GET / last\n"),
		ROW(GET "Connection: keep-alive\r\n" END, "GET /\n"),
		ROW(GET "Connection: x , CLOSE\r\n" END, "GET / last\n"),
		ROW(GET "Connection: x\r\nConnection: close\r\n" END, "GET / last\n"),
		ROW(GET "Connection: closed\r\n" END, "GET /\n"),
		ROW("GET / HTTP/1.0\r\n" END, "GET / old last\n"),
		ROW("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n" END, "GET / old\n"),
		ROW("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n" END, "GET / old last\n"),
	};

	ASSERT_ROWS(rows);
}

static void what_is_accepted_is_known(void **state)
{
	static const struct row rows[] = {
		ROW(GET "Accept: text/html\r\n" END, "GET / html\n"),
		ROW(GET "Accept: a/b, text/html;q=0.9\r\n" END, "GET / html\n"),
		ROW(GET "Accept: text/html;level=1; Q=0.0\r\n" END, "GET /\n"),
		ROW(GET "Accept: */*\r\n" END, "GET /\n"),
		ROW(GET "Accept-Encoding: gzip, br\r\n" END, "GET / gzip br\n"),
		ROW(GET "Accept-Encoding: gzip;q=0, br;q=0.1\r\n" END, "GET / br\n"),
		ROW(GET "Accept-Encoding: gzip\r\nAccept-Encoding: br\r\n" END, "GET / gzip br\n"),
		ROW(GET "Accept-Encoding: xgzip, , gzip2 ;q\r\n" END, "GET /\n"),
	};

	ASSERT_ROWS(rows);
}

static void a_path_is_decoded_once_and_does_not_lead_above_the_root(void **state)
{
	static const struct {
		const char *target, *said;
	} rows[] = {
		{"/a%20b", "GET /a b\n"},
		{"/%2541", "GET /%41\n"},
		{"/%c3%A9", "GET /\xc3\xa9\n"},
		{"/\xff", "GET /\xff\n"},
		{"//a///b//", "GET /a/b/\n"},
		{"/./a/./b/.", "GET /a/b/\n"},
		{"/a/../b", "GET /b\n"},
		{"/a/..", "GET /\n"},
		{"/a/b/..", "GET /a/\n"},
		{"/a%2Fb", "GET /a/b\n"},
		{"/a/%2e%2e/b", "GET /b\n"},
		{"/a\\..\\b", "GET /a\\..\\b\n"},
		{"/...", "GET /...\n"},
		{"/.a", "GET /.a\n"},
		{"/..", "!400\n"},
		{"/../etc/passwd", "!400\n"},
		{"/%2e%2e/", "!400\n"},
		{"/..%2f", "!400\n"},
		{"/a/../../b", "!400\n"},
		{"//..//", "!400\n"},
		{"/%00", "!400\n"},
		{"/%", "!400\n"},
		{"/%4", "!400\n"},
		{"/%4g", "!400\n"},
		{"/%+1", "!400\n"},
		{"/a#b", "!400\n"},
		{"", "!400\n"},
		{"a", "!400\n"},
		{"*", "!400\n"},
		{"?a", "!400\n"},
		{"http:/a", "!400\n"},
		{"http://", "!400\n"},
		{"http:///a", "!400\n"},
		{"http://u@b/", "!400\n"},
		{"ftp://b/", "!400\n"},
	};
	char input[128];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int len = snprintf(input, sizeof(input), "GET %s HTTP/1.1\r\n" HOST END,
				   rows[i].target);

		assert_taken(input, (size_t)len, MAX, rows[i].said);
	}
}

/* ---- what is refused ---- */

static void what_is_malformed_is_refused(void **state)
{
	static const struct row rows[] = {
		ROW("\x16\x03\x01", "!400\n"),
		ROW("\n", "!400\n"),
		ROW("\rGET", "!400\n"),
		ROW(" GET / HTTP/1.1\r\n", "!400\n"),
		ROW("GET /\r\n", "!400\n"),
		ROW("GET\r\n", "!400\n"),
		ROW("GET  / HTTP/1.1\r\n", "!400\n"),
		ROW("GET /  HTTP/1.1\r\n", "!400\n"),
		ROW("GET / HTTP/1.1 \r\n", "!400\n"),
		ROW("GET\t/ HTTP/1.1\r\n", "!400\n"),
		ROW("GET /\tb HTTP/1.1\r\n", "!400\n"),
		ROW("GET /a b HTTP/1.1\r\n", "!400\n"),
		ROW("GET / http/1.1\r\n", "!400\n"),
		ROW("GET / HTTP/1.10\r\n", "!400\n"),
		ROW("GET / HTTP/11\r\n", "!400\n"),
		ROW("GET / HTTP/1.1\n", "!400\n"),
		ROW("GE(T / HTTP/1.1\r\n", "!400\n"),
		ROW("GET /\0 HTTP/1.1\r\n", "!400\n"),
		ROW("GET / HTTP/1.1\r\r\n", "!400\n"),
		ROW("GET / HTTP/1.1\r\nHost: a\n", "!400\n"),
		ROW(GET "\n", "!400\n"),
		ROW(GET "A: b\rC: d\r\n", "!400\n"),
		ROW(GET "A: \0\r\n", "!400\n"),
		ROW(GET "A: \x7f\r\n", "!400\n"),
		ROW(GET "A : b\r\n", "!400\n"),
		ROW(GET ": b\r\n", "!400\n"),
		ROW(GET "A\r\n", "!400\n"),
		ROW(GET "A b: c\r\n", "!400\n"),
		ROW(GET "A: b\r\n c\r\n", "!400\n"),
		ROW(GET "\tA: b\r\n", "!400\n"),
		ROW("GET / HTTP/1.1\r\n Host: a\r\n", "!400\n"),
		ROW(GET "A\xc3: b\r\n", "!400\n"),
		ROW(GET "Range: bytes=0-1\r\nRange: bytes=2-3\r\n", "!400\n"),
		ROW(GET "If-Range: \"a\"\r\nif-range: \"b\"\r\n", "!400\n"),
	};

	ASSERT_ROWS(rows);
}

static void a_host_is_needed_and_is_one(void **state)
{
	static const struct row rows[] = {
		ROW("GET / HTTP/1.1\r\n" END, "!400\n"),
		ROW("GET http://a/ HTTP/1.1\r\n" END, "!400\n"),
		ROW(GET HOST END, "!400\n"),
		ROW("GET / HTTP/1.1\r\nHost: a b\r\n", "!400\n"),
		ROW("GET / HTTP/1.1\r\nHost: a/b\r\n", "!400\n"),
		ROW("GET / HTTP/1.1\r\nHost: u@b\r\n", "!400\n"),
		ROW("GET / HTTP/1.0\r\n" HOST HOST, "!400\n"),
	};

	ASSERT_ROWS(rows);
}

static void a_body_is_refused_and_nothing_after_it_is_read(void **state)
{
	static const struct row rows[] = {
		ROW(GET "Content-Length: 1\r\n" END GET END, "!413\n"),
		ROW(GET "Content-Length: 99999999999999999999999\r\n" END, "!413\n"),
		ROW(GET "Transfer-Encoding: chunked\r\n" END "0\r\n\r\n" GET END, "!413\n"),
		ROW(GET "Transfer-Encoding: Chunked\r\n" END, "!413\n"),
		ROW(GET "Transfer-Encoding: gzip, chunked\r\n" END, "!501\n"),
		ROW(GET "Transfer-Encoding: xchunked\r\n" END, "!501\n"),
		ROW(GET "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" END,
		    "!501\n"),
		ROW(GET "Transfer-Encoding: identity\r\n" END, "!501\n"),
		ROW(GET "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n" END, "!400\n"),
		ROW(GET "Content-Length: 5\r\nTransfer-Encoding: x\r\n" END, "!400\n"),
		ROW("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" END, "!400\n"),
		ROW(GET "Content-Length: 0\r\nContent-Length: 0\r\n" END, "!400\n"),
		ROW(GET "Content-Length: 0, 0\r\n" END, "!400\n"),
		ROW(GET "Content-Length: +0\r\n" END, "!400\n"),
		ROW(GET "Content-Length: -1\r\n" END, "!400\n"),
		ROW(GET "Content-Length: 0x0\r\n" END, "!400\n"),
		ROW(GET "Content-Length:\r\n" END, "!400\n"),
		ROW(GET END "POST / HTTP/1.1\r\n" HOST END GET END, "GET /\n!405\n"),
	};

	ASSERT_ROWS(rows);
}

static void other_methods_and_versions_are_refused(void **state)
{
	static const struct row rows[] = {
		ROW("POST / HTTP/1.1\r\n" HOST "Content-Length: 3\r\n" END "a=b", "!405\n"),
		ROW("OPTIONS * HTTP/1.1\r\n" HOST END, "!405\n"),
		ROW("CONNECT a:80 HTTP/1.1\r\n" HOST END, "!405\n"),
		ROW("get / HTTP/1.1\r\n" HOST END, "!501\n"),
		ROW("GETS / HTTP/1.1\r\n" HOST END, "!501\n"),
		ROW("PRI * HTTP/2.0\r\n", "!505\n"),
		ROW("GET / HTTP/0.9\r\n", "!505\n"),
	};

	ASSERT_ROWS(rows);
}

/* ---- limits ---- */

static char long_input[INPUT_MAX];

/* GET, a path and fields, of len bytes in all. */
static void long_make(size_t line_len, size_t len)
{
	static const char end[] = " HTTP/1.1\r\n" HOST "X: ";

	memset(long_input, 'x', sizeof(long_input));
	memcpy(long_input, "GET /", 5);
	memcpy(long_input + line_len - 11, end, sizeof(end) - 1);
	memcpy(long_input + len - 4, "\r\n\r\n", 4);
}

static void assert_long(size_t len, size_t max, const char *status)
{
	struct framing framing = {0};
	struct request req = {.argv = argv};
	ssize_t used =
		protocol_http.next(at_edge(long_input, len), len, max, false, &framing, &req);

	if (status == NULL) {
		assert_int_equal(used, len);
		return;
	}
	assert_int_equal(used, -1);
	assert_memory_equal(req.error, status, 3);
}

static void a_head_and_its_lines_have_limits(void **state)
{
	long_make(HTTP_LINE_MAX, 20000);
	assert_long(20000, 20000, NULL);
	assert_long(20000, 19999, "431");
	assert_long(20000, HTTP_LINE_MAX, "431");
	assert_long(20000, HTTP_LINE_MAX - 1, "414");
	assert_taken(long_input, 20000, 15000, "!431\n");
	long_make(HTTP_LINE_MAX + 1, 20000);
	assert_long(20000, 20000, "414");
	assert_taken(long_input, 20000, 20000, "!414\n");
	assert_taken(long_input, HTTP_LINE_MAX, 20000, "!414\n");
	assert_taken(long_input, HTTP_LINE_MAX - 1, 20000, "");
	assert_taken("GET / HTTP/1.1\r\n", 16, 16, "!431\n");
	assert_taken("GET /", 5, 5, "!414\n");
	assert_taken("GET / HTTP/1.1\r\nA", 17, 17, "!431\n");
}

static void so_many_fields_there_may_be(void **state)
{
	size_t len = sizeof(GET) - 1;

	memcpy(long_input, GET, len);
	for (int i = 1; i < HTTP_FIELDS_MAX; i++, len += 6)
		memcpy(long_input + len, "A: b\r\n", 6);
	memcpy(long_input + len, "\r\n", 2);
	assert_taken(long_input, len + 2, MAX, "GET /\n");
	memcpy(long_input + len, "C: d\r\n", 6);
	assert_taken(long_input, len + 6, MAX, "!431\n");
}

static void fields_are_found(void **state)
{
	static const char input[] = "GET / HTTP/1.1\r\nHost: h\r\nRange: bytes=1-2\r\n"
				    "If-Range: \"r\"\r\nIf-Match: \"m\"\r\nIf-None-Match: \"n\"\r\n"
				    "If-Modified-Since: d1\r\nIf-Unmodified-Since: d2\r\n\r\n";
	struct framing framing = {0};
	struct request req = {.argv = argv};

	assert_int_equal(protocol_http.next(at_edge(input, sizeof(input) - 1), sizeof(input) - 1,
					    MAX, false, &framing, &req),
			 sizeof(input) - 1);
	assert_true(slice_is(&req.get->host, "h"));
	assert_true(slice_is(&req.get->range, "bytes=1-2"));
	assert_true(slice_is(&req.get->if_range, "\"r\""));
	assert_true(slice_is(&req.get->if_match, "\"m\""));
	assert_true(slice_is(&req.get->if_none_match, "\"n\""));
	assert_true(slice_is(&req.get->if_modified_since, "d1"));
	assert_true(slice_is(&req.get->if_unmodified_since, "d2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_taken_however_they_are_cut),
		cmocka_unit_test(a_connection_is_kept_as_the_version_and_the_client_have_it),
		cmocka_unit_test(what_is_accepted_is_known),
		cmocka_unit_test(a_path_is_decoded_once_and_does_not_lead_above_the_root),
		cmocka_unit_test(what_is_malformed_is_refused),
		cmocka_unit_test(a_host_is_needed_and_is_one),
		cmocka_unit_test(a_body_is_refused_and_nothing_after_it_is_read),
		cmocka_unit_test(other_methods_and_versions_are_refused),
		cmocka_unit_test(a_head_and_its_lines_have_limits),
		cmocka_unit_test(so_many_fields_there_may_be),
		cmocka_unit_test(fields_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
