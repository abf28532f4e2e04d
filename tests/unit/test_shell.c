/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "services/shell.h"

/* The signs in a line are these: operator, variable, macro, pattern, with a blank between them. */
static void assert_signs(const char *line, const char *expected)
{
	char signs[SHELL_SIGNS][SHELL_TEXT_MAX], text[SHELL_SIGNS * (SHELL_TEXT_MAX + 1)];

	shell_signs(line, signs);
	snprintf(text, sizeof(text), "%s %s %s %s", signs[SHELL_OPERATOR], signs[SHELL_VARIABLE],
		 signs[SHELL_MACRO], signs[SHELL_PATTERN]);
	if (strcmp(text, expected) != 0)
		fail_msg("'%s' has '%s', not '%s'", line, text, expected);
}

#define NOTHING "   "

static void plain_words_have_no_sign(void **state)
{
	static const char *const lines[] = {
		"",
		"  ",
		"/bin/df -h {path}",
		"/bin/x a|b http://h/?a=1&b=2 a>b 5 -1 --x=1..2",
		"/bin/x $ $1 $? $$ 19$ a$ -$ $123$",
		"/bin/find / -name *.log -o -name a*b",
		"/bin/x a~ a~/b it-is #",
		"/bin/x \"\" ''",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_signs(lines[i], NOTHING);
}

static void operators_are_found_at_either_end_of_a_word(void **state)
{
	static const char *const words[] = {"|",  "||",   ">",  ">>",  "<",   "&",  "&&", ";",
					    "2>", "2>&1", "&>", ">/x", "</x", "a;", "a&", "|x"};
	char line[64], expected[64];

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		snprintf(line, sizeof(line), "/bin/x a %s b", words[i]);
		snprintf(expected, sizeof(expected), "%s   ", words[i]);
		assert_signs(line, expected);
	}
}

static void variables_are_found_anywhere_but_in_single_quotes(void **state)
{
	assert_signs("/bin/x $HOME", " $HOME  ");
	assert_signs("/bin/x --a=${HOME}/b", " --a=${HOME}/b  ");
	assert_signs("/bin/x \"a $_x\"", " a $_x  ");
	assert_signs("/bin/x $(id)", " $(id)  ");
	assert_signs("/bin/x `id`", " `id`  ");
	assert_signs("/bin/awk '{print $NF}' '`id`'", NOTHING);
	assert_signs("/bin/x 'a'$b'c'", " a$bc  ");
}

static void macros_are_found_in_any_quotes(void **state)
{
	assert_signs("/bin/x -w $ARG1$", "  $ARG1$ ");
	assert_signs("/bin/x '$HOSTADDRESS$'", "  $HOSTADDRESS$ ");
	assert_signs("/bin/x \"-H $HOST_NAME$\"", "  -H $HOST_NAME$ ");
	assert_signs("/bin/x '^$|^a$' $ab$ '$A$'", " $ab$  ");
	assert_signs("/bin/x $ARG1$$HOME", " $ARG1$$HOME $ARG1$$HOME ");
}

static void patterns_of_files_are_found_outside_quotes(void **state)
{
	assert_signs("/bin/ls ~", "   ~");
	assert_signs("/bin/ls ~/x", "   ~/x");
	assert_signs("/bin/ls /tmp/*.log", "   /tmp/*.log");
	assert_signs("/bin/ls '~/x' \"/tmp/*\" ~user", NOTHING);
}

static void backslashes_that_are_to_escape_are_found(void **state)
{
	static const char *const lines[] = {"/bin/x \"a\\\" b", "/bin/x a\\ b", "/bin/x 'it'\\''s'",
					    "/bin/sh -c \"a \\\"b\\\"\""};
	char signs[SHELL_SIGNS][SHELL_TEXT_MAX];

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		shell_signs(lines[i], signs);
		assert_true(signs[SHELL_ESCAPE][0] != '\0');
	}
	shell_signs("/bin/x 'a\\' \\d+ '\\ ' \"\\ \" \\", signs);
	assert_string_equal(signs[SHELL_ESCAPE], "");
	shell_signs("/bin/sh -c \"a\\ b\"", signs);
	assert_string_equal(signs[SHELL_ESCAPE], "");
}

static void quotes_say_that_an_operator_is_text(void **state)
{
	assert_signs("/bin/x '|' \">\" 'a;' \"&\"", NOTHING);
	assert_signs("/bin/x '|' >", ">   ");
}

static void a_script_is_its_shells(void **state)
{
	assert_signs("/bin/sh -c 'a | b > c; d &'", NOTHING);
	assert_signs("/bin/bash -ec \"echo $HOME $ARG1$ `id`\"", NOTHING);
	assert_signs("/usr/bin/sudo -u x sh -c \"$HOME\" {a}", NOTHING);
	assert_signs("/bin/sh -c echo $HOME", " $HOME  ");
	assert_signs("/bin/grep -c $HOME", " $HOME  ");
	assert_signs("/bin/sh script $HOME", " $HOME  ");
}

static void the_first_of_each_is_told_and_a_long_one_cut(void **state)
{
	assert_signs("/a | b > $X $Y $ARG1$ $ARG2$ ~ /x*", "| $X $ARG1$ ~");
	assert_signs("/a $x12345678901234567890123456789012345678901",
		     " $x1234567890123456789012345678901234567  ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_words_have_no_sign),
		cmocka_unit_test(operators_are_found_at_either_end_of_a_word),
		cmocka_unit_test(variables_are_found_anywhere_but_in_single_quotes),
		cmocka_unit_test(macros_are_found_in_any_quotes),
		cmocka_unit_test(patterns_of_files_are_found_outside_quotes),
		cmocka_unit_test(backslashes_that_are_to_escape_are_found),
		cmocka_unit_test(quotes_say_that_an_operator_is_text),
		cmocka_unit_test(a_script_is_its_shells),
		cmocka_unit_test(the_first_of_each_is_told_and_a_long_one_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
