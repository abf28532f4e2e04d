/* SPDX-License-Identifier: MIT */
/* What a type is, and which values are of it. */
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
#include "services/parameter.h"

static struct parameter parameter;
static struct reason reason;
static char folder[] = "/tmp/test_parameter.XXXXXX";

static int type_forget(void **state)
{
	parameter_free(&parameter);
	parameter = (struct parameter){0};
	return 0;
}

/* Returns NULL, or the reason why it is no type. */
static const char *parse(const char *type)
{
	char *text = strdup(type);
	const struct option_pair pair = {.name = (char[]){"a"}, .value = text};
	int result;

	type_forget(NULL);
	result = parameter_parse(&parameter, &pair, &reason);
	free(text); /* it is borrowed for the call only */
	parameter.name = "a";
	parameters_share_steps(&parameter, 1);
	return result < 0 ? reason.text : NULL;
}

static void of_type(const char *type)
{
	const char *error = parse(type);

	if (error != NULL)
		fail_msg("%s: %s", type, error);
	assert_non_null(parameter.text);
}

static void assert_no_type(const char *type, const char *expected)
{
	const char *error = parse(type);

	if (error == NULL)
		fail_msg("'%s' is one", type);
	assert_string_equal(error, expected);
	assert_null(parameter.text);
}

/* In memory of its own, so that who reads beyond it is found. */
static bool takes_bytes(const char *data, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);
	const struct slice slice = {copy, len};
	int result;

	memcpy(copy, data, len);
	memset(reason.text, 'x', sizeof(reason));
	errno = 0;
	result = parameter_check(&parameter, &slice, &reason);
	free(copy);
	if (result < 0)
		assert_non_null(memchr(reason.text, '\0', REASON_MAX));
	return result == 0;
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

/* ---- types ---- */

#define TYPE_ERROR "write int MIN..MAX, enum a|b|c, regex PATTERN or path FOLDER"

static void what_is_no_type_is_an_error(void **state)
{
	static const char *const wrong[] = {"",         " ",         "text",     "int",
					    "int ",     "regex  \t", "enum ''",  "integer 1..2",
					    "INT 1..2", "in 1..2",   " int 1..2"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_no_type(wrong[i], TYPE_ERROR);
	assert_no_type("enum x||y", "write enum a|b|c, without an empty word");
	assert_no_type("enum |x", "write enum a|b|c, without an empty word");
	assert_no_type("enum x|", "write enum a|b|c, without an empty word");
	assert_no_type("enum |", "write enum a|b|c, without an empty word");
	assert_no_type("path folder", "the folder is not an absolute path");
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
		snprintf(text, sizeof(text), "int %s", wrong[i]);
		assert_no_type(text, "write int MIN..MAX");
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

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *error = parse(wrong[i].type);
		size_t len = strlen(wrong[i].hint);

		assert_ptr_equal(error, &reason);
		assert_null(parameter.text);
		if (strncmp(error, wrong[i].place, strlen(wrong[i].place)) != 0)
			fail_msg("'%s': '%s'", wrong[i].type, error);
		error += strlen(wrong[i].place);
		assert_true(strlen(error) > len);
		assert_string_equal(error + strlen(error) - len, wrong[i].hint);
	}
}

static void an_expression_has_up_to_4096_bytes(void **state)
{
	static char type[6 + 4097 + 1] = "regex ";

	for (size_t i = 6; i < sizeof(type) - 1; i++)
		type[i] = i % 2 == 0 ? 'x' : '?';
	assert_non_null(parse(type));
	assert_non_null(strstr(reason.text, ", 4096 bytes"));
	type[6 + 4096] = '\0';
	of_type(type);
}

static void a_backslash_before_anything_else_is_none(void **state)
{
	ASSERT_TAKES("regex a\\\\1", "a\\1");
	ASSERT_REFUSES("regex a\\\\1", "aa", "a1");
	ASSERT_TAKES("regex \\.\\*", ".*");
}

