/* SPDX-License-Identifier: MIT */
/* Files are read by the kinds of sections that the reader is handed, whatever they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/include.h"

struct town {
	struct section section;
	int people;
	struct option_list streets, more; /* more: files */
};

struct shop {
	struct section section;
	char *title;
	struct option_map prices;
};

enum { PEOPLE, STREETS, MORE, TOWN_KEYS };
enum { TITLE, PRICES, SHOP_KEYS };

static const struct option_def town_options[TOWN_KEYS] = {
	{"people", &option_int, offsetof(struct town, people), "7", "1..9", 0, ""},
	{"streets", &option_list, offsetof(struct town, streets), NULL, "", 0, ""},
	{"more", &option_list, offsetof(struct town, more), NULL, "", OPTION_FOLLOWED, ""},
};

static const struct option_def shop_options[SHOP_KEYS] = {
	{"title", &option_text, offsetof(struct shop, title), NULL, "", OPTION_REQUIRED, ""},
	{"price", &option_map, offsetof(struct shop, prices), NULL, "", 0, ""},
};

static int freed;

static void shop_free(struct section *s)
{
	freed++;
}

static void shop_warn(struct section *s, struct option_list *warnings)
{
	section_warning(warnings, s, TITLE, "of the kind");
}

static const struct section_kind town_kind = {
	.word = "town",
	.name = "",
	.options = town_options,
	.count = TOWN_KEYS,
	.size = sizeof(struct town),
};

static const struct section_kind village_kind = {
	.word = "town",
	.name = "",
	.options = town_options,
	.count = MORE,
	.size = sizeof(struct town),
};

static const struct section_kind shop_kind = {
	.word = "shop",
	.options = shop_options,
	.count = SHOP_KEYS,
	.size = sizeof(struct shop),
	.warn = shop_warn,
	.free = shop_free,
};

static void all_check(struct settings *s)
{
	assert_int_equal(s->warnings.count, 0);
	if (section_of(TAILQ_FIRST(&s->sections), &shop_kind) == NULL)
		error_add(&s->errors, "all", 0, "there is no shop");
}

static void all_warn(struct settings *s)
{
	error_add(&s->warnings, "all", 0, "of the schema");
}

static const struct section_kind *const kinds[] = {&town_kind, &shop_kind, NULL};
static const struct section_kind *const few[] = {&village_kind, NULL};
static const struct settings_schema schema = {kinds, all_check, all_warn};
static const struct settings_schema without_files = {few, all_check, all_warn};

static char dir[32], path[64], other[64];

static int directory_open(void **state)
{
	freed = 0;
	assert_non_null(mkdtemp(strcpy(dir, "/tmp/parser.XXXXXX")));
	snprintf(path, sizeof(path), "%s/a.ini", dir);
	snprintf(other, sizeof(other), "%s/b.ini", dir);
	return 0;
}

static int directory_close(void **state)
{
	unlink(path);
	unlink(other);
	return rmdir(dir);
}

