/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/addr.h"

static struct reason reason;

#define MANY 100

/* The host "twice" resolves to 127.0.0.1, and again to 127.0.0.1; "many" to MANY addresses. */
int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
		struct addrinfo **list)
{
	__typeof__(getaddrinfo) *real = NULL;
	bool many = strcmp(host, "many") == 0;
	char number[16];
	int error = 0;

	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	assert_non_null(real);
	if (strcmp(host, "twice") != 0 && !many)
		return real(host, port, hints, list);
	for (int i = 0; i < (many ? MANY : 2) && error == 0; i++) {
		snprintf(number, sizeof(number), "127.0.0.%d", many ? i + 1 : 1);
		error = real(number, port, hints, list);
		list = &(*list)->ai_next;
	}
	return error;
}

/* Returns how many addresses text has, in *addrs, the caller's to free. */
static int resolve(const char *text, struct addr **addrs)
{
	struct addr_spec spec;

	assert_int_equal(addr_spec_parse(&spec, text, &reason), 0);
	return addr_resolve(&spec, addrs, &reason);
}

static void good_addresses_are_taken_apart(void **state)
{
	struct addr_spec spec;

	assert_int_equal(addr_spec_parse(&spec, "tcp:127.0.0.1:3234", &reason), 0);
	assert_int_equal(spec.transport, TRANSPORT_TCP);
	assert_string_equal(spec.host, "127.0.0.1");
	assert_string_equal(spec.port, "3234");
	assert_int_equal(addr_spec_parse(&spec, "udp:[::1]:7", &reason), 0);
	assert_int_equal(spec.transport, TRANSPORT_UDP);
	assert_string_equal(spec.host, "::1");
	assert_int_equal(addr_spec_parse(&spec, "unix:/run/a:b", &reason), 0);
	assert_int_equal(spec.transport, TRANSPORT_UNIX);
	assert_string_equal(spec.host, "/run/a:b");
}

static void bad_addresses_are_refused_with_a_reason(void **state)
{
	static const char *const texts[] = {
		"",
		":",
		"tcp",
		"tcp:",
		"tcp::",
		"tcp:host",
		"tcp:host:",
		"tcp::80",
		"tcp:[]:80",
		"tcp:host:65536",
		"tcp:host:-1",
		"tcp:host:http",
		"tcp:::1:80",
		"sctp:host:80",
		"TCP:host:80",
		"host:80",
		"unix:",
		"unix:run/x",
		"tcp:host:80x",
	};
	struct addr_spec spec;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		reason.text[0] = '\0';
		assert_int_equal(addr_spec_parse(&spec, texts[i], &reason), -1);
		assert_true(reason.text[0] != '\0');
	}
}

static void a_reason_says_what_to_write(void **state)
{
	static const char *const cases[][2] = {
		{"127.0.0.1:80", "'127.0.0.1:80' does not begin with tcp:, udp: or unix:; did you "
				 "mean tcp:127.0.0.1:80?"},
		{"[::1]:80",
		 "'[::1]:80' does not begin with tcp:, udp: or unix:; did you mean tcp:[::1]:80?"},
		{"/run/x",
		 "'/run/x' does not begin with tcp:, udp: or unix:; did you mean unix:/run/x?"},
		{"sctp:host:80", "'sctp:host:80' does not begin with tcp:, udp: or unix:"},
		{"tcp:*:80", "write 0.0.0.0 or [::] for every address, not *"},
		{"tcp://host:80", "'//host' is not a host; write HOST:PORT"},
		{"tcp:a,b:80", "'a,b' is not a host; write HOST:PORT"},
		{"udp:[fe80::1]:80",
		 "fe80::1 is one of each interface; write which: [fe80::1%eth0]:80"},
	};
	struct addr_spec spec;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(addr_spec_parse(&spec, cases[i][0], &reason), -1);
		assert_string_equal(reason.text, cases[i][1]);
	}
	assert_int_equal(addr_spec_parse(&spec, "tcp:[fe80::1%lo]:80", &reason), 0);
}

