/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "wire/protocols.h"

static struct slice argv[REQUEST_ARGS_MAX];
static struct request req = {.argv = argv};
static struct framing framing;

/* Text as input that ends where memory ends. */
static char *at_edge(const char *text, size_t len)
{
	static char *edge;
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (edge == NULL) {
		edge = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);
		assert_ptr_not_equal(edge, MAP_FAILED);
		edge += page;
		assert_int_equal(mprotect(edge, page, PROT_NONE), 0);
	}
	memcpy(edge - len, text, len);
	return edge - len;
}

static ssize_t next(const struct protocol *p, const char *text, size_t max, bool eof)
{
	framing = (struct framing){0};
	return p->next(at_edge(text, strlen(text)), strlen(text), max, eof, &framing, &req);
}

static void assert_request(const char *text, bool crlf)
{
	assert_int_equal(req.argc, 1);
	assert_int_equal(req.argv[0].len, strlen(text));
	assert_memory_equal(req.argv[0].data, text, strlen(text));
	assert_int_equal(framing.crlf, crlf);
}

static void protocols_are_found_by_name(void **state)
{
	assert_ptr_equal(protocol_find("raw"), &protocol_raw);
	assert_ptr_equal(protocol_find("line"), &protocol_line);
	assert_ptr_equal(protocol_find("resp"), &protocol_resp);
	assert_null(protocol_find("lin"));
}

static void raw_takes_all_there_is(void **state)
{
	assert_int_equal(next(&protocol_raw, "a\nb\r\n", 2, false), 5);
	assert_request("a\nb\r\n", false);
}

static void a_line_ends_in_lf_or_crlf(void **state)
{
	assert_int_equal(next(&protocol_line, "one\ntwo\n", 64, false), 4);
	assert_request("one", false);
	assert_int_equal(next(&protocol_line, "one\r\n", 64, false), 5);
	assert_request("one", true);
	assert_int_equal(next(&protocol_line, "\n", 64, false), 1);
	assert_request("", false);
	assert_int_equal(next(&protocol_line, "\r\n", 64, false), 2);
	assert_request("", true);
	assert_int_equal(next(&protocol_line, "a\rb\n", 64, false), 4);
	assert_request("a\rb", false);
}

static void the_last_line_may_lack_its_end(void **state)
{
	assert_int_equal(next(&protocol_line, "one", 64, false), 0);
	assert_int_equal(next(&protocol_line, "one", 64, true), 3);
	assert_request("one", false);
	assert_int_equal(next(&protocol_line, "", 64, true), 0);
	assert_int_equal(protocol_line.next(NULL, 0, 64, true, &framing, &req), 0);
}

static void a_line_longer_than_allowed_is_refused(void **state)
{
	assert_int_equal(next(&protocol_line, "four\n", 4, false), 5);
	assert_int_equal(next(&protocol_line, "four\r\n", 4, false), 6);
	assert_int_equal(next(&protocol_line, "fives\n", 4, false), -1);
	assert_int_equal(next(&protocol_line, "fives", 4, false), -1);
	assert_int_equal(next(&protocol_line, "fives", 4, true), -1);
}

static void a_crlf_may_come_in_two_parts(void **state)
{
	assert_int_equal(next(&protocol_line, "four\r", 4, false), 0);
}

static void a_reply_ends_as_its_request_did(void **state)
{
	struct buf out = {0};

	memcpy(protocol_line.bytes(&out, &(struct framing){.crlf = false}, 2), "ab", 2);
	memcpy(protocol_line.bytes(&out, &(struct framing){.crlf = true}, 2), "cd", 2);
	assert_non_null(protocol_line.bytes(&out, &(struct framing){.crlf = false}, 0));
	memcpy(protocol_raw.bytes(&out, &(struct framing){.crlf = true}, 2), "ef", 2);
	assert_int_equal(buf_len(&out), 10);
	assert_memory_equal(buf_data(&out), "ab\ncd\r\n\nef", 10);
	buf_free(&out);
}

static void an_error_is_one_line(void **state)
{
	struct buf out = {0};

	assert_int_equal(protocol_line.error(&out, &framing, "ERR a\r\nb"), 0);
	assert_int_equal(protocol_raw.error(&out, &framing, ""), 0);
	assert_int_equal(buf_len(&out), 10);
	assert_memory_equal(buf_data(&out), "ERR a  b\n\n", 10);
	buf_free(&out);
}

static void an_empty_raw_reply_is_no_failure(void **state)
{
	struct buf out = {0};

	assert_non_null(protocol_raw.bytes(&out, &framing, 0));
	assert_int_equal(buf_len(&out), 0);
	buf_free(&out);
}

static void what_was_searched_for_the_end_is_not_searched_again(void **state)
{
	struct request r = {.argv = argv};
	struct framing f = {0};
	char data[] = "abc\r\ndef\n";

	assert_int_equal(protocol_line.next(data, 4, 64, false, &f, &r), 0);
	assert_int_equal(f.searched, 4);
	assert_int_equal(protocol_line.next(data, 5, 64, false, &f, &r), 5);
	assert_true(f.crlf);
	assert_int_equal(r.argv[0].len, 3);
	f.searched = 6;
	assert_int_equal(protocol_line.next(data, 9, 64, false, &f, &r), 9);
	f.searched = 9;
	assert_int_equal(protocol_line.next(data, 9, 64, false, &f, &r), 0);
	assert_int_equal(f.searched, 9);
	assert_int_equal(protocol_line.next(data, 9, 8, false, &f, &r), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(protocols_are_found_by_name),
		cmocka_unit_test(raw_takes_all_there_is),
		cmocka_unit_test(a_line_ends_in_lf_or_crlf),
		cmocka_unit_test(the_last_line_may_lack_its_end),
		cmocka_unit_test(a_line_longer_than_allowed_is_refused),
		cmocka_unit_test(a_crlf_may_come_in_two_parts),
		cmocka_unit_test(a_reply_ends_as_its_request_did),
		cmocka_unit_test(an_error_is_one_line),
		cmocka_unit_test(an_empty_raw_reply_is_no_failure),
		cmocka_unit_test(what_was_searched_for_the_end_is_not_searched_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
