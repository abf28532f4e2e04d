/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>

#include "net/quota.h"

static struct quota quota;

static int quota_begin(void **state)
{
	quota = (struct quota){0};
	return 0;
}

static bool take(const char *text, unsigned port, int64_t now_ms)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		return quota_take(&quota, (struct sockaddr *)&in, now_ms);
	assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	return quota_take(&quota, (struct sockaddr *)&in6, now_ms);
}

/* Returns how many answers there were. */
static int take_all(const char *text, unsigned port, int64_t now_ms)
{
	int answers = 0;

	while (take(text, port, now_ms))
		answers++;
	return answers;
}

static void a_source_has_a_thousand_answers_in_a_row_and_then_ten_a_second(void **state)
{
	assert_int_equal(take_all("10.0.0.1", 7777, 5000), 1000);
	assert_false(take("10.0.0.1", 7777, 5099));
	assert_int_equal(take_all("10.0.0.1", 7777, 5100), 1);
	assert_int_equal(take_all("10.0.0.1", 7777, 6100), 10);
	assert_int_equal(take_all("10.0.0.1", 7777, 6100 + 100 * 1000), 1000);
	assert_int_equal(take_all("10.0.0.1", 7777, INT32_MAX), 1000);
}

static void who_asks_ten_times_a_second_is_always_answered(void **state)
{
	for (int64_t now_ms = 0; now_ms < INT64_C(100) * 100000; now_ms += 100)
		assert_true(take("10.0.0.1", 7777, now_ms));
}

static void each_address_and_port_has_answers_of_its_own(void **state)
{
	assert_int_equal(take_all("10.0.0.1", 7777, 0), 1000);
	assert_true(take("10.0.0.1", 7778, 0));
	assert_true(take("10.0.0.2", 7777, 0));
	assert_true(take("2001:db8::1", 7777, 0));
	assert_true(take("2001:db8::2", 7777, 0));
}

static void an_ipv4_address_is_the_same_on_a_socket_for_both_families(void **state)
{
	assert_int_equal(take_all("10.0.0.1", 7777, 0), 1000);
	assert_false(take("::ffff:10.0.0.1", 7777, 0));
}

/* Of 100,000 others, one has come to the row of the first. */
static void however_many_sources_there_are_each_is_answered(void **state)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr address;

	assert_int_equal(take_all("10.0.0.1", 7777, 0), 1000);
	for (uint32_t i = 0; i < 100000; i++) {
		address.s_addr = htonl(0x0b000000 + i);
		assert_true(take(inet_ntop(AF_INET, &address, text, sizeof(text)), 7777, 0));
	}
	assert_int_equal(take_all("10.0.0.1", 7777, 0), 1000);
}

#define QUOTA_TEST(name) cmocka_unit_test_setup(name, quota_begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		QUOTA_TEST(a_source_has_a_thousand_answers_in_a_row_and_then_ten_a_second),
		QUOTA_TEST(who_asks_ten_times_a_second_is_always_answered),
		QUOTA_TEST(each_address_and_port_has_answers_of_its_own),
		QUOTA_TEST(an_ipv4_address_is_the_same_on_a_socket_for_both_families),
		QUOTA_TEST(however_many_sources_there_are_each_is_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
