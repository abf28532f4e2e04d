/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>

#include "net/tally.h"

static struct source *enter(struct tally *tally, const char *text, unsigned max)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		return tally_enter(tally, (struct sockaddr *)&in, max);
	assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	return tally_enter(tally, (struct sockaddr *)&in6, max);
}

static void clients_of_one_address_are_counted_together(void **state)
{
	struct tally *tally = tally_named("a");
	struct source *a = enter(tally, "10.0.0.1", 2), *b = enter(tally, "10.0.0.2", 2);

	assert_ptr_equal(enter(tally, "10.0.0.1", 2), a);
	assert_ptr_not_equal(a, b);
	assert_int_equal(a->clients, 2);
	errno = 0;
	assert_null(enter(tally, "10.0.0.1", 2));
	assert_int_equal(errno, EUSERS);
	tally_leave(a);
	assert_ptr_equal(enter(tally, "10.0.0.1", 2), a);
	tally_leave(a);
	tally_leave(a);
	tally_leave(b);
	tally_leave(NULL);
	tally_unref(tally);
}

static void a_maximum_of_zero_is_none(void **state)
{
	struct tally *tally = tally_named("a");
	struct source *a = NULL;

	for (int i = 0; i < 1000; i++)
		a = enter(tally, "10.0.0.1", 0);
	assert_int_equal(a->clients, 1000);
	for (int i = 0; i < 1000; i++)
		tally_leave(a);
	tally_unref(tally);
}

static void an_ipv6_network_of_64_bits_is_one_source(void **state)
{
	struct tally *tally = tally_named("a");
	struct source *a = enter(tally, "2001:db8::1", 0),
		      *b = enter(tally, "2001:db8::ffff:1:2:3", 0);
	struct source *c = enter(tally, "2001:db8:0:1::1", 0);

	assert_ptr_equal(a, b);
	assert_ptr_not_equal(a, c);
	tally_leave(a);
	tally_leave(b);
	tally_leave(c);
	tally_unref(tally);
}

static void a_mapped_address_is_its_ipv4_source(void **state)
{
	struct tally *tally = tally_named("a");
	struct source *a = enter(tally, "10.0.0.1", 0), *b = enter(tally, "::ffff:10.0.0.1", 0);

	assert_ptr_equal(a, b);
	tally_leave(a);
	tally_leave(b);
	tally_unref(tally);
}

static void the_last_reference_frees(void **state)
{
	struct tally *tally = tally_named("a");

	assert_ptr_equal(tally_ref(tally), tally);
	tally_unref(tally);
	assert_int_equal(tally->refs, 1);
	tally_unref(tally);
	tally_unref(NULL);
}

static void a_name_has_one_tally_as_long_as_anybody_holds_it(void **state)
{
	struct tally *a = tally_named("a"), *b = tally_named("b");

	assert_ptr_equal(tally_named("a"), a);
	assert_ptr_equal(tally_next(NULL), a);
	assert_ptr_equal(tally_next(a), b);
	assert_null(tally_next(b));
	a->accepted = 3;
	tally_unref(a);
	assert_int_equal(tally_next(NULL)->accepted, 3);
	tally_unref(a);
	assert_ptr_equal(tally_next(NULL), b);
	a = tally_named("a");
	assert_int_equal(a->accepted, 0);
	assert_ptr_equal(tally_next(b), a);
	tally_unref(a);
	tally_unref(b);
	assert_null(tally_next(NULL));
}

static void what_is_answered_of_a_verb_is_counted_in_one_place(void **state)
{
	struct tally *tally = tally_named("a"), *other = tally_named("b");
	struct answers *get = tally_answers(tally, "GET");

	assert_ptr_equal(tally_answers(tally, "GET"), get);
	assert_ptr_equal(get->tally, tally);
	assert_ptr_not_equal(tally_answers(tally, "RUN"), get);
	assert_ptr_not_equal(tally_answers(other, "GET"), get);
	tally_unref(tally);
	tally_unref(other);
}

static void a_source_is_printed_as_its_address_or_network(void **state)
{
	static const char *const cases[][2] = {
		{"192.0.2.1", "192.0.2.1"},
		{"::ffff:192.0.2.1", "192.0.2.1"},
		{"2001:db8:0:1::7", "2001:db8:0:1::/64"},
		{"::1", "::1"},
	};
	struct tally *tally = tally_named("a");
	char text[SOURCE_TEXT_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct source *source = enter(tally, cases[i][0], 0);

		assert_string_equal(source_print(source, text), cases[i][1]);
		tally_leave(source);
	}
	tally_unref(tally);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients_of_one_address_are_counted_together),
		cmocka_unit_test(a_maximum_of_zero_is_none),
		cmocka_unit_test(an_ipv6_network_of_64_bits_is_one_source),
		cmocka_unit_test(a_mapped_address_is_its_ipv4_source),
		cmocka_unit_test(the_last_reference_frees),
		cmocka_unit_test(a_source_is_printed_as_its_address_or_network),
		cmocka_unit_test(a_name_has_one_tally_as_long_as_anybody_holds_it),
		cmocka_unit_test(what_is_answered_of_a_verb_is_counted_in_one_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
