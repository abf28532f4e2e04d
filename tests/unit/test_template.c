/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/template.h"

#define EXEC_LINE 3
#define TYPES_LINE 10 /* of the first */

enum { KEY_other, KEY_exec, KEYS };

static const struct option_def options[KEYS] = {
	[KEY_other] = {.name = "other", .type = &option_int},
	[KEY_exec] = {.name = "exec", .type = &option_int},
};

static struct option_source from[KEYS];
static const struct section_kind kind = {.word = "command", .options = options, .count = KEYS};
static struct section section = {.kind = &kind, .from = from, .file = "title.ini", .line = 1};

static struct template template;
static struct option_map types;
static struct option_list errors;
static struct reason reason;

/* ---- templates and values ---- */

static void forget(void)
{
	static const struct option_def map = {.type = &option_map};

	template_free(&template);
	option_free(&map, 1, &types);
	option_list_free(&errors);
	types.incomplete = false;
	memset(&template, 0, sizeof(template));
}

static void type_add(const char *name, const char *text, int line)
{
	char *copy = strdup(text);
	const struct option_source pair = {copy, "types.ini", line, false};

	assert_int_equal(option_map_add(&types, name, &pair, &reason), 0);
	free(copy);
}

/* Add the types of "name type", a NULL ends them. */
static void types_add(const char *const *texts)
{
	char name[32];

	for (int i = 0; texts[i] != NULL; i++) {
		const char *blank = strchr(texts[i], ' ');

		snprintf(name, sizeof(name), "%.*s", (int)(blank - texts[i]), texts[i]);
		type_add(name, blank + 1, TYPES_LINE + i);
	}
}

static void parse(const char *exec, const char *const *texts)
{
	forget();
	types_add(texts);
	template_parse(&template, &section, KEY_exec, exec, &types, &errors);
}

#define TYPES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NO_TYPES ((const char *const[]){NULL})

static void assert_no_errors(void)
{
	if (errors.count > 0)
		fail_msg("%s", errors.items[0]);
}

/* The argv of values, as [word|word]. */
static void assert_fills(const struct slice *values, const char *expected)
{
	char **argv = template_fill(&template, values, &reason), text[512] = "[";

	if (argv == NULL)
		fail_msg("%s", reason.text);
	for (size_t i = 0; argv[i] != NULL; i++) {
		assert_true(strlen(text) + strlen(argv[i]) + 3 < sizeof(text));
		strcat(strcat(text, i > 0 ? "|" : ""), argv[i]);
	}
	assert_string_equal(strcat(text, "]"), expected);
	free(argv);
}

/* exec without arguments becomes these words. */
static void assert_words(const char *exec, const char *expected)
{
	parse(exec, NO_TYPES);
	assert_no_errors();
	assert_fills(NULL, expected);
}

/* exec with {a}, whose value this is, becomes these words. */
static void assert_words_with(const char *exec, const char *value, const char *expected)
{
	const struct slice slice = {value, strlen(value)};

	parse(exec, TYPES("a regex [^-]*"));
	assert_no_errors();
	assert_fills(&slice, expected);
}

/* The errors of a template are these lines. */
static void assert_errors(const char *exec, const char *const *texts, const char *expected)
{
	char text[2048] = "";

	parse(exec, texts);
	for (uint32_t i = 0; i < errors.count; i++) {
		assert_true(strlen(text) + strlen(errors.items[i]) + 2 < sizeof(text));
		strcat(strcat(text, errors.items[i]), "\n");
	}
	assert_string_equal(text, expected);
	assert_false(errors.incomplete);
}

static int template_open(void **state)
{
	static char text[] = "any";

	from[KEY_exec] = (struct option_source){text, "exec.ini", EXEC_LINE, false};
	return 0;
}

static int template_close(void **state)
{
	forget();
	return 0;
}

/* ---- words ---- */