static void file_write(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static struct settings *load(const char *text)
{
	struct settings *s;

	file_write(path, text);
	s = settings_load(path, &schema);
	assert_non_null(s);
	return s;
}

static void assert_error(const char *text, const char *error)
{
	struct settings *s = load(text);

	assert_true(s->errors.count > 0);
	assert_string_equal(s->errors.items[0] + strlen(path), error);
	settings_unref(s);
}

/* ---- the kinds ---- */

static void a_section_is_of_a_kind_that_was_handed_in(void **state)
{
	struct settings *s = load("[town]\npeople = 3\n[shop a]\ntitle = A\nprice.tea = 5\n"
				  "[shop b]\ntitle = B\n");
	struct section *section = TAILQ_FIRST(&s->sections);
	const struct shop *shop;

	assert_int_equal(s->errors.count, 0);
	assert_ptr_equal(section, s->root);
	assert_int_equal(((struct town *)(void *)section)->people, 3);
	section = section_of(section, &shop_kind);
	shop = (struct shop *)(void *)section;
	assert_string_equal(section->name, "a");
	assert_string_equal(shop->title, "A");
	assert_string_equal(option_map_find(&shop->prices, "tea")->value, "5");
	section = section_of(TAILQ_NEXT(section, entry), &shop_kind);
	assert_string_equal(section->name, "b");
	assert_null(TAILQ_NEXT(section, entry));
	settings_unref(s);
}

static void there_are_no_other_kinds(void **state)
{
	assert_error("[listener a]\n",
		     ":1: [listener a]: unknown section; there are [town], [shop NAME]");
	assert_error("[daemon]\n", ":1: [daemon]: unknown section; there are [town], [shop NAME]");
	assert_error("[shp a]\n", ":1: [shp a]: unknown section; did you mean [shop NAME]?");
	assert_error("[town]\ntitle = x\n",
		     ":2: title: unknown key in [town]; it is one of [shop NAME]");
}

static void the_root_is_there_whether_a_file_has_it_or_not(void **state)
{
	struct settings *s = load("[shop a]\ntitle = A\n");

	assert_int_equal(s->errors.count, 0);
	assert_ptr_equal(s->root->kind, &town_kind);
	assert_int_equal(((struct town *)(void *)s->root)->people, 7);
	assert_string_equal(s->root->file, path);
	assert_int_equal(s->root->line, 0);
	settings_unref(s);
}

static void what_goes_together_is_judged_when_all_is_read(void **state)
{
	struct settings *s = load("[shop a]\ntitle = A\n");

	assert_int_equal(s->warnings.count, 2);
	assert_string_equal(s->warnings.items[0] + strlen(path), ":2: title: warning: of the kind");
	assert_string_equal(s->warnings.items[1], "all: of the schema");
	settings_unref(s);
	s = load("[town]\n");
	assert_int_equal(s->errors.count, 1);
	assert_string_equal(s->errors.items[0], "all: there is no shop");
	assert_int_equal(s->warnings.count, 1);
	settings_unref(s);
}

static void further_files_are_those_of_the_key_that_names_files(void **state)
{
	struct settings *s;
	char error[128];

	file_write(other, "[shop b]\ntitle = B\n");
	s = load("[town]\nstreets = none\nmore = *.none b.ini\n");
	assert_int_equal(s->errors.count, 0);
	assert_int_equal(s->files.count, 2);
	assert_string_equal(s->files.items[1].path, other);
	assert_string_equal(section_of(s->root, &shop_kind)->file, other);
	settings_unref(s);
	snprintf(error, sizeof(error), ":2: more: there is no file %s/none", dir);
	assert_error("[town]\nmore = none\n", error);
}

static void a_root_without_such_a_key_has_one_file(void **state)
{
	struct settings *s;

	file_write(path, "[town]\npeople = 2\nstreets = none\n");
	s = settings_load(path, &without_files);
	assert_int_equal(s->files.count, 1);
	assert_int_equal(((struct town *)(void *)s->root)->people, 2);
	settings_unref(s);
}

/* ---- generations ---- */

static void the_last_reference_frees_the_sections(void **state)
{
	struct settings *s = load("[shop a]\ntitle = A\n[shop b]\ntitle = B\n");
	struct section *section = section_of(s->root, &shop_kind);

	assert_ptr_equal(section->settings, s);
	assert_ptr_equal(s->root->settings, s);
	assert_ptr_equal(settings_ref(section->settings), s);
	settings_unref(s);
	assert_int_equal(freed, 0);
	assert_string_equal(section->file, path);
	settings_unref(section->settings);
	assert_int_equal(freed, 2);
	settings_unref(NULL);
}

static void one_generation_is_in_force(void **state)
{
	struct settings *first = load("[shop a]\ntitle = A\n");
	struct settings *second = load("[shop b]\ntitle = B\n");

	assert_null(settings_in_force());
	settings_put_in_force(first);
	assert_ptr_equal(settings_in_force(), first);
	settings_ref(first); /* of somebody who stays */
	settings_put_in_force(second);
	assert_ptr_equal(settings_in_force(), second);
	assert_int_equal(freed, 0);
	settings_unref(first);
	assert_int_equal(freed, 1);
	settings_put_in_force(NULL);
	assert_null(settings_in_force());
	assert_int_equal(freed, 2);
}

static void texts_are_kept_only_for_who_says_them_again(void **state)
{
	static const char text[] = "[shop a]\ntitle = A\n";
	struct settings *s = load(text);

	assert_null(s->files.items[0].text);
	settings_unref(s);
	s = settings_load_again(path, &schema);
	assert_int_equal(s->files.items[0].len, strlen(text));
	assert_memory_equal(s->files.items[0].text, text, strlen(text));
	settings_unref(s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, directory_open, directory_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_section_is_of_a_kind_that_was_handed_in),
		TEST(there_are_no_other_kinds),
		TEST(the_root_is_there_whether_a_file_has_it_or_not),
		TEST(what_goes_together_is_judged_when_all_is_read),
		TEST(further_files_are_those_of_the_key_that_names_files),
		TEST(a_root_without_such_a_key_has_one_file),
		TEST(the_last_reference_frees_the_sections),
		TEST(one_generation_is_in_force),
		TEST(texts_are_kept_only_for_who_says_them_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