static void a_port_is_never_cut_to_another(void **state)
{
	struct addr_spec spec;

	if (addr_spec_parse(&spec, "tcp:127.0.0.1:0000080", &reason) == 0)
		assert_string_equal(spec.port, "80");
}

static void what_is_too_long_is_refused(void **state)
{
	char text[400] = "unix:/";
	struct addr_spec spec;

	memset(text + 6, 'x', 106);
	assert_int_equal(addr_spec_parse(&spec, text, &reason), 0);
	text[6 + 106] = 'x';
	assert_int_equal(addr_spec_parse(&spec, text, &reason), -1);
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "tcp:", 4);
	assert_int_equal(addr_spec_parse(&spec, text, &reason), -1);
	memcpy(text + 290, ":80", 4);
	assert_int_equal(addr_spec_parse(&spec, text, &reason), -1);
}

static void numeric_addresses_print_as_they_were(void **state)
{
	static const char *const texts[] = {"tcp:127.0.0.1:3234", "udp:[::1]:7", "tcp:[::]:0",
					    "udp:0.0.0.0:65535", "unix:/run/x"};
	struct addr *addrs, *again;
	char printed[ADDR_TEXT_MAX];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert_int_equal(resolve(texts[i], &addrs), 1);
		assert_int_equal(resolve(texts[i], &again), 1);
		assert_true(addr_equal(&addrs[0], &again[0]));
		addr_print(&addrs[0], printed, sizeof(printed));
		assert_string_equal(printed, texts[i]);
		assert_int_equal(addr_type(&addrs[0]),
				 texts[i][1] == 'd' ? SOCK_DGRAM : SOCK_STREAM);
		free(addrs);
		free(again);
	}
}

static void addresses_differ_by_transport_port_and_host(void **state)
{
	static const char *const texts[] = {"tcp:127.0.0.1:1", "udp:127.0.0.1:1", "tcp:127.0.0.1:2",
					    "tcp:127.0.0.2:1", "tcp:[::1]:1",     "unix:/a",
					    "unix:/b"};
	const int count = sizeof(texts) / sizeof(texts[0]);
	struct addr *addrs[8];

	for (int i = 0; i < count; i++)
		assert_int_equal(resolve(texts[i], &addrs[i]), 1);
	for (int i = 0; i < count; i++)
		for (int j = 0; j < count; j++)
			assert_int_equal(addr_equal(addrs[i], addrs[j]), i == j);
	for (int i = 0; i < count; i++)
		free(addrs[i]);
}

static void an_address_that_a_host_has_twice_is_one(void **state)
{
	struct addr *addrs;
	char printed[ADDR_TEXT_MAX];

	assert_int_equal(resolve("tcp:twice:80", &addrs), 1);
	addr_print(&addrs[0], printed, sizeof(printed));
	assert_string_equal(printed, "tcp:127.0.0.1:80");
	free(addrs);
}

static void a_host_has_all_its_addresses(void **state)
{
	struct addr *addrs;
	char printed[ADDR_TEXT_MAX];

	assert_int_equal(resolve("tcp:many:80", &addrs), MANY);
	addr_print(&addrs[MANY - 1], printed, sizeof(printed));
	assert_string_equal(printed, "tcp:127.0.0.100:80");
	free(addrs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_addresses_are_taken_apart),
		cmocka_unit_test(bad_addresses_are_refused_with_a_reason),
		cmocka_unit_test(a_reason_says_what_to_write),
		cmocka_unit_test(a_port_is_never_cut_to_another),
		cmocka_unit_test(what_is_too_long_is_refused),
		cmocka_unit_test(numeric_addresses_print_as_they_were),
		cmocka_unit_test(addresses_differ_by_transport_port_and_host),
		cmocka_unit_test(an_address_that_a_host_has_twice_is_one),
		cmocka_unit_test(a_host_has_all_its_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