static void blanks_separate_words(void **state)
{
	assert_words("/bin/x", "[/bin/x]");
	assert_words("/bin/x a b", "[/bin/x|a|b]");
	assert_words(" \t/bin/x \t a\tb  ", "[/bin/x|a|b]");
}

static void quotes_group_and_are_not_part_of_the_word(void **state)
{
	assert_words("/bin/x \"a b\" 'c  d'", "[/bin/x|a b|c  d]");
	assert_words("/bin/x \"it's\" 'say \"x\"'", "[/bin/x|it's|say \"x\"]");
	assert_words("'/bin/with blank'", "[/bin/with blank]");
}

static void quotes_may_be_in_the_middle_of_a_word(void **state)
{
	assert_words("/bin/x a\"b c\"d", "[/bin/x|ab cd]");
	assert_words("/bin/x --x='a b'\" c\"", "[/bin/x|--x=a b c]");
}

static void quotes_of_nothing_are_an_empty_word(void **state)
{
	assert_words("/bin/x \"\" ''", "[/bin/x||]");
	assert_words("/bin/x a''b", "[/bin/x|ab]");
}

static void nothing_else_is_special(void **state)
{
	assert_words("/bin/x a\\ b \\\" c\" $HOME `id` * ~ # ; > & %n",
		     "[/bin/x|a\\|b|\\ c|$HOME|`id`|*|~|#|;|>|&|%n]");
}

static void a_quote_that_is_not_closed_is_an_error(void **state)
{
	assert_errors("/bin/x \"a b", NO_TYPES, "exec.ini:3: exec: a quote is not closed\n");
	assert_errors("/bin/x it's", NO_TYPES, "exec.ini:3: exec: a quote is not closed\n");
	assert_errors("/bin/x \"a' b", NO_TYPES, "exec.ini:3: exec: a quote is not closed\n");
	assert_errors("'", NO_TYPES, "exec.ini:3: exec: a quote is not closed\n");
}

