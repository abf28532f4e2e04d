/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "net/acl.h"

static struct reason reason;

static bool has(const struct cidr_list *list, const char *text)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		return cidr_list_has(list, (struct sockaddr *)&in);
	assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	return cidr_list_has(list, (struct sockaddr *)&in6);
}

static void malformed_networks_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"/",
		"/8",
		"10",
		"10.0.0",
		"010.0.0.1",
		"10.0.0.1/8",
		"10.0.0.0/33",
		"10.0.0.0/",
		"10.0.0.0/-1",
		"10.0.0.0/+8",
		"10.0.0.0/ 8",
		"10.0.0.0/8x",
		"10.0.0.0/8/8",
		"::1/129",
		"::1/64",
		"::1%lo",
		"localhost",
		"10.0.0.256",
		"1::2::3",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000",
	};
	struct cidr cidr;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		reason.text[0] = '\0';
		assert_int_equal(cidr_parse(&cidr, texts[i], &reason), -1);
		assert_true(reason.text[0] != '\0');
	}
}

static void a_network_with_host_bits_is_told_as_it_would_be_without(void **state)
{
	struct cidr cidr;

	assert_int_equal(cidr_parse(&cidr, "10.1.2.3/12", &reason), -1);
	assert_string_equal(
		reason.text,
		"'10.1.2.3/12' has bits set beyond its prefix; did you mean 10.0.0.0/12?");
	assert_int_equal(cidr_parse(&cidr, "2001:db8:ffff::1/33", &reason), -1);
	assert_string_equal(reason.text,
			    "'2001:db8:ffff::1/33' has bits set beyond its prefix; did you "
			    "mean 2001:db8:8000::/33?");
}

static void a_lone_address_is_its_own_network(void **state)
{
	struct cidr cidr;

	assert_int_equal(cidr_parse(&cidr, "10.0.0.1", &reason), 0);
	assert_int_equal(cidr.family, AF_INET);
	assert_int_equal(cidr.prefix, 32);
	assert_int_equal(cidr_parse(&cidr, "::1", &reason), 0);
	assert_int_equal(cidr.family, AF_INET6);
	assert_int_equal(cidr.prefix, 128);
}

static void a_list_has_what_lies_in_its_networks(void **state)
{
	struct cidr items[4];
	const struct cidr_list list = {items, 4};

	assert_int_equal(cidr_parse(&items[0], "10.0.0.0/8", &reason), 0);
	assert_int_equal(cidr_parse(&items[1], "192.168.128.0/17", &reason), 0);
	assert_int_equal(cidr_parse(&items[2], "2001:db8::/33", &reason), 0);
	assert_int_equal(cidr_parse(&items[3], "::1", &reason), 0);
	assert_true(has(&list, "10.255.0.1"));
	assert_false(has(&list, "11.0.0.0"));
	assert_true(has(&list, "192.168.200.1"));
	assert_false(has(&list, "192.168.127.255"));
	assert_true(has(&list, "2001:db8:7fff::1"));
	assert_false(has(&list, "2001:db8:8000::1"));
	assert_true(has(&list, "::1"));
	assert_false(has(&list, "::2"));
}

static void a_mapped_address_counts_as_ipv4(void **state)
{
	struct cidr item;
	const struct cidr_list list = {&item, 1};

	assert_int_equal(cidr_parse(&item, "10.0.0.0/8", &reason), 0);
	assert_true(has(&list, "::ffff:10.1.2.3"));
	assert_false(has(&list, "::ffff:11.1.2.3"));
	assert_int_equal(cidr_parse(&item, "::/0", &reason), 0);
	assert_false(has(&list, "::ffff:10.1.2.3"));
	assert_true(has(&list, "fe80::1"));
	assert_int_equal(cidr_parse(&item, "0.0.0.0/0", &reason), 0);
	assert_true(has(&list, "::ffff:255.1.2.3"));
	assert_false(has(&list, "fe80::1"));
}

static void an_empty_list_has_nobody(void **state)
{
	const struct cidr_list list = {0};

	assert_false(has(&list, "127.0.0.1"));
}

static void users_are_known_by_name_and_number(void **state)
{
	const struct option_def def = {.type = &option_users, .range = ""};
	struct id_list list = {0};

	assert_int_equal(option_set(&def, &list, "root 12345", &reason), 0);
	assert_true(id_list_has(&list, 0));
	assert_true(id_list_has(&list, 12345));
	assert_false(id_list_has(&list, 1));
	assert_int_equal(option_set(&def, &list, "no-such-user", &reason), -1);
	assert_string_equal(reason.text, "there is no user 'no-such-user'");
	option_free(&def, 1, &list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malformed_networks_are_refused),
		cmocka_unit_test(a_network_with_host_bits_is_told_as_it_would_be_without),
		cmocka_unit_test(a_lone_address_is_its_own_network),
		cmocka_unit_test(a_list_has_what_lies_in_its_networks),
		cmocka_unit_test(a_mapped_address_counts_as_ipv4),
		cmocka_unit_test(an_empty_list_has_nobody),
		cmocka_unit_test(users_are_known_by_name_and_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
