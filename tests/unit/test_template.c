/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "own.h"
#include "services/template.h"

#define VALUES_MAX 8
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
static char folder[] = "/tmp/test_template.XXXXXX";

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

/* A template of one argument of this type. */
static void of_type(const char *type)
{
	char text[2 * REASON_MAX];

	snprintf(text, sizeof(text), "a %s", type);
	parse("/bin/x {a}", TYPES(text));
	assert_no_errors();
}

static bool takes_bytes(const char *data, size_t len)
{
	const struct slice slice = {data, len};
	char **argv;

	reason.text[0] = '\0';
	argv = template_fill(&template, &slice, &reason);
	if (argv == NULL) {
		assert_true(reason.text[0] != '\0');
		return false;
	}
	free(argv);
	return true;
}

static bool takes(const char *value)
{
	return takes_bytes(value, strlen(value));
}

static void assert_takes(const char *type, const char *const *values)
{
	of_type(type);
	for (int i = 0; values[i] != NULL; i++)
		if (!takes(values[i]))
			fail_msg("'%s' refuses '%s': %s", type, values[i], reason.text);
}

static void assert_refuses(const char *type, const char *const *values)
{
	of_type(type);
	for (int i = 0; values[i] != NULL; i++)
		if (takes(values[i]))
			fail_msg("'%s' takes '%s'", type, values[i]);
}

#define ASSERT_TAKES(type, ...) assert_takes(type, (const char *const[]){__VA_ARGS__, NULL})
#define ASSERT_REFUSES(type, ...) assert_refuses(type, (const char *const[]){__VA_ARGS__, NULL})

static void assert_reason(const char *type, const char *value, const char *expected)
{
	of_type(type);
	assert_false(takes(value));
	assert_string_equal(reason.text, expected);
}

static int template_open(void **state)
{
	from[KEY_exec] =
		(struct option_source){folder, "exec.ini", EXEC_LINE, false}; /* any text */
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

#define TYPE_ERROR "write int MIN..MAX, enum a|b|c, regex PATTERN or path FOLDER\n"

static void what_is_no_type_is_an_error(void **state)
{
	assert_errors("/bin/x {a}{b}{c}{d}{e}{f}",
		      TYPES("a text", "b ", "c int", "d regex  \t", "e integer 1..2", "f INT 1..2"),
		      "types.ini:10: arg.a: " TYPE_ERROR "types.ini:11: arg.b: " TYPE_ERROR
		      "types.ini:12: arg.c: " TYPE_ERROR "types.ini:13: arg.d: " TYPE_ERROR
		      "types.ini:14: arg.e: " TYPE_ERROR "types.ini:15: arg.f: " TYPE_ERROR);
}

static void blanks_may_stand_between_a_type_and_the_rest(void **state)
{
	ASSERT_TAKES("int \t 1..2", "1", "2");
	ASSERT_TAKES("enum\ta|b", "a", "b");
}

static void what_is_no_range_is_an_error(void **state)
{
	static const char *const wrong[] = {"5",
					    "1..",
					    "..5",
					    "..",
					    "5..1",
					    "a..b",
					    "1-5",
					    "1...5",
					    "1..5x",
					    "1 .. 5",
					    "0..9223372036854775808",
					    "-9223372036854775809..0",
					    "00000000000000000000000000000000000001..5"};
	char text[64];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(text, sizeof(text), "a int %s", wrong[i]);
		assert_errors("/bin/x {a}", TYPES(text),
			      "types.ini:10: arg.a: write int MIN..MAX\n");
	}
}

