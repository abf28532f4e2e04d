/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "core/buf.h"

static void what_is_added_comes_out_in_order(void **state)
{
	struct buf b = {0};

	assert_int_equal(buf_add(&b, "hello ", 6), 0);
	assert_int_equal(buf_add(&b, "world", 5), 0);
	assert_int_equal(buf_len(&b), 11);
	buf_consume(&b, 6);
	assert_memory_equal(buf_data(&b), "world", 5);
	buf_consume(&b, 5);
	assert_int_equal(b.head, 0);
	buf_free(&b);
	assert_null(b.data);
}

static void nothing_can_be_added_to_an_empty_queue(void **state)
{
	struct buf b = {0};

	assert_int_equal(buf_add(&b, "", 0), 0);
	assert_int_equal(buf_len(&b), 0);
	buf_free(&b);
}

static void a_settled_loan_keeps_what_waits(void **state)
{
	char scratch[64];
	struct buf b = {0};

	buf_borrow(&b, scratch, sizeof(scratch));
	assert_int_equal(buf_add(&b, "abcdef", 6), 0);
	assert_ptr_equal(b.data, scratch);
	buf_consume(&b, 2);
	assert_int_equal(buf_settle(&b), 0);
	memset(scratch, 'x', sizeof(scratch));
	assert_false(b.borrowed);
	assert_int_equal(buf_len(&b), 4);
	assert_memory_equal(buf_data(&b), "cdef", 4);
	buf_free(&b);
}

static void a_settled_empty_loan_holds_no_memory(void **state)
{
	char scratch[8];
	struct buf b = {0};

	buf_borrow(&b, scratch, sizeof(scratch));
	assert_int_equal(buf_add(&b, "x", 1), 0);
	buf_consume(&b, 1);
	assert_int_equal(buf_settle(&b), 0);
	assert_null(b.data);
	assert_int_equal(b.cap, 0);
}

static void a_queue_with_storage_borrows_none(void **state)
{
	char scratch[8];
	struct buf b = {0};

	assert_int_equal(buf_add(&b, "own", 3), 0);
	buf_borrow(&b, scratch, sizeof(scratch));
	assert_false(b.borrowed);
	assert_memory_equal(buf_data(&b), "own", 3);
	buf_free(&b);
}

static void a_loan_that_overflows_moves_to_own_storage(void **state)
{
	char scratch[4];
	struct buf b = {0};

	buf_borrow(&b, scratch, sizeof(scratch));
	assert_int_equal(buf_add(&b, "abcd", 4), 0);
	assert_int_equal(buf_add(&b, "ef", 2), 0);
	assert_false(b.borrowed);
	assert_memory_equal(buf_data(&b), "abcdef", 6);
	buf_free(&b);
}

static void consumed_room_is_used_again(void **state)
{
	char scratch[8];
	struct buf b = {0};

	buf_borrow(&b, scratch, sizeof(scratch));
	assert_int_equal(buf_add(&b, "abcdefgh", 8), 0);
	buf_consume(&b, 5);
	assert_int_equal(buf_add(&b, "12345", 5), 0);
	assert_ptr_equal(b.data, scratch);
	assert_int_equal(b.head, 0);
	assert_memory_equal(buf_data(&b), "fgh12345", 8);
	buf_free(&b);
}

static void reserved_bytes_count_only_when_committed(void **state)
{
	struct buf b = {0};
	char *to = buf_reserve(&b, 10);

	assert_non_null(to);
	assert_int_equal(buf_len(&b), 0);
	memcpy(to, "abc", 3);
	buf_commit(&b, 3);
	assert_int_equal(buf_len(&b), 3);
	buf_free(&b);
}

static void more_than_the_maximum_is_refused(void **state)
{
	struct buf b = {0};

	assert_int_equal(buf_add(&b, "abc", 3), 0);
	errno = 0;
	assert_null(buf_reserve(&b, BUF_MAX - 2));
	assert_int_equal(errno, ENOMEM);
	assert_null(buf_reserve(&b, SIZE_MAX));
	assert_int_equal(buf_len(&b), 3);
	assert_memory_equal(buf_data(&b), "abc", 3);
	buf_free(&b);
}

static void a_settled_queue_gives_back_storage_that_is_far_too_large(void **state)
{
	static char large[1 << 16];
	struct buf b = {0};
	char *before;

	assert_int_equal(buf_add(&b, large, sizeof(large)), 0);
	assert_int_equal(buf_add(&b, "rest", 4), 0);
	before = b.data;
	assert_int_equal(buf_settle(&b), 0);
	assert_ptr_equal(b.data, before);
	buf_consume(&b, sizeof(large));
	assert_int_equal(buf_settle(&b), 0);
	assert_true(b.cap <= 64);
	assert_int_equal(buf_len(&b), 4);
	assert_memory_equal(buf_data(&b), "rest", 4);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_added_comes_out_in_order),
		cmocka_unit_test(nothing_can_be_added_to_an_empty_queue),
		cmocka_unit_test(a_settled_loan_keeps_what_waits),
		cmocka_unit_test(a_settled_empty_loan_holds_no_memory),
		cmocka_unit_test(a_queue_with_storage_borrows_none),
		cmocka_unit_test(a_loan_that_overflows_moves_to_own_storage),
		cmocka_unit_test(consumed_room_is_used_again),
		cmocka_unit_test(reserved_bytes_count_only_when_committed),
		cmocka_unit_test(more_than_the_maximum_is_refused),
		cmocka_unit_test(a_settled_queue_gives_back_storage_that_is_far_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