static void a_blank_beside_a_bar_is_an_error(void **state)
{
	static const char *const wrong[] = {"enum x |y", "enum x| y", "enum x | y", "enum x|y\t|z"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_no_type(wrong[i], "a blank beside | would belong to the word; "
					 "write enum a|b|c");
	ASSERT_TAKES("enum x y|z", "x y", "z");
}

static void an_expression_that_no_value_can_meet_is_an_error(void **state)
{
	static const char dash[] = "matches only what begins with '-', which is refused unless "
				   "the pattern itself begins with it";

	assert_no_type("regex x{1025}", "matches from 1025 bytes on, and takes 1024");
	ASSERT_TAKES("regex (x{1024})*", "");
	assert_no_type("regex ^-x", dash);
	assert_no_type("regex (-x)", dash);
	assert_no_type("regex \\-.*", dash);
	ASSERT_TAKES("regex -x|-y", "-x", "-y");
	ASSERT_TAKES("regex [-]?x", "x");
}

static void quotes_around_what_follows_a_type_are_no_part_of_it(void **state)
{
	ASSERT_TAKES("enum 'a|b'", "a", "b");
	ASSERT_TAKES("regex \"[a ;]+\"", "a ;");
	ASSERT_TAKES("regex [\"']+", "'\"");
	ASSERT_TAKES("regex '\"x\"'", "\"x\"");
	assert_no_type("regex \"x", "a quote is not closed");
	assert_no_type("regex \"x\"|\"y\"",
		       "its quotes end before it does; put ' around all of it");
}

static void a_folder_has_up_to_4095_bytes(void **state)
{
	static char type[4200] = "path /";

	memset(type + 6, 'x', 4095);
	assert_no_type(type, "the folder's path is longer than 4095 bytes");
	type[6 + 4094] = '\0';
	of_type(type);
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
	char value[1024];

	memset(value, 'a', sizeof(value));
	of_type(type);
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

static void the_parameters_of_a_request_share_what_matching_may_cost(void **state)
{
	static const struct {
		size_t regexes, others;
		uint32_t steps; /* of each */
	} rows[] = {{0, 5, 50000},     {1, 0, 50000},   {20, 1000, 50000}, {21, 0, 47619},
		    {100, 900, 10000}, {1000, 0, 1000}, {1023, 0, 977}};
	static struct parameter parameters[1024];

	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		size_t count = rows[row].regexes + rows[row].others;

		for (size_t i = 0; i < count; i++)
			parameters[i] = (struct parameter){
				.type = i < rows[row].others ? PARAMETER_ENUM : PARAMETER_REGEX};
		parameters_share_steps(parameters, count);
		for (size_t i = 0; i < count; i++)
			assert_int_equal(parameters[i].match_steps, rows[row].steps);
	}
}

/* The same value, as one of 20 and as one of 1000. */
static void a_part_of_the_steps_is_for_shorter_values(void **state)
{
	char value[1024];

	memset(value, 'b', sizeof(value));
	of_type("regex (a|b)*");
	assert_true(takes_bytes(value, sizeof(value)));
	parameter.match_steps = 1000;
	assert_false(takes_bytes(value, sizeof(value)));
	assert_int_equal(errno, ETIME);
	assert_true(takes_bytes(value, 100));
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

	assert_non_null(mkdtemp(strcpy(folder, "/tmp/test_parameter.XXXXXX")));
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
	return 0;
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
	return type_forget(state);
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

static void a_value_has_up_to_4096_bytes_and_one_of_a_regex_1024(void **state)
{
	static char value[4098], type[8192] = "enum ";

	memset(value, 'x', sizeof(value));
	memset(type + 5, 'x', 4096);
	of_type(type);
	assert_true(takes_bytes(value, 4096));
	memset(type + 5, 'x', 4097);
	of_type(type);
	assert_false(takes_bytes(value, 4097));
	of_type("regex x*");
	assert_true(takes_bytes(value, 1024));
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

#define PARAMETER_TEST(name) cmocka_unit_test_teardown(name, type_forget)
#define FOLDER_TEST(name) cmocka_unit_test_setup_teardown(name, folder_open, folder_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PARAMETER_TEST(what_is_no_type_is_an_error),
		PARAMETER_TEST(blanks_may_stand_between_a_type_and_the_rest),
		PARAMETER_TEST(what_is_no_range_is_an_error),
		PARAMETER_TEST(what_is_no_regular_expression_is_an_error_at_its_place),
		PARAMETER_TEST(an_expression_has_up_to_4096_bytes),
		PARAMETER_TEST(a_backslash_before_anything_else_is_none),
		PARAMETER_TEST(a_blank_beside_a_bar_is_an_error),
		PARAMETER_TEST(an_expression_that_no_value_can_meet_is_an_error),
		PARAMETER_TEST(quotes_around_what_follows_a_type_are_no_part_of_it),
		PARAMETER_TEST(a_folder_has_up_to_4095_bytes),
		PARAMETER_TEST(integers_keep_to_their_range),
		PARAMETER_TEST(integers_have_up_to_64_bits),
		PARAMETER_TEST(integers_are_written_in_one_way),
		PARAMETER_TEST(enums_take_one_of_their_words),
		PARAMETER_TEST(a_word_of_an_enum_may_begin_with_a_dash),
		PARAMETER_TEST(a_word_of_an_enum_that_begins_another_is_one_of_its_own),
		PARAMETER_TEST(a_regular_expression_matches_the_whole_value),
		PARAMETER_TEST(no_way_to_write_an_expression_matches_less_than_the_value),
		PARAMETER_TEST(expressions_mean_what_they_do_in_perl),
		PARAMETER_TEST(a_dot_is_any_byte_but_a_newline),
		PARAMETER_TEST(of_alternatives_the_one_that_matches_the_whole_value_counts),
		PARAMETER_TEST(anchors_do_no_harm),
		PARAMETER_TEST(an_empty_value_is_taken_where_it_matches),
		PARAMETER_TEST(a_value_that_looks_like_an_option_is_refused),
		PARAMETER_TEST(an_expression_that_begins_with_a_dash_takes_options),
		PARAMETER_TEST(a_match_that_takes_too_long_is_given_up),
		PARAMETER_TEST(steps_depth_and_memory_are_limited),
		PARAMETER_TEST(a_thousand_hostile_values_take_little_time_and_memory),
		PARAMETER_TEST(a_verb_in_an_expression_may_lower_a_limit),
		PARAMETER_TEST(the_parameters_of_a_request_share_what_matching_may_cost),
		PARAMETER_TEST(a_part_of_the_steps_is_for_shorter_values),
		PARAMETER_TEST(a_match_that_was_given_up_harms_no_other),
		FOLDER_TEST(a_path_is_something_that_is_there),
		FOLDER_TEST(a_path_stays_below_its_folder),
		FOLDER_TEST(a_path_is_not_the_folder_itself),
		FOLDER_TEST(an_absolute_name_of_what_is_below_is_refused_too),
		FOLDER_TEST(a_link_that_leads_out_is_refused),
		FOLDER_TEST(a_path_that_looks_like_an_option_is_refused),
		FOLDER_TEST(a_folder_that_is_not_there_has_nothing_in_it),
		FOLDER_TEST(looking_leaves_no_descriptor_open),
		PARAMETER_TEST(a_nul_is_refused),
		PARAMETER_TEST(a_value_has_up_to_4096_bytes_and_one_of_a_regex_1024),
		PARAMETER_TEST(a_path_has_up_to_4095_bytes),
		PARAMETER_TEST(the_reason_names_argument_value_and_type),
		PARAMETER_TEST(a_long_reason_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