static void what_is_no_regular_expression_is_an_error_at_its_place(void **state)
{
	static const struct {
		const char *type, *place, *hint;
	} wrong[] = {
		{"regex (", "after '(' (byte 1): ", ""},
		{"regex [a-z", "after '[a-z' (byte 4): ", ""},
		{"regex x(a))", "after 'x(a)' (byte 4): ", ""},
		{"regex [z-a]", "after '[z-' (byte 3): ", ""},
		{"regex (a)\\2", "after '(a)\\' (byte 4): ", ""},
		{"regex \\", "after '\\' (byte 1): ", ""},
		{"regex \\x{100}", "after '\\x{100' (byte 6): ", ""},
		{"regex abcdefghijklmnopqrstuvwxyz(?+", "after '", ""},
		{"regex ((a{60000}){60000})", "after '", ""},
		{"regex *.txt", "after '' (byte 0): ", "; .* is any text"},
		{"regex [:alpha:]+", "after '' (byte 0): ", "; write [[:alpha:]]"},
		{"regex (*UTF)a", "after '(*UTF)' (byte 6): ", "; values are bytes"},
		{"regex (*UCP)a", "after '(*UCP)' (byte 6): ", "; values are bytes"},
		{"regex \\C", "after '\\C' (byte 2): ", ""},
	};
	static const char line[] = "types.ini:10: arg.a: ";
	char type[64];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *error;
		size_t len = strlen(wrong[i].hint);

		snprintf(type, sizeof(type), "a %s", wrong[i].type);
		parse("/bin/x {a}", TYPES(type));
		assert_int_equal(errors.count, 1);
		error = errors.items[0];
		assert_memory_equal(error, line, strlen(line));
		error += strlen(line);
		if (strncmp(error, wrong[i].place, strlen(wrong[i].place)) != 0)
			fail_msg("'%s': '%s'", wrong[i].type, error);
		error += strlen(wrong[i].place);
		assert_true(strlen(error) > len);
		assert_string_equal(error + strlen(error) - len, wrong[i].hint);
	}
}

static void each_mistake_in_a_regular_expression_is_told(void **state)
{
	parse("/bin/x {a} {b}", TYPES("a regex (", "b regex [a"));
	assert_int_equal(errors.count, 2);
	assert_memory_equal(errors.items[0], "types.ini:10: arg.a: ", 21);
	assert_memory_equal(errors.items[1], "types.ini:11: arg.b: ", 21);
	assert_string_not_equal(errors.items[0] + 21, errors.items[1] + 21);
}

static void an_expression_has_up_to_4096_bytes(void **state)
{
	static char type[8 + 4097 + 1] = "a regex ";

	for (size_t i = 8; i < sizeof(type) - 1; i++)
		type[i] = i % 2 == 0 ? 'x' : '?';
	parse("/bin/x {a}", TYPES(type));
	assert_int_equal(errors.count, 1);
	assert_non_null(strstr(errors.items[0], ", 4096 bytes"));
	type[8 + 4096] = '\0';
	parse("/bin/x {a}", TYPES(type));
	assert_no_errors();
}

static void a_backslash_before_anything_else_is_none(void **state)
{
	ASSERT_TAKES("regex a\\\\1", "a\\1");
	ASSERT_REFUSES("regex a\\\\1", "aa", "a1");
	ASSERT_TAKES("regex \\.\\*", ".*");
}

