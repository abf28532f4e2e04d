/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "config/section.h"

struct shop {
	struct section section;
	int places;
	char *title;
	struct option_list goods;
	char *owner;
	struct option_map prices;
	char *extra; /* beside its options */
};

enum { PLACES, TITLE, GOODS, OWNER, PRICES, KEYS };

static const struct option_def options[KEYS] = {
	{"places", &option_int, offsetof(struct shop, places), "7", "1..9", 0, ""},
	{"title", &option_text, offsetof(struct shop, title), "a shop", "", 0, ""},
	{"goods", &option_list, offsetof(struct shop, goods), "tea  salt", "", 0, ""},
	{"owner", &option_text, offsetof(struct shop, owner), NULL, "", 0, ""},
	{"prices", &option_map, offsetof(struct shop, prices), NULL, "", 0, ""},
};

static struct option_list errors;
static int freed;

static struct shop *shop_of(struct section *s)
{
	return (struct shop *)(void *)s;
}

/* What the options hold is still there. */
static void shop_free(struct section *s)
{
	struct shop *shop = shop_of(s);

	assert_string_equal(shop->title, "a shop");
	assert_string_equal(s->name, "corner");
	free(shop->extra);
	freed++;
}

static const struct section_kind shop_kind = {
	.word = "shop",
	.options = options,
	.count = KEYS,
	.size = sizeof(struct shop),
	.free = shop_free,
};

static const struct section_kind plain_kind = {
	.word = "plain",
	.options = options,
	.count = KEYS,
	.size = sizeof(struct shop),
};

static int section_open(void **state)
{
	errors = (struct option_list){0};
	freed = 0;
	return 0;
}

static int section_close(void **state)
{
	option_list_free(&errors);
	return 0;
}

/* A section of which line 3 of a.ini is the title, and line 5 of b.ini gives title. */
static struct section *section_in_files(void)
{
	struct section *s = section_new(&plain_kind, "corner");

	assert_non_null(s);
	s->file = "a.ini";
	s->line = 3;
	s->from[TITLE] = (struct option_source){strdup("given"), "b.ini", 5, false};
	return s;
}

static void assert_only_error(const char *text)
{
	assert_int_equal(errors.count, 1);
	assert_string_equal(errors.items[0], text);
	assert_false(errors.incomplete);
	option_list_free(&errors);
}

/* ---- a section ---- */

static void a_new_section_has_the_defaults_of_its_kind(void **state)
{
	struct section *s = section_new(&plain_kind, "corner");
	const struct shop *shop = shop_of(s);

	assert_int_equal(shop->places, 7);
	assert_string_equal(shop->title, "a shop");
	assert_int_equal(shop->goods.count, 2);
	assert_string_equal(shop->goods.items[1], "salt");
	assert_null(shop->owner);
	assert_int_equal(shop->prices.count, 0);
	assert_null(shop->extra);
	section_free(s);
}

static void a_new_section_comes_from_no_file(void **state)
{
	struct section *s = section_new(&plain_kind, "corner");

	assert_ptr_equal(s->kind, &plain_kind);
	assert_null(s->file);
	assert_int_equal(s->line, 0);
	for (size_t i = 0; i < KEYS; i++)
		assert_null(s->from[i].text);
	section_free(s);
}

static void the_name_is_a_copy(void **state)
{
	char name[] = "corner";
	struct section *s = section_new(&plain_kind, name);

	name[0] = 'x';
	assert_string_equal(s->name, "corner");
	section_free(s);
	s = section_new(&plain_kind, "");
	assert_string_equal(s->name, "");
	section_free(s);
}

static void two_sections_share_nothing(void **state)
{
	struct section *a = section_new(&plain_kind, "a"), *b = section_new(&plain_kind, "b");
	struct reason reason;

	assert_int_equal(option_set(&options[TITLE], a, "changed", &reason), 0);
	assert_int_equal(option_set(&options[PLACES], a, "1", &reason), 0);
	assert_string_equal(shop_of(b)->title, "a shop");
	assert_int_equal(shop_of(b)->places, 7);
	section_free(a);
	assert_string_equal(shop_of(b)->goods.items[0], "tea");
	section_free(b);
}

