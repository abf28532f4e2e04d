/* SPDX-License-Identifier: MIT */
/* How a text becomes titles and keys, and what of it is an error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "config/reader.h"

struct town {
	struct section section;
	int people;
	char *note;
};

enum { PEOPLE, NOTE, KEYS };

static const struct option_def options[KEYS] = {
	{"people", &option_int, offsetof(struct town, people), "7", "1..9", 0, ""},
	{"note", &option_text, offsetof(struct town, note), NULL, "", 0, ""},
};

static const struct section_kind kind = {
	.word = "town",
	.name = "",
	.options = options,
	.count = KEYS,
	.size = sizeof(struct town),
};

static void nothing(struct settings *s)
{
}

static const struct section_kind *const kinds[] = {&kind, NULL};
static const struct settings_schema schema = {kinds, nothing, nothing};
static struct settings *settings;
static struct parser parser;
static char long_text[3 * SETTINGS_LINE_MAX];

static struct town *town(void)
{
	return (struct town *)(void *)settings->root;
}

static int begins(void **state)
{
	settings = settings_new(&schema);
	assert_non_null(settings);
	parser_init(&parser, settings);
	assert_int_equal(reader_file(&parser, "f"), 0);
	return 0;
}

static int ends(void **state)
{
	settings_unref(settings);
	return 0;
}

/* In memory of its own, so that who reads beyond it is found. */
static void reads_bytes(const char *text, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);

	assert_non_null(copy);
	memcpy(copy, text, len);
	lines_read(&parser, copy, len);
	free(copy);
}

static void reads(const char *text)
{
	reads_bytes(text, strlen(text));
}

/* The errors so far, each on a line, in their order. */
static const char *errors(void)
{
	static char text[4096];

	text[0] = '\0';
	for (uint32_t i = 0; i < settings->errors.count; i++)
		strcat(strcat(text, settings->errors.items[i]), "\n");
	return text;
}

/* What one text gives: the value of note, or NULL; and its errors. */
static void assert_gives(const char *text, size_t len, const char *note, const char *expected)
{
	begins(NULL);
	reads_bytes(text, len);
	if (strcmp(errors(), expected) != 0)
		fail_msg("'%s': %s", text, errors());
	if (note == NULL)
		assert_null(town()->note);
	else
		assert_string_equal(town()->note, note);
	ends(NULL);
}

static void a_line_is_a_key_with_its_value(void **state)
{
	static const char *const rows[][2] = {
		{"note = a b", "a b"}, /* the last line may lack its newline */
		{"note=a\r\n", "a"},   /* a CR may be before it */
		{" \t note \t = \t a \t\r\n", "a"},
		{"note: a\n", "a"},
		{"note = a = b : c\n", "a = b : c"},
		{"note = a ; b\n", "a"},
		{"note = a;b\n", "a;b"},
		{"note = a # b\n", "a # b"},
		{"note = 'a ; b' ; c\n", "a ; b"},
		{"note = \"a ; b\" ; 'c'\n", "a ; b"},
		{"note = it's ; it's\n", "it's"},
		{"note = /x 'y ; z'\n", "/x 'y ; z'"},
		{"note = a\\\\\n", "a\\\\"},
		{"; note = b \\\n# note = c\n\n \n\t\nnote = a\n; note = d", "a"},
		{"people = 3\nnote = a\n", "a"},
		{"note = \xff\xc3\xa9\tx\n", "\xff\xc3\xa9\tx"},
	};
	char text[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = (size_t)snprintf(text, sizeof(text), "[town]\n%s", rows[i][0]);

		assert_gives(text, len, rows[i][1], "");
	}
}

#define NO_KEY "expected 'key = value'"