static void a_folder_that_is_not_absolute_is_an_error(void **state)
{
	assert_errors("/bin/x {a}", TYPES("a path folder"),
		      "types.ini:10: arg.a: the folder is not an absolute path\n");
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

/* ---- int ---- */

static void integers_keep_to_their_range(void **state)
{
	ASSERT_TAKES("int -5..10", "-5", "-1", "0", "1", "9", "10");
	ASSERT_REFUSES("int -5..10", "-6", "11", "-10", "100", "99999999999999999999");
	ASSERT_TAKES("int 7..7", "7");
	ASSERT_REFUSES("int 7..7", "6", "8", "0");
	ASSERT_REFUSES("int 1..5", "0");
	ASSERT_REFUSES("int -5..-1", "0");
}

static void integers_have_up_to_64_bits(void **state)
{
	static const char all[] = "int -9223372036854775808..9223372036854775807";

	ASSERT_TAKES(all, "-9223372036854775808", "9223372036854775807", "0");
	ASSERT_REFUSES(all, "-9223372036854775809", "9223372036854775808", "18446744073709551616",
		       "-18446744073709551615");
}

static void integers_are_written_in_one_way(void **state)
{
	ASSERT_REFUSES("int -9..9999", "", "-", "-0", "007", "00", "-07", "+5", " 5", "5 ", "5\n",
		       "\t5", "5x", "x", "0x10", "1e3", "1.0", "1,000", "--5", "- 5",
		       "\xd9\xa1" /* a digit of another script */);
}

/* ---- enum ---- */

static void enums_take_one_of_their_words(void **state)
{
	ASSERT_TAKES("enum start|stop|re start", "start", "stop", "re start");
	ASSERT_REFUSES("enum start|stop|re start", "", "star", "starts", "START", "top", "re",
		       "start|stop", "|", "stop|", "start ");
	ASSERT_TAKES("enum one", "one");
	ASSERT_REFUSES("enum one", "", "on", "two");
}

static void a_word_of_an_enum_may_begin_with_a_dash(void **state)
{
	ASSERT_TAKES("enum -v|x|--all", "-v", "x", "--all");
	ASSERT_REFUSES("enum -v|x|--all", "-", "-x", "v");
}

static void a_word_of_an_enum_that_begins_another_is_one_of_its_own(void **state)
{
	ASSERT_TAKES("enum start|st|s", "start", "st", "s");
	ASSERT_REFUSES("enum start|st|s", "sta");
	ASSERT_REFUSES("enum start", "st");
}

/* ---- regex ---- */

static void a_regular_expression_matches_the_whole_value(void **state)
{
	ASSERT_TAKES("regex [a-z]+", "a", "abc");
	ASSERT_REFUSES("regex [a-z]+", "", "abc1", "1abc", "a b", "abc\n", "\nabc", "a\nb");
}

static void no_way_to_write_an_expression_matches_less_than_the_value(void **state)
{
	static const char *const expressions[] = {
		"abc",      "abc$",         "abc\\Z",     "(?m)abc$",     "(?m)^abc$",
		"abc|abc",  "abc(*ACCEPT)", "(?:abc)\\K", "(?>abc|abc.)", "^abc$|abc",
		"abc()",    "abc(?=.|$)",   "(*CR)abc$",  "(*ANY)abc$",   "(?i)ABC\\b",
		"abc$\\n?", "abc(*COMMIT)"};
	char type[64];

	for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++) {
		snprintf(type, sizeof(type), "regex %s", expressions[i]);
		ASSERT_TAKES(type, "abc");
		ASSERT_REFUSES(type, "abc\n", "abc\r", "abc\r\n", "\nabc", "abc\nabc", "abcx",
			       "xabc", "ab", "");
	}
}

static void expressions_mean_what_they_do_in_perl(void **state)
{
	ASSERT_TAKES("regex \\d+", "0", "0123456789");
	ASSERT_REFUSES("regex \\d+", "d", "1a", "\xd9\xa1" /* a digit of another script */);
	ASSERT_TAKES("regex \\w+", "aZ_9");
	ASSERT_REFUSES("regex \\w+", "a-b", "\xe9", "\xc3\xa9");
	ASSERT_TAKES("regex (?i)ab|c", "AB", "aB", "C");
	ASSERT_TAKES("regex [[:alpha:]][[:digit:]]{2,3}", "a12", "Z123");
	ASSERT_REFUSES("regex [[:alpha:]][[:digit:]]{2,3}", "a1", "a1234", "112");
	ASSERT_TAKES("regex (?!root$)[a-z]+", "rooted", "roo");
	ASSERT_REFUSES("regex (?!root$)[a-z]+", "root");
	ASSERT_TAKES("regex (['\"])[^'\"]*\\1", "'a'", "\"\"");
	ASSERT_REFUSES("regex (['\"])[^'\"]*\\1", "'a\"", "'a");
	ASSERT_TAKES("regex (\\((?:[a-z]|(?1))*\\))", "(a(b)c)");
	ASSERT_REFUSES("regex (\\((?:[a-z]|(?1))*\\))", "(a(b)c");
}

static void a_dot_is_any_byte_but_a_newline(void **state)
{
	ASSERT_TAKES("regex .", "a", "\xff", "\r", "\x01");
	ASSERT_REFUSES("regex .", "\n", "", "\xc3\xa9");
	ASSERT_TAKES("regex .*", "\xff\xfe", "\xc3", "\xc3\xa9", "\xed\xa0\x80");
	ASSERT_REFUSES("regex .*", "\n", "a\n", "a\nb");
	ASSERT_TAKES("regex (?s).*", "\n", "a\n", "a\nb");
	ASSERT_TAKES("regex \xc3\xa9|[^/]", "\xc3\xa9", "\xff", "a");
}

static void of_alternatives_the_one_that_matches_the_whole_value_counts(void **state)
{
	ASSERT_TAKES("regex a|ab", "a", "ab");
	ASSERT_TAKES("regex ab|a", "a", "ab");
	ASSERT_TAKES("regex b|ab", "b", "ab");
	ASSERT_TAKES("regex (a|ab)(c|bcd)", "ac", "abcd", "abc");
	ASSERT_REFUSES("regex a|ab", "b", "aab", "aba", "");
	ASSERT_REFUSES("regex a|b", "ab", "a|b");
}