static void a_default_that_its_type_refuses_makes_no_section(void **state)
{
	static const struct option_def wrong[] = {
		{"title", &option_text, offsetof(struct shop, title), "kept", "", 0, ""},
		{"places", &option_int, offsetof(struct shop, places), "10", "1..9", 0, ""},
	};
	static const struct section_kind kind = {
		.options = wrong, .count = 2, .size = sizeof(struct shop)};

	assert_null(section_new(&kind, "corner"));
}

static void a_kind_without_keys_makes_sections(void **state)
{
	static const struct section_kind kind = {.word = "bare", .size = sizeof(struct section)};
	struct section *s = section_new(&kind, "corner");

	assert_non_null(s);
	assert_string_equal(s->name, "corner");
	section_free(s);
}

static void freeing_frees_what_the_kind_knows_of_and_the_options(void **state)
{
	struct section *s = section_new(&shop_kind, "corner");
	struct reason reason;
	char two[] = "2";
	const struct option_source from = {two, "a.ini", 9, false};

	shop_of(s)->extra = strdup("extra");
	s->from[TITLE].text = strdup("as configured");
	assert_int_equal(option_set(&options[OWNER], s, "somebody", &reason), 0);
	assert_int_equal(option_map_add(&shop_of(s)->prices, "tea", &from, &reason), 0);
	section_free(s);
	assert_int_equal(freed, 1);
}

static void freeing_none_does_nothing(void **state)
{
	section_free(NULL);
}

static void the_text_of_a_key_is_what_was_configured_or_the_default(void **state)
{
	struct section *s = section_in_files();

	assert_string_equal(section_text(s, TITLE), "given");
	assert_string_equal(section_text(s, PLACES), "7");
	assert_null(section_text(s, OWNER));
	s->from[OWNER].text = strdup("");
	assert_string_equal(section_text(s, OWNER), "");
	section_free(s);
}

/* ---- a list of them ---- */

static void sections_of_a_kind_are_found_in_their_order(void **state)
{
	static const struct section_kind *const kinds[] = {&plain_kind, &shop_kind, &shop_kind,
							   &plain_kind, &shop_kind};
	struct section_list list = TAILQ_HEAD_INITIALIZER(list);
	static const struct section_kind unknown;
	struct section *s[5];

	assert_null(section_of(TAILQ_FIRST(&list), &shop_kind));
	for (int i = 0; i < 5; i++) {
		s[i] = section_new(kinds[i], "corner");
		TAILQ_INSERT_TAIL(&list, s[i], entry);
	}
	assert_ptr_equal(section_of(s[0], &shop_kind), s[1]);
	assert_ptr_equal(section_of(s[1], &shop_kind), s[1]);
	assert_ptr_equal(section_of(TAILQ_NEXT(s[1], entry), &shop_kind), s[2]);
	assert_ptr_equal(section_of(TAILQ_NEXT(s[2], entry), &shop_kind), s[4]);
	assert_null(section_of(TAILQ_NEXT(s[4], entry), &shop_kind));
	assert_null(section_of(s[4], &plain_kind));
	assert_null(section_of(s[0], &unknown));
	sections_free(&list);
	assert_int_equal(freed, 3);
	assert_true(TAILQ_EMPTY(&list));
	sections_free(&list);
}

/* ---- errors ---- */

static void an_error_is_told_with_file_and_line(void **state)
{
	error_add(&errors, "a.ini", 12, "%s has %d", "it", 3);
	assert_only_error("a.ini:12: it has 3");
}

static void an_error_without_a_line_is_told_with_the_file(void **state)
{
	error_add(&errors, "a.ini", 0, "cannot be read");
	assert_only_error("a.ini: cannot be read");
}

static void errors_are_kept_in_their_order(void **state)
{
	for (int i = 1; i <= 100; i++)
		error_add(&errors, "a.ini", i, "x");
	assert_int_equal(errors.count, 100);
	assert_string_equal(errors.items[0], "a.ini:1: x");
	assert_string_equal(errors.items[99], "a.ini:100: x");
}

