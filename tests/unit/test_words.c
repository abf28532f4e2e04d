/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "client/words.h"

#define assert_words(line, ...) \
	assert_split(line, (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void assert_split(const char *line, const char *const *expected)
{
	size_t len = strlen(line), i = 0;
	char *exact = memcpy(malloc(len > 0 ? len : 1), line, len);
	struct words w;

	assert_int_equal(words_split(&w, exact, len), 0);
	for (; expected[i] != NULL; i++) {
		assert_true(i < w.argc);
		assert_string_equal(w.argv[i], expected[i]);
	}
	assert_int_equal(w.argc, i);
	assert_null(w.argv[i]);
	assert_int_equal(w.unfinished, 0);
	words_free(&w);
	free(exact);
}

static void assert_unfinished(const char *line, char unfinished)
{
	struct words w;

	assert_int_equal(words_split(&w, line, strlen(line)), 0);
	assert_int_equal(w.unfinished, unfinished);
	words_free(&w);
}

static void spaces_part_words(void **state)
{
	assert_words("");
	assert_words(" \t ");
	assert_words("a", "a");
	assert_words("a b c", "a", "b", "c");
	assert_words(" get \t  name ", "get", "name");
}

static void quotes_keep_words_together(void **state)
{
	assert_words("a 'b c' \"d e\"", "a", "b c", "d e");
	assert_words("a'b'\"c\"d", "abcd");
	assert_words("'' \"\"", "", "");
	assert_words("'\"' \"'\"", "\"", "'");
}

static void a_backslash_takes_the_next_as_it_is(void **state)
{
	assert_words("a\\ b \\\\ \\' \\n", "a b", "\\", "'", "n");
	assert_words("'a\\' b", "a\\", "b");
	assert_words("\"\\\" \\\\ \\$ \\` \\n\"", "\" \\ $ ` \\n");
}

static void what_lacks_its_end_is_told(void **state)
{
	assert_unfinished("a 'b", '\'');
	assert_unfinished("a \"b\\\"", '"');
	assert_unfinished("a\\", '\\');
	assert_unfinished("\"a\\", '\\');
	assert_unfinished("'a\\", '\'');
}

static void the_last_word_is_where_it_begins(void **state)
{
	struct words w;

	assert_int_equal(words_split(&w, "get a\\ b", 8), 0);
	assert_true(w.in_word);
	assert_int_equal(w.last_start, 4);
	words_free(&w);
	assert_int_equal(words_split(&w, "get ", 4), 0);
	assert_false(w.in_word);
	assert_int_equal(w.argc, 1);
	words_free(&w);
}

static void a_quoted_word_comes_back(void **state)
{
	static const char *const words[] = {"", "a", "a b", "it's", "\"\\\"", "\t\n", "ü $x"};

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		char *quoted = words_quote(words[i]);

		assert_words(quoted, words[i]);
		free(quoted);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spaces_part_words),
		cmocka_unit_test(quotes_keep_words_together),
		cmocka_unit_test(a_backslash_takes_the_next_as_it_is),
		cmocka_unit_test(what_lacks_its_end_is_told),
		cmocka_unit_test(the_last_word_is_where_it_begins),
		cmocka_unit_test(a_quoted_word_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
