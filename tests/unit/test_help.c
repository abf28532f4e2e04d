/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "config/help.h"

#define SIDE_WORDS(WORD) \
	WORD(0, "left")  \
	WORD(1, "right")

OPTION_WORDS(side, SIDE_WORDS);

/* Of 5 letters and a blank. */
#define WORDS_10 "aaaaa bbbbb ccccc ddddd eeeee fffff ggggg hhhhh iiiii jjjjj "

static const struct option_def options[] = {
	{"count", &option_int, 0, "7", "1..9", 0, "how many"},
	{"size", &option_size, 0, NULL, "1..16M", OPTION_REQUIRED, "how large"},
	{"socket", &option_path, 0, NULL, "107", 0, "where"},
	{"folder", &option_path, 0, "/", "", OPTION_RESTART, "where else"},
	{"price", &option_map, 0, NULL, "", 0, "of each"},
	{"side", &option_side, 0, "left", "", 0, "which, left | right"},
};

static const struct option_def wide[] = {
	{"exact", &option_bool, 0, "no", "", 0, WORDS_10 "kkkkk lllll 34 next"},
	{"over", &option_bool, 0, "no", "", 0, WORDS_10 "kkkkk lllll 345 next"},
};

static const struct section_kind root = {
	.word = "root", .name = "", .options = options, .count = 6};
static const struct section_kind any = {.word = "any", .options = wide, .count = 1};
static const struct section_kind one = {
	.word = "service", .name = "one", .options = &wide[1], .count = 1};

static void assert_help(const struct section_kind *const *kinds, const char *expected)
{
	const struct settings_schema schema = {.kinds = kinds};
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	assert_non_null(to);
	help_keys(&schema, to);
	assert_int_equal(fclose(to), 0);
	assert_string_equal(text, expected);
	free(text);
}

static void a_key_has_its_type_range_default_and_help(void **state)
{
	static const struct section_kind *const kinds[] = {&root, NULL};

	assert_help(kinds, "[root]\n"
			   "  count (int, default 7, 1 to 9)\n"
			   "      how many\n"
			   "  size (size, required, 1 to 16M)\n"
			   "      how large\n"
			   "  socket (path, not given by default, at most 107 bytes)\n"
			   "      where\n"
			   "  folder (path, default /, needs a restart)\n"
			   "      where else\n"
			   "  price.NAME (map, not given by default)\n"
			   "      of each\n"
			   "  side (word left|right, default left)\n"
			   "      which, left | right\n");
}

static void lines_have_up_to_80_columns(void **state)
{
	static const struct section_kind *const kinds[] = {&any, &one, NULL};

	assert_help(kinds, "[any NAME]\n"
			   "  exact (bool, default no)\n"
			   "      " WORDS_10 "kkkkk lllll 34\n"
			   "      next\n"
			   "\n"
			   "[service one]\n"
			   "  over (bool, default no)\n"
			   "      " WORDS_10 "kkkkk lllll\n"
			   "      345 next\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_has_its_type_range_default_and_help),
		cmocka_unit_test(lines_have_up_to_80_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