static void an_error_of_a_key_is_at_its_line_in_its_file(void **state)
{
	struct section *s = section_in_files();

	section_error(&errors, s, TITLE, "'%s' is ugly", "given");
	assert_only_error("b.ini:5: title: 'given' is ugly");
	section_free(s);
}

static void an_error_of_a_key_that_is_not_given_is_at_the_title(void **state)
{
	struct section *s = section_in_files();

	section_error(&errors, s, OWNER, "is missing");
	assert_only_error("a.ini:3: owner: is missing");
	section_free(s);
}

static void an_error_in_a_section_that_no_file_has_is_at_no_line(void **state)
{
	struct section *s = section_new(&plain_kind, "");

	s->file = "a.ini";
	section_error(&errors, s, PLACES, "too few");
	assert_only_error("a.ini: places: too few");
	section_free(s);
}

static void a_warning_says_what_it_is(void **state)
{
	struct section *s = section_in_files();

	section_warning(&errors, s, TITLE, "'%s' is ugly", "given");
	assert_only_error("b.ini:5: title: warning: 'given' is ugly");
	section_warning(&errors, s, OWNER, "may be missed");
	assert_only_error("a.ini:3: owner: warning: may be missed");
	section_free(s);
}

static void what_looks_like_a_format_is_only_text(void **state)
{
	struct section *s = section_in_files();

	error_add(&errors, "%s%n", 1, "%s", "%s%n");
	assert_only_error("%s%n:1: %s%n");
	section_error(&errors, s, TITLE, "%s", "%d%n");
	assert_only_error("b.ini:5: title: %d%n");
	section_free(s);
}

static void a_reason_that_is_too_long_is_cut(void **state)
{
	struct section *s = section_in_files();
	char text[2 * REASON_MAX] = "";

	memset(text, 'x', sizeof(text) - 1);
	error_add(&errors, "a.ini", 1, "%s", text);
	section_error(&errors, s, TITLE, "%s", text);
	assert_int_equal(errors.count, 2);
	assert_int_equal(strlen(errors.items[0]), strlen("a.ini:1: ") + REASON_MAX - 1);
	assert_int_equal(strlen(errors.items[1]), strlen("b.ini:5: ") + REASON_MAX - 1);
	assert_memory_equal(errors.items[0], "a.ini:1: xxx", 12);
	assert_memory_equal(errors.items[1], "b.ini:5: title: xxx", 19);
	section_free(s);
}

#define SECTION_TEST(name) cmocka_unit_test_setup_teardown(name, section_open, section_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SECTION_TEST(a_new_section_has_the_defaults_of_its_kind),
		SECTION_TEST(a_new_section_comes_from_no_file),
		SECTION_TEST(the_name_is_a_copy),
		SECTION_TEST(two_sections_share_nothing),
		SECTION_TEST(a_default_that_its_type_refuses_makes_no_section),
		SECTION_TEST(a_kind_without_keys_makes_sections),
		SECTION_TEST(freeing_frees_what_the_kind_knows_of_and_the_options),
		SECTION_TEST(freeing_none_does_nothing),
		SECTION_TEST(the_text_of_a_key_is_what_was_configured_or_the_default),
		SECTION_TEST(sections_of_a_kind_are_found_in_their_order),
		SECTION_TEST(an_error_is_told_with_file_and_line),
		SECTION_TEST(an_error_without_a_line_is_told_with_the_file),
		SECTION_TEST(errors_are_kept_in_their_order),
		SECTION_TEST(an_error_of_a_key_is_at_its_line_in_its_file),
		SECTION_TEST(an_error_of_a_key_that_is_not_given_is_at_the_title),
		SECTION_TEST(an_error_in_a_section_that_no_file_has_is_at_no_line),
		SECTION_TEST(a_warning_says_what_it_is),
		SECTION_TEST(what_looks_like_a_format_is_only_text),
		SECTION_TEST(a_reason_that_is_too_long_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