static void anchors_do_no_harm(void **state)
{
	ASSERT_TAKES("regex ^[a-z]+$", "abc");
	ASSERT_REFUSES("regex ^[a-z]+$", "abc\n", "abc\nabc", "-a", "");
	ASSERT_TAKES("regex ^a|b$", "a", "b");
	ASSERT_REFUSES("regex ^a|b$", "ax", "xb");
}

static void an_empty_value_is_taken_where_it_matches(void **state)
{
	ASSERT_TAKES("regex x*", "", "xx");
	ASSERT_REFUSES("regex x+", "");
}

static void a_value_that_looks_like_an_option_is_refused(void **state)
{
	ASSERT_REFUSES("regex .*", "-", "-x", "--help");
	ASSERT_REFUSES("regex [-a-z]+", "-x");
	ASSERT_REFUSES("regex (-x|y)", "-x");
	ASSERT_TAKES("regex .*", "x-", " -x");
}

static void an_expression_that_begins_with_a_dash_takes_options(void **state)
{
	ASSERT_TAKES("regex -?[a-z]+", "-x", "x");
	ASSERT_TAKES("regex --(all|none)", "--all", "--none");
	ASSERT_REFUSES("regex --(all|none)", "-all", "all");
}

/* ---- what matching costs ---- */

static long resident_kib(void)
{
	long pages = 0;
	FILE *statm = fopen("/proc/self/statm", "r");

	assert_non_null(statm);
	assert_int_equal(fscanf(statm, "%*d %ld", &pages), 1);
	fclose(statm);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Values of 1024 bytes that look, to the end, as if they would match; the last byte says no. */
static const struct {
	const char *type, *unit;
	bool given_up;
} hostile[] = {
	{"regex (a+)+b?", "a", true},
	{"regex (a+)+$", "a", true},
	{"regex (.*)*x", "ax", true},
	{"regex (a|aa)+", "a", true},
	{"regex ((a*)*)*", "a", true},
	{"regex (a|a?)+", "a", true},
	{"regex .*.*.*=.*=", "=", true},
	{"regex (.*)(.*)\\1\\2x", "xa", true},
	{"regex ((((((((((a))))))))))+", "a", true},
	{"regex (?:(?:a|a(?:[a-z]*+1|[a-z]*+2)))+", "a", false},
	{"regex (a(?1)?|a)+", "a", true},
	{"regex (?R)?a", "a", true},
	{"regex (*LIMIT_MATCH=4000000000)(*LIMIT_DEPTH=4000000000)(*LIMIT_HEAP=4000000000)(a|aa)+",
	 "a", true},
	{"regex [a-z-]*-[a-z-]{20}", "a-b", false},
	{"regex [a-z]*-[a-z]*", "a", false},
};

static void hostile_value(const char *unit, char *value)
{
	for (size_t i = 0; i < 1023; i++)
		value[i] = unit[i % strlen(unit)];
	value[1023] = '!';
}

static void a_match_that_takes_too_long_is_given_up(void **state)
{
	char value[1024];

	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		of_type(hostile[i].type);
		hostile_value(hostile[i].unit, value);
		if (takes_bytes(value, sizeof(value)))
			fail_msg("'%s' takes it", hostile[i].type);
		if ((errno == ETIME) != hostile[i].given_up ||
		    (strstr(reason.text, "cannot be matched (") != NULL) != hostile[i].given_up)
			fail_msg("'%s': %s", hostile[i].type, reason.text);
	}
}

static void assert_given_up(const char *type, const char *why)
{
	char value[1024], text[512] = "a ";

	memset(value, 'a', sizeof(value));
	parse("/bin/x {a}", TYPES(strcat(text, type)));
	assert_no_errors();
	assert_false(takes_bytes(value, sizeof(value)));
	if (strstr(reason.text, why) == NULL)
		fail_msg("%s: %s", type, reason.text);
}