static void what_is_no_such_line_is_an_error_at_its_number(void **state)
{
	static const struct {
		const char *text, *errors;
	} rows[] = {
		{"", ""},
		{"\n", ""},
		{"what\n[town]\n", "f:1: " NO_KEY "\n"},
		{"note = a\n", "f:1: note: stands before the first [section]\n"},
		{"[town]\nwhat", "f:2: " NO_KEY "\n"},
		{"[town]\nwhat\nwhat else\n", "f:2: " NO_KEY "\nf:3: " NO_KEY "\n"},
		{"[town]\n= a\n", "f:2: " NO_KEY "\n"},
		{"[town]\nnote = 'a ; b\n", "f:2: note: a quote is not closed\n"},
		{"[town]\n\n;\nnote /x --y=z\n", "f:4: " NO_KEY "\n"}, /* its '=' is a word's */
		{"[town]\npeople = 3\n  four\n",
		 "f:3: " NO_KEY "; there are no continuation lines\n"},
		{"[town]\nnote = a \\\nb = c\n",
		 "f:2: note: there are no continuation lines; write all of it in this one\n"},
		{"[town]\nnote = a \\ \t\n b \\\n  c\npeople = 0\n",
		 "f:2: note: there are no continuation lines; write all of it in this one\n"
		 "f:5: people: 0 is out of range 1..9\n"},
		{"[town]\nnote = a \\\n[what]\n",
		 "f:2: note: there are no continuation lines; write all of it in this one\n"
		 "f:3: [what]: unknown section; there are [town]\n"},
		{"[town]\npeople = 3\1\n", "f:2: the line holds the control character 0x01\n"},
		{"[town]\npeople = 3\r4\n", "f:2: the line holds the control character 0x0d\n"},
		{"[town]\n; \x7f\n", "f:2: the line holds the control character 0x7f\n"},
		{"[town]\n\xEF\xBB\xBF"
		 "people = 3\n",
		 "f:2: \xEF\xBB\xBFpeople: unknown key in [town]\n"},
		{"[town\npeople = 3\n", "f:1: a section's title is one [...] on its line\n"},
		{"[town\1]\npeople = 10\n", "f:1: the line holds the control character 0x01\n"},
		{"\xEF\xBB\xBF[town]\npeople = 10\n", "f:2: people: 10 is out of range 1..9\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_gives(rows[i].text, strlen(rows[i].text), NULL, rows[i].errors);
}

static void a_nul_is_an_error_wherever_it_is(void **state)
{
	static const char *const rows[] = {"[town]\nnote = a0\n", "[town]\nnote = a0b", "[town]\n0",
					   "[town]\n0note = a\n", "[town]\n;0\n"};
	char text[32];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strlen(rows[i]);

		memcpy(text, rows[i], len + 1);
		*strchr(text, '0') = '\0';
		assert_gives(text, len, NULL, "f:2: the line holds a NUL byte\n");
	}
}

/* A line of len bytes, its newline not counted. */
static void assert_long(size_t len, const char *end, bool fits)
{
	static const char begin[] = "[town]\nnote = ";
	size_t at = strlen(begin);

	strcpy(long_text, begin);
	memset(long_text + at, 'x', len - 7);
	strcpy(long_text + at + len - 7, end);
	begins(NULL);
	reads(long_text);
	if (fits) {
		assert_string_equal(errors(), "");
		assert_int_equal(strlen(town()->note), len - 7);
	} else {
		assert_memory_equal(errors(), "f:2: the line is longer than ", 29);
		assert_int_equal(strtoul(errors() + 29, NULL, 10), SETTINGS_LINE_MAX - 4);
		assert_int_equal(settings->errors.count, 1);
		assert_null(town()->note);
	}
	ends(NULL);
}

static void a_line_has_so_many_bytes(void **state)
{
	static const size_t max = SETTINGS_LINE_MAX - 4;

	assert_long(max - 1, "\n", true);
	assert_long(max, "\n", true);
	assert_long(max + 1, "\n", false);
	assert_long(2 * max, "\n", false);
	assert_long(2 * max, "", false);
	assert_long(max, "\npeople = 3\n", true);
}

/* Of a text that comes in pieces, lines are counted on, and what one was to go on with is known. */
static void a_text_may_come_in_pieces(void **state)
{
	reads("[town]\n");
	reads("");
	reads("note = a \\\n");
	reads("still a\nnote = b\n");
	reads("people = 10");
	assert_string_equal(
		errors(),
		"f:2: note: there are no continuation lines; write all of it in this one\n"
		"f:5: people: 10 is out of range 1..9\n");
	assert_string_equal(town()->note, "b");
}

static void each_file_begins_anew(void **state)
{
	reads("[town]\nnote = a \\\n");
	assert_int_equal(reader_file(&parser, "g"), 0);
	reads("\xEF\xBB\xBFnote = b\n[town]\n");
	assert_string_equal(
		errors(),
		"f:2: note: there are no continuation lines; write all of it in this one\n"
		"g:1: note: stands before the first [section]\n"
		"g:2: [town]: again (it began at f:1)\n");
}

#define LINES_TEST(name) cmocka_unit_test_setup_teardown(name, begins, ends)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_a_key_with_its_value),
		cmocka_unit_test(what_is_no_such_line_is_an_error_at_its_number),
		cmocka_unit_test(a_nul_is_an_error_wherever_it_is),
		cmocka_unit_test(a_line_has_so_many_bytes),
		LINES_TEST(a_text_may_come_in_pieces),
		LINES_TEST(each_file_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