static void it_begins_with_the_absolute_path_of_a_program(void **state)
{
	static const char *const wrong[] = {"", "  ", "x", "./x", "bin/x /a", "''", "\"\" /bin/x"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_errors(wrong[i], NO_TYPES,
			      "exec.ini:3: exec: begins with the absolute path of a program\n");
	assert_errors("/bin/{a}", TYPES("a enum x"),
		      "exec.ini:3: exec: begins with the absolute path of a program\n");
}

/* ---- places ---- */

static void an_argument_is_put_in_its_place(void **state)
{
	assert_words_with("/bin/x {a}", "value", "[/bin/x|value]");
	assert_words_with("/bin/x --x={a}", "value", "[/bin/x|--x=value]");
	assert_words_with("/bin/x <{a}>", "value", "[/bin/x|<value>]");
	assert_words_with("/bin/x {a}{a} {a}", "value", "[/bin/x|valuevalue|value]");
	assert_words_with("/bin/x '{a} \"' \"{a} '\"", "value", "[/bin/x|value \"|value ']");
}

static void an_argument_never_becomes_two_words_or_none(void **state)
{
	assert_words_with("/bin/x {a} b", "one two", "[/bin/x|one two|b]");
	assert_words_with("/bin/x {a} b", "'\" \t\n", "[/bin/x|'\" \t\n|b]");
	assert_words_with("/bin/x {a} b", "", "[/bin/x||b]");
	assert_words_with("/bin/x <{a}>", "", "[/bin/x|<>]");
}

static void what_looks_like_a_place_in_a_value_is_only_text(void **state)
{
	const struct slice values[] = {{"{b}", 3}, {"{a}{{", 5}};

	parse("/bin/x {a} {b}", TYPES("a regex .*", "b regex .*"));
	assert_no_errors();
	assert_fills(values, "[/bin/x|{b}|{a}{{]");
}

static void arguments_come_in_the_order_of_the_configuration(void **state)
{
	const struct slice values[] = {{"one", 3}, {"2", 1}, {"three", 5}};

	parse("/bin/x {c} {a}:{b}", TYPES("b enum one|two", "a int 1..5", "c regex t.*"));
	assert_no_errors();
	assert_fills(values, "[/bin/x|three|2:one]");
}

static void only_so_many_bytes_of_a_value_are_taken_as_it_has(void **state)
{
	const struct slice value = {"123456", 3};

	parse("/bin/x {a}", TYPES("a int 0..999"));
	assert_fills(&value, "[/bin/x|123]");
}

static void two_braces_are_a_brace(void **state)
{
	assert_words("/bin/x {{", "[/bin/x|{]");
	assert_words("/bin/x {{a}}", "[/bin/x|{a}}]");
	assert_words("/bin/x {{{{", "[/bin/x|{{]");
	assert_words_with("/bin/x {{{a}}", "v", "[/bin/x|{v}]");
	assert_words_with("/bin/x {{a}{a}", "v", "[/bin/x|{a}v]");
}

static void a_brace_that_begins_no_name_is_one(void **state)
{
	assert_words("/bin/x {} { } {a {a'b'c x{", "[/bin/x|{}|{|}|{a|{abc|x{]");
	assert_words("/bin/x '{a b}' {$a}", "[/bin/x|{a b}|{$a}]");
}

static void names_are_compared_whole_and_in_their_case(void **state)
{
	assert_errors("/bin/x {arg} {A} {a}", TYPES("a int 1..2", "ar int 1..2"),
		      "exec.ini:3: exec: {arg} has no arg.arg\n"
		      "exec.ini:3: exec: {A} has no arg.A\n"
		      "types.ini:11: arg.ar: exec has no {ar}\n");
	parse("/bin/x {a_B-9.c}", TYPES("a_B-9.c int 1..2"));
	assert_no_errors();
}

/* ---- errors ---- */

static void an_argument_without_a_place_is_an_error_at_its_line(void **state)
{
	assert_errors("/bin/x {b}", TYPES("a int 1..2", "b int 1..2", "c enum x"),
		      "types.ini:10: arg.a: exec has no {a}\n"
		      "types.ini:12: arg.c: exec has no {c}\n");
	assert_errors("/bin/x {{a}", TYPES("a int 1..2"), "types.ini:10: arg.a: exec has no {a}\n");
}

static void a_place_without_an_argument_is_an_error_of_exec(void **state)
{
	assert_errors("/bin/x --x={nobody}", NO_TYPES,
		      "exec.ini:3: exec: {nobody} has no arg.nobody\n");
}

static void an_exec_that_no_file_gives_has_its_errors_at_the_title(void **state)
{
	from[KEY_exec] = (struct option_source){0};
	assert_errors("x", NO_TYPES,
		      "title.ini:1: exec: begins with the absolute path of a program\n");
}

static void each_mistake_in_a_regular_expression_is_told(void **state)
{
	parse("/bin/x {a} {b}", TYPES("a regex (", "b regex [a"));
	assert_int_equal(errors.count, 2);
	assert_memory_equal(errors.items[0], "types.ini:10: arg.a: ", 21);
	assert_memory_equal(errors.items[1], "types.ini:11: arg.b: ", 21);
	assert_string_not_equal(errors.items[0] + 21, errors.items[1] + 21);
}

static void all_errors_are_told(void **state)
{
	assert_errors("x {a} {b} {d}", TYPES("a int x", "b path x", "c enum x"),
		      "types.ini:10: arg.a: write int MIN..MAX\n"
		      "types.ini:11: arg.b: the folder is not an absolute path\n"
		      "exec.ini:3: exec: begins with the absolute path of a program\n"
		      "exec.ini:3: exec: {d} has no arg.d\n"
		      "types.ini:12: arg.c: exec has no {c}\n");
}

static void parse_many(int count, const char *type)
{
	static char exec[16384];
	size_t len = (size_t)sprintf(exec, "/bin/x");
	char name[16];

	forget();
	for (int i = 0; i < count; i++) {
		len += (size_t)sprintf(exec + len, " {a%d}", i);
		snprintf(name, sizeof(name), "a%d", i);
		type_add(name, type, i);
	}
	template_parse(&template, &section, KEY_exec, exec, &types, &errors);
}

static void there_may_be_as_many_arguments_as_a_request_has_room_for(void **state)
{
	static struct slice values[REQUEST_ARGS_MAX];
	char **argv;

	parse_many(REQUEST_ARGS_MAX, "int 0..1");
	assert_int_equal(errors.count, 1);
	assert_string_equal(errors.items[0], "exec.ini:3: exec: too many arguments");
	parse_many(REQUEST_ARGS_MAX - 1, "int 0..1");
	assert_no_errors();
	for (int i = 0; i < REQUEST_ARGS_MAX - 1; i++)
		values[i] = (struct slice){i % 2 ? "1" : "0", 1};
	argv = template_fill(&template, values, &reason);
	assert_non_null(argv);
	for (int i = 0; i < REQUEST_ARGS_MAX - 1; i++)
		assert_string_equal(argv[i + 1], i % 2 ? "1" : "0");
	assert_null(argv[REQUEST_ARGS_MAX]);
	free(argv);
}

static void parse_expressions(int count)
{
	parse_many(count, "regex (a|b)*");
	assert_no_errors();
}

static void the_arguments_of_a_request_share_what_matching_may_cost(void **state)
{
	static const struct {
		int count;
		bool taken; /* values of 1024 bytes */
	} rows[] = {{1, true}, {20, true}, {100, true}, {1000, false}, {1023, false}};
	static struct slice values[REQUEST_ARGS_MAX];
	char value[1024];

	memset(value, 'b', sizeof(value));
	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		char **argv;
		uint32_t steps;

		parse_expressions(rows[row].count);
		steps = template.parameters[0].match_steps;
		assert_true(steps <= 50000);
		assert_true(steps * (unsigned)rows[row].count <= 1000000);
		for (int i = 0; i < rows[row].count; i++)
			values[i] = (struct slice){value, sizeof(value)};
		argv = template_fill(&template, values, &reason);
		assert_int_equal(argv != NULL, rows[row].taken);
		free(argv);
		for (int i = 0; i < rows[row].count; i++)
			values[i].len = 100;
		argv = template_fill(&template, values, &reason);
		assert_non_null(argv);
		free(argv);
	}
}

