/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pwd.h>
#include <string.h>

#include "net/addr.h"
#include "net/names.h"

static int asked; /* how often getpwnam() was */

/* In place of libc's: "ann" is 7, "down" cannot be found out, there is nobody else. */
struct passwd *getpwnam(const char *name)
{
	static struct passwd ann = {.pw_uid = 7};

	asked++;
	errno = strcmp(name, "down") == 0 ? EIO : 0;
	return strcmp(name, "ann") == 0 ? &ann : NULL;
}

static int forget(void **state)
{
	asked = 0;
	names_forget();
	return 0;
}

static void assert_user(const char *text, id_t id)
{
	const struct name *name = names_ask(NAME_USER, text);

	assert_null(name->error);
	assert_int_equal(name->size, sizeof(id_t));
	assert_memory_equal(name->value, &id, sizeof(id));
}

static void a_name_is_asked_for_once(void **state)
{
	assert_user("ann", 7);
	assert_user("ann", 7);
	assert_string_equal(names_ask(NAME_USER, "bob")->error, "there is no user 'bob'");
	assert_string_equal(names_ask(NAME_USER, "bob")->error, "there is no user 'bob'");
	assert_int_equal(asked, 2);
	names_forget();
	assert_user("ann", 7);
	assert_int_equal(asked, 3);
}

static void nobody_and_no_answer_are_two_things(void **state)
{
	assert_string_equal(names_ask(NAME_USER, "down")->error,
			    "user 'down' cannot be looked up: Input/output error");
}

static void kinds_are_kept_apart(void **state)
{
	assert_user("ann", 7);
	assert_string_equal(names_ask(NAME_GROUP, "ann")->error, "there is no group 'ann'");
}

static void a_host_has_its_addresses(void **state)
{
	const struct name *name = names_ask(NAME_HOST, "udp:[::1]:7");
	const struct addr *addr = name->value;

	assert_null(name->error);
	assert_int_equal(name->size, sizeof(*addr));
	assert_int_equal(addr->transport, TRANSPORT_UDP);
	assert_int_equal(ntohs(addr->in6.sin6_port), 7);
	assert_non_null(names_ask(NAME_HOST, "nonsense")->error);
}

static void closed_they_ask_nobody(void **state)
{
	const id_t id = 9;

	names_close();
	assert_int_equal(names_add(NAME_USER, "bob", NULL, &id, sizeof(id)), 0);
	assert_int_equal(names_add(NAME_USER, "eve", "is away", NULL, 0), 0);
	assert_user("bob", 9);
	assert_string_equal(names_ask(NAME_USER, "eve")->error, "is away");
	assert_string_equal(names_ask(NAME_USER, "ann")->error, "has no answer");
	assert_int_equal(asked, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, forget, forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_name_is_asked_for_once), TEST(nobody_and_no_answer_are_two_things),
		TEST(kinds_are_kept_apart),     TEST(a_host_has_its_addresses),
		TEST(closed_they_ask_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
