/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "core/signal_name.h"

/* What the shell's kill(1) calls it; "" where it knows none. */
static void shell_name(int number, char *name, int size)
{
	char command[64];
	FILE *shell;

	snprintf(command, sizeof(command), "kill -l %d 2>/dev/null", number);
	shell = popen(command, "r");
	assert_non_null(shell);
	if (fgets(name, size, shell) == NULL)
		*name = '\0';
	pclose(shell);
	name[strcspn(name, "\n")] = '\0';
}

static void names_are_those_of_the_shell(void **state)
{
	char name[32];
	int compared = 0;

	for (int number = 1; number < 32; number++) {
		shell_name(number, name, sizeof(name));
		if (*name < 'A' || number == SIGPOLL) /* there it is IO, its other name */
			continue;
		assert_string_equal(signal_name(number), name);
		compared++;
	}
	assert_in_range(compared, 28, 30);
	assert_string_equal(signal_name(SIGPOLL), "POLL");
}

static void what_is_no_signal_has_no_name(void **state)
{
	const int numbers[] = {-1, 0, 32, SIGRTMIN, 1000};

	for (int i = 0; i < 5; i++)
		assert_null(signal_name(numbers[i]));
}

static void each_signal_has_a_text(void **state)
{
	assert_string_equal(signal_text(SIGTERM), "TERM");
	assert_string_equal(signal_text(SIGRTMIN), "unknown");
}

static void a_name_gives_its_number(void **state)
{
	assert_int_equal(signal_number("HUP"), SIGHUP);
	assert_int_equal(signal_number("SYS"), SIGSYS);
	assert_int_equal(signal_number("SIGHUP"), 0);
	assert_int_equal(signal_number(""), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_those_of_the_shell),
		cmocka_unit_test(what_is_no_signal_has_no_name),
		cmocka_unit_test(each_signal_has_a_text),
		cmocka_unit_test(a_name_gives_its_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