static void the_folder_is_put_before_the_name(void **state)
{
	const struct slice value = {"null", 4};

	parse("/bin/x {a} --f={a}", TYPES("a path /dev"));
	assert_no_errors();
	assert_fills(&value, "[/bin/x|/dev/null|--f=/dev/null]");
}

static void quotes_around_a_type_are_no_part_of_it(void **state)
{
	const struct slice value = {"b", 1};

	parse("/bin/x {a}", TYPES("a \"enum a|b\""));
	assert_no_errors();
	assert_fills(&value, "[/bin/x|b]");
}

static void a_variable_of_a_shell_is_told_from_an_argument(void **state)
{
	assert_errors("/x ${HOME}/a", NO_TYPES,
		      "exec.ini:3: exec: ${HOME} stands for nothing, as there is no shell: write "
		      "the value itself, or {NAME} with arg.NAME for what a caller gives\n");
}

static void a_program_has_a_path_of_up_to_4095_bytes(void **state)
{
	static char exec[4200] = "/";

	memset(exec + 1, 'x', 4095);
	assert_errors(exec, NO_TYPES,
		      "exec.ini:3: exec: the program's path is longer than 4095 bytes\n");
	exec[4095] = '\0';
	parse(exec, NO_TYPES);
	assert_no_errors();
}

static void without_exec_the_types_are_looked_at_all_the_same(void **state)
{
	assert_errors(NULL, TYPES("a int 1..2", "b int x"),
		      "types.ini:11: arg.b: write int MIN..MAX\n");
}