/* Of the value, the last two match. */
static void steps_depth_and_memory_are_limited(void **state)
{
	char type[512] = "regex (?:(a)";

	assert_given_up("regex (?R)?a", "nested recursion");
	assert_given_up("regex (a|aa)+!?b?(?<!a)", "(match limit exceeded)");
	assert_given_up("regex ((((((((((a))))))))))+", "(matching depth limit exceeded)");
	for (int i = 0; i < 80; i++)
		strcat(type, "|(b)");
	assert_given_up(strcat(type, ")+"), "(heap limit exceeded)");
}

/* 100 take some 50 ms, where nothing stops them many minutes. */
static void a_thousand_hostile_values_take_little_time_and_memory(void **state)
{
	char value[1024];
	long before = resident_kib();

	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		clock_t start = clock();

		of_type(hostile[i].type);
		hostile_value(hostile[i].unit, value);
		for (int n = 0; n < 100; n++)
			assert_false(takes_bytes(value, sizeof(value)));
		assert_true(clock() - start < 2 * CLOCKS_PER_SEC);
	}
	assert_true(resident_kib() - before < 16 * 1024);
}

static void a_verb_in_an_expression_may_lower_a_limit(void **state)
{
	ASSERT_TAKES("regex (a|b)*", "abababab");
	ASSERT_REFUSES("regex (*LIMIT_MATCH=10)(a|b)*", "abababab");
	assert_non_null(strstr(reason.text, "match limit exceeded"));
	ASSERT_TAKES("regex (*LIMIT_MATCH=10)(a|b)*", "a");
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

static void a_match_that_was_given_up_harms_no_other(void **state)
{
	char value[1024];

	hostile_value("a", value);
	for (int i = 0; i < 10; i++) {
		of_type("regex (a|aa)+");
		assert_false(takes_bytes(value, sizeof(value)));
		assert_int_equal(errno, ETIME);
		assert_true(takes("aaaa"));
		assert_false(takes("ab"));
		assert_int_not_equal(errno, ETIME);
		ASSERT_TAKES("int 1..5", "3");
	}
}

/* ---- path ---- */

static void in_folder(const char *name, char *path)
{
	snprintf(path, 128, "%s/%s", folder, name);
}

/*
 *	data/file    data/sub/file    data/-file
 *	data/inside -> sub/file       data/outside -> ../secret
 *	data/up -> ..                 data/absolute -> /etc
 *	data/loop -> loop             data/fifo
 *	secret
 */
static const char *const folders[] = {"data", "data/sub"};
static const char *const files[] = {"data/file", "data/sub/file", "data/-file", "secret"};
static const struct {
	const char *name, *to;
} links[] = {{"data/inside", "sub/file"},
	     {"data/outside", "../secret"},
	     {"data/up", ".."},
	     {"data/absolute", "/etc"},
	     {"data/loop", "loop"},
	     {"data/sub/root", "/"},
	     {"data/sub/back", "../file"},
	     {"data/magic", "/proc/self/root"}};

static int folder_open(void **state)
{
	char path[128];

	assert_non_null(mkdtemp(strcpy(folder, "/tmp/test_template.XXXXXX")));
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		in_folder(folders[i], path);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		in_folder(files[i], path);
		close(creat(path, 0600));
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		in_folder(links[i].name, path);
		assert_int_equal(symlink(links[i].to, path), 0);
	}
	in_folder("data/fifo", path);
	assert_int_equal(mkfifo(path, 0600), 0);
	return template_open(state);
}

static int folder_close(void **state)
{
	char path[128];

	in_folder("data/fifo", path);
	unlink(path);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		in_folder(links[i].name, path);
		unlink(path);
	}
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		in_folder(files[i], path);
		unlink(path);
	}
	for (size_t i = sizeof(folders) / sizeof(folders[0]); i-- > 0;) {
		in_folder(folders[i], path);
		rmdir(path);
	}
	assert_int_equal(rmdir(folder), 0);
	return template_close(state);
}

static const char *type_data(void)
{
	static char type[128];

	snprintf(type, sizeof(type), "path %s/data", folder);
	return type;
}

static void a_path_is_something_that_is_there(void **state)
{
	ASSERT_TAKES(type_data(), "file", "sub", "sub/", "sub/file", "./file", "sub//file", "fifo");
	ASSERT_REFUSES(type_data(), "", "nothing", "sub/nothing", "file/", "file/x", "File",
		       "file ");
}

static void a_path_stays_below_its_folder(void **state)
{
	ASSERT_REFUSES(type_data(), "..", "../secret", "../data", "../data/file",
		       "sub/../../secret", "./..", "/", "/etc/passwd", "//etc");
}

