/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "config/near.h"

static void a_third_of_its_letters_may_differ(void **state)
{
	static const struct {
		const char *word, *candidate;
		bool near;
	} rows[] = {
		{"backlog", "backlog", true},  /* nothing differs */
		{"baclog", "backlog", true},   /* one is missing */
		{"backklog", "backlog", true}, /* one too many */
		{"bacxlog", "backlog", true},  /* another one */
		{"bakclog", "backlog", true},  /* two have changed places */
		{"abckolg", "backlog", true},  /* twice: 2 of 7 */
		{"bbcklxx", "backlog", false}, /* 3 of 7 */
		{"cab", "abc", false},         /* not side by side: 2 of 3 */
		{"bca", "abc", false},
		{"acb", "abc", true}, /* 1 of 3 */
		{"ab", "abc", true},
		{"xbc", "abc", true},
		{"a", "abc", false},
		{"abcd", "ab", false}, /* the letters of the candidate count */
		{"abc", "abcd", true},
		{"ba", "ab", false},
		{"abcdxxx", "abcdef", false},
		{"abcdxx", "abcdef", true},
		{"", "", true},
		{"", "abc", false},
		{"a", "", false},
		{"BACKLOG", "backlog", false},
		{"\xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa8", true}, /* bytes */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (word_is_near(rows[i].word, rows[i].candidate) != rows[i].near)
			fail_msg("'%s', '%s'", rows[i].word, rows[i].candidate);
}

static void no_long_word_is_near_any(void **state)
{
	char word[256], candidate[256];

	memset(word, 'x', sizeof(word));
	memset(candidate, 'x', sizeof(candidate));
	word[63] = candidate[63] = '\0';
	assert_true(word_is_near(word, candidate));
	word[63] = 'x';
	word[64] = '\0';
	assert_false(word_is_near(word, candidate));
	assert_false(word_is_near(candidate, word));
	word[64] = 'x';
	for (size_t len = 64; len < 256; len++) {
		memset(candidate, 'y', len);
		candidate[len] = '\0';
		assert_false(word_is_near("x", candidate));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_third_of_its_letters_may_differ),
		cmocka_unit_test(no_long_word_is_near_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