static void a_place_may_be_that_of_an_argument_that_is_an_error_already(void **state)
{
	forget();
	types.incomplete = true;
	template_parse(&template, &section, KEY_exec, "/x {a}", &types, &errors);
	assert_no_errors();
	assert_false(from[KEY_exec].wrong);
	assert_errors("/x {a}", NO_TYPES, "exec.ini:3: exec: {a} has no arg.a\n");
	assert_true(from[KEY_exec].wrong);
}

static void an_open_quote_hides_no_other_error(void **state)
{
	assert_errors("/x '{a}", TYPES("a int x"),
		      "types.ini:10: arg.a: write int MIN..MAX\n"
		      "exec.ini:3: exec: a quote is not closed\n");
}

static void the_first_value_that_does_not_fit_is_told(void **state)
{
	const struct slice values[] = {{"1", 1}, {"9", 1}, {"9", 1}};

	parse("/bin/x {c}{b}{a}", TYPES("a int 1..5", "b int 1..4", "c int 1..3"));
	assert_no_errors();
	assert_null(template_fill(&template, values, &reason));
	assert_string_equal(reason.text, "b: '9' is not an integer of 1..4");
}

#define TEMPLATE_TEST(name) cmocka_unit_test_setup_teardown(name, template_open, template_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEMPLATE_TEST(blanks_separate_words),
		TEMPLATE_TEST(quotes_group_and_are_not_part_of_the_word),
		TEMPLATE_TEST(quotes_may_be_in_the_middle_of_a_word),
		TEMPLATE_TEST(quotes_of_nothing_are_an_empty_word),
		TEMPLATE_TEST(nothing_else_is_special),
		TEMPLATE_TEST(a_quote_that_is_not_closed_is_an_error),
		TEMPLATE_TEST(it_begins_with_the_absolute_path_of_a_program),
		TEMPLATE_TEST(an_argument_is_put_in_its_place),
		TEMPLATE_TEST(an_argument_never_becomes_two_words_or_none),
		TEMPLATE_TEST(what_looks_like_a_place_in_a_value_is_only_text),
		TEMPLATE_TEST(arguments_come_in_the_order_of_the_configuration),
		TEMPLATE_TEST(only_so_many_bytes_of_a_value_are_taken_as_it_has),
		TEMPLATE_TEST(two_braces_are_a_brace),
		TEMPLATE_TEST(a_brace_that_begins_no_name_is_one),
		TEMPLATE_TEST(names_are_compared_whole_and_in_their_case),
		TEMPLATE_TEST(an_argument_without_a_place_is_an_error_at_its_line),
		TEMPLATE_TEST(a_place_without_an_argument_is_an_error_of_exec),
		TEMPLATE_TEST(an_exec_that_no_file_gives_has_its_errors_at_the_title),
		TEMPLATE_TEST(each_mistake_in_a_regular_expression_is_told),
		TEMPLATE_TEST(all_errors_are_told),
		TEMPLATE_TEST(there_may_be_as_many_arguments_as_a_request_has_room_for),
		TEMPLATE_TEST(the_arguments_of_a_request_share_what_matching_may_cost),
		TEMPLATE_TEST(the_folder_is_put_before_the_name),
		TEMPLATE_TEST(quotes_around_a_type_are_no_part_of_it),
		TEMPLATE_TEST(a_variable_of_a_shell_is_told_from_an_argument),
		TEMPLATE_TEST(a_program_has_a_path_of_up_to_4095_bytes),
		TEMPLATE_TEST(without_exec_the_types_are_looked_at_all_the_same),
		TEMPLATE_TEST(a_place_may_be_that_of_an_argument_that_is_an_error_already),
		TEMPLATE_TEST(an_open_quote_hides_no_other_error),
		TEMPLATE_TEST(the_first_value_that_does_not_fit_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