static void a_path_is_not_the_folder_itself(void **state)
{
	ASSERT_REFUSES(type_data(), ".", "./", "./.", "sub/..", "sub/../file");
}

static void an_absolute_name_of_what_is_below_is_refused_too(void **state)
{
	char path[128];

	in_folder("data/file", path);
	ASSERT_REFUSES(type_data(), path);
}

static void a_link_that_leads_out_is_refused(void **state)
{
	ASSERT_TAKES(type_data(), "inside", "sub/back");
	ASSERT_REFUSES(type_data(), "outside", "up", "up/secret", "up/data/file", "absolute",
		       "absolute/passwd", "sub/root", "sub/root/etc", "loop", "magic");
}

static void a_path_that_looks_like_an_option_is_refused(void **state)
{
	ASSERT_REFUSES(type_data(), "-file", "-", "--");
	ASSERT_TAKES(type_data(), "./-file");
}

static void a_folder_that_is_not_there_has_nothing_in_it(void **state)
{
	char type[160];

	snprintf(type, sizeof(type), "path %s/nothing", folder);
	ASSERT_REFUSES(type, "file", ".", "");
	snprintf(type, sizeof(type), "path %s/secret", folder);
	ASSERT_REFUSES(type, "file", "");
}

static void the_folder_is_put_before_the_name(void **state)
{
	const struct slice value = {"sub/file", 8};
	char type[160], expected[320];

	snprintf(type, sizeof(type), "a %s", type_data());
	parse("/bin/x {a} --f={a}", TYPES(type));
	assert_no_errors();
	snprintf(expected, sizeof(expected), "[/bin/x|%s/data/sub/file|--f=%s/data/sub/file]",
		 folder, folder);
	assert_fills(&value, expected);
}

static void looking_leaves_no_descriptor_open(void **state)
{
	size_t before = descriptors();

	ASSERT_TAKES(type_data(), "file", "sub");
	ASSERT_REFUSES(type_data(), "nothing", "..", "-file");
	assert_int_equal(descriptors(), before);
}

/* ---- any value ---- */

static void a_nul_is_refused(void **state)
{
	static const char *const any[] = {"int 0..9", "enum 5|x", "regex .*", "path /"};

	for (size_t i = 0; i < sizeof(any) / sizeof(any[0]); i++) {
		of_type(any[i]);
		assert_false(takes_bytes("5\0", 2));
		assert_false(takes_bytes("\0", 1));
		assert_false(takes_bytes("etc\0", 4));
	}
}

static void a_value_of_a_regex_has_up_to_1024_bytes(void **state)
{
	char value[1025], **argv;
	const struct slice longest = {value, 1024};

	memset(value, 'x', sizeof(value));
	of_type("regex x*");
	argv = template_fill(&template, &longest, &reason);
	assert_non_null(argv);
	assert_int_equal(strlen(argv[1]), 1024);
	assert_memory_equal(argv[1], value, 1024);
	free(argv);
	assert_false(takes_bytes(value, 1025));
}

static void a_path_has_up_to_4095_bytes(void **state)
{
	char value[4097];

	memset(value, '/', sizeof(value));
	memcpy(value, "etc", 3);
	of_type("path /");
	assert_true(takes_bytes(value, 4095));
	assert_false(takes_bytes(value, 4096));
	assert_false(takes_bytes(value, 4097));
}

static void an_enum_has_no_empty_word(void **state)
{
	assert_errors("/x {a} {b} {c}", TYPES("a enum x||y", "b enum |x", "c enum x|"),
		      "types.ini:10: arg.a: write enum a|b|c, without an empty word\n"
		      "types.ini:11: arg.b: write enum a|b|c, without an empty word\n"
		      "types.ini:12: arg.c: write enum a|b|c, without an empty word\n");
}

static void a_blank_beside_a_bar_is_an_error(void **state)
{
	static const char *const wrong[] = {"a enum x |y", "a enum x| y", "a enum x | y",
					    "a enum x|y\t|z"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_errors("/x {a}", TYPES(wrong[i]),
			      "types.ini:10: arg.a: a blank beside | would belong to the word; "
			      "write enum a|b|c\n");
	ASSERT_TAKES("enum x y|z", "x y", "z");
}

static void an_expression_that_no_value_can_meet_is_an_error(void **state)
{
	static const char dash[] =
		"types.ini:10: arg.a: matches only what begins with '-', which is refused unless "
		"the pattern itself begins with it\n";

	assert_errors("/x {a}", TYPES("a regex x{1025}"),
		      "types.ini:10: arg.a: matches from 1025 bytes on, and takes 1024\n");
	ASSERT_TAKES("regex (x{1024})*", "");
	assert_errors("/x {a}", TYPES("a regex ^-x"), dash);
	assert_errors("/x {a}", TYPES("a regex (-x)"), dash);
	assert_errors("/x {a}", TYPES("a regex \\-.*"), dash);
	ASSERT_TAKES("regex -x|-y", "-x", "-y");
	ASSERT_TAKES("regex [-]?x", "x");
}

static void quotes_around_a_type_or_what_follows_it_are_no_part_of_it(void **state)
{
	ASSERT_TAKES("\"enum a|b\"", "a", "b");
	ASSERT_TAKES("enum 'a|b'", "a", "b");
	ASSERT_TAKES("regex \"[a ;]+\"", "a ;");
	ASSERT_TAKES("regex [\"']+", "'\"");
	ASSERT_TAKES("regex '\"x\"'", "\"x\"");
	assert_errors("/x {a}", TYPES("a regex \"x"),
		      "types.ini:10: arg.a: a quote is not closed\n");
	assert_errors(
		"/x {a}", TYPES("a regex \"x\"|\"y\""),
		"types.ini:10: arg.a: its quotes end before it does; put ' around all of it\n");
	assert_errors("/x {a}", TYPES("a regex ''"), "types.ini:10: arg.a: " TYPE_ERROR);
}

static void a_variable_of_a_shell_is_told_from_an_argument(void **state)
{
	assert_errors("/x ${HOME}/a", NO_TYPES,
		      "exec.ini:3: exec: ${HOME} stands for nothing, as there is no shell: write "
		      "the value itself, or {NAME} with arg.NAME for what a caller gives\n");
}

static void a_path_that_the_kernel_takes_has_up_to_4095_bytes(void **state)
{
	static char type[4200] = "a path /", exec[4200] = "/";

	memset(type + 8, 'x', 4095);
	memset(exec + 1, 'x', 4095);
	assert_errors("/x {a}", TYPES(type),
		      "types.ini:10: arg.a: the folder's path is longer than 4095 bytes\n");
	assert_errors(exec, NO_TYPES,
		      "exec.ini:3: exec: the program's path is longer than 4095 bytes\n");
	type[8 + 4094] = exec[4095] = '\0';
	parse("/x {a}", TYPES(type));
	assert_no_errors();
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

static void the_reason_names_argument_value_and_type(void **state)
{
	assert_reason("int 1..5", "9", "a: '9' is not an integer of 1..5");
	assert_reason("enum x|y", "z", "a: 'z' is not one of x|y");
	assert_reason("regex [a-z]", "1", "a: '1' does not match [a-z]");
	assert_reason("regex .*", "-x", "a: '-x' begins with '-', unlike .*");
	assert_reason("regex (*LIMIT_MATCH=1)(a|b)*", "ab",
		      "a: 'ab' cannot be matched (match limit exceeded) with "
		      "(*LIMIT_MATCH=1)(a|b)*");
	assert_reason("path /etc", "nothing", "a: 'nothing' is not there below /etc");
	assert_reason("path /etc", "-x", "a: '-x' begins with '-'; give a name below /etc");
	assert_reason("enum x|y", "\r1\n", "a: '?1?' is not one of x|y");
}

static void a_long_reason_is_cut(void **state)
{
	char type[REASON_MAX], value[300];

	memset(type, 'y', sizeof(type));
	memcpy(type, "enum ", 5);
	type[sizeof(type) - 1] = '\0';
	memset(value, 'x', sizeof(value));
	of_type(type);
	assert_false(takes_bytes(value, sizeof(value)));
	assert_int_equal(strlen(reason.text), REASON_MAX - 1);
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
#define FOLDER_TEST(name) cmocka_unit_test_setup_teardown(name, folder_open, folder_close)

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
		TEMPLATE_TEST(what_is_no_type_is_an_error),
		TEMPLATE_TEST(blanks_may_stand_between_a_type_and_the_rest),
		TEMPLATE_TEST(what_is_no_range_is_an_error),
		TEMPLATE_TEST(what_is_no_regular_expression_is_an_error_at_its_place),
		TEMPLATE_TEST(each_mistake_in_a_regular_expression_is_told),
		TEMPLATE_TEST(an_expression_has_up_to_4096_bytes),
		TEMPLATE_TEST(a_backslash_before_anything_else_is_none),
		TEMPLATE_TEST(a_folder_that_is_not_absolute_is_an_error),
		TEMPLATE_TEST(all_errors_are_told),
		TEMPLATE_TEST(there_may_be_as_many_arguments_as_a_request_has_room_for),
		TEMPLATE_TEST(integers_keep_to_their_range),
		TEMPLATE_TEST(integers_have_up_to_64_bits),
		TEMPLATE_TEST(integers_are_written_in_one_way),
		TEMPLATE_TEST(enums_take_one_of_their_words),
		TEMPLATE_TEST(a_word_of_an_enum_may_begin_with_a_dash),
		TEMPLATE_TEST(a_word_of_an_enum_that_begins_another_is_one_of_its_own),
		TEMPLATE_TEST(a_regular_expression_matches_the_whole_value),
		TEMPLATE_TEST(no_way_to_write_an_expression_matches_less_than_the_value),
		TEMPLATE_TEST(expressions_mean_what_they_do_in_perl),
		TEMPLATE_TEST(a_dot_is_any_byte_but_a_newline),
		TEMPLATE_TEST(of_alternatives_the_one_that_matches_the_whole_value_counts),
		TEMPLATE_TEST(anchors_do_no_harm),
		TEMPLATE_TEST(an_empty_value_is_taken_where_it_matches),
		TEMPLATE_TEST(a_value_that_looks_like_an_option_is_refused),
		TEMPLATE_TEST(an_expression_that_begins_with_a_dash_takes_options),
		TEMPLATE_TEST(a_match_that_takes_too_long_is_given_up),
		TEMPLATE_TEST(steps_depth_and_memory_are_limited),
		TEMPLATE_TEST(a_thousand_hostile_values_take_little_time_and_memory),
		TEMPLATE_TEST(a_verb_in_an_expression_may_lower_a_limit),
		TEMPLATE_TEST(the_arguments_of_a_request_share_what_matching_may_cost),
		TEMPLATE_TEST(a_match_that_was_given_up_harms_no_other),
		FOLDER_TEST(a_path_is_something_that_is_there),
		FOLDER_TEST(a_path_stays_below_its_folder),
		FOLDER_TEST(a_path_is_not_the_folder_itself),
		FOLDER_TEST(an_absolute_name_of_what_is_below_is_refused_too),
		FOLDER_TEST(a_link_that_leads_out_is_refused),
		FOLDER_TEST(a_path_that_looks_like_an_option_is_refused),
		FOLDER_TEST(a_folder_that_is_not_there_has_nothing_in_it),
		FOLDER_TEST(the_folder_is_put_before_the_name),
		FOLDER_TEST(looking_leaves_no_descriptor_open),
		TEMPLATE_TEST(a_nul_is_refused),
		TEMPLATE_TEST(a_value_of_a_regex_has_up_to_1024_bytes),
		TEMPLATE_TEST(a_path_has_up_to_4095_bytes),
		TEMPLATE_TEST(an_enum_has_no_empty_word),
		TEMPLATE_TEST(a_blank_beside_a_bar_is_an_error),
		TEMPLATE_TEST(an_expression_that_no_value_can_meet_is_an_error),
		TEMPLATE_TEST(quotes_around_a_type_or_what_follows_it_are_no_part_of_it),
		TEMPLATE_TEST(a_variable_of_a_shell_is_told_from_an_argument),
		TEMPLATE_TEST(a_path_that_the_kernel_takes_has_up_to_4095_bytes),
		TEMPLATE_TEST(without_exec_the_types_are_looked_at_all_the_same),
		TEMPLATE_TEST(a_place_may_be_that_of_an_argument_that_is_an_error_already),
		TEMPLATE_TEST(an_open_quote_hides_no_other_error),
		TEMPLATE_TEST(the_reason_names_argument_value_and_type),
		TEMPLATE_TEST(a_long_reason_is_cut),
		TEMPLATE_TEST(the_first_value_that_does_not_fit_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
