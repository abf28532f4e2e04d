/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "client/keys.h"

static struct keys keys;
static int typing;

/* What was typed, and nothing more will be. */
static void type_all(const char *bytes, size_t len)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	keys = (struct keys){.fd = fds[0]};
	typing = fds[1];
	assert_int_equal(write(typing, bytes, len), len);
	close(typing);
}

static void assert_characters(const char *typed, size_t len, const wchar_t *expected)
{
	type_all(typed, len);
	for (; *expected != L'\0'; expected++)
		assert_int_equal(keys_next(&keys), *expected);
	assert_int_equal(keys_next(&keys), -1);
	close(keys.fd);
}

#define assert_keys(typed, expected) assert_characters(typed, sizeof(typed) - 1, expected)

/* As the editor has it: characters of the locale, one line. Returns its bytes again. */
static size_t through(char *typed, size_t len, char *text, size_t size)
{
	size_t used, at = 0;
	int wide;

	type_all(typed, len);
	while ((wide = keys_next(&keys)) != -1) {
		mbstate_t state = {0};

		assert_true(at + MB_LEN_MAX < size);
		used = wcrtomb(text + at, (wchar_t)wide, &state);
		assert_true(used != (size_t)-1);
		at += used;
	}
	close(keys.fd);
	text[at] = '\0';
	return keys_bytes(text);
}

static void characters_are_themselves(void **state)
{
	assert_keys("a\t\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\n", L"a\t\u00e4\u20ac\U0001f600\n");
}

static void other_bytes_are_carried(void **state)
{
	assert_keys("\xe9", L"\U000e00e9");
	assert_keys("\xe9\n", L"\U000e00e9\n");
	assert_keys("\xe2\x82x", L"\U000e00e2\U000e0082x");
	assert_keys("\xe2\xc3\xa4", L"\U000e00e2\u00e4");
	assert_keys("\xed\xa0\x80", L"\U000e00ed\U000e00a0\U000e0080"); /* a surrogate */
	assert_keys("\xc2\x9b", L"\U000e00c2\U000e009b");               /* not printable */
}

static void what_looks_carried_is_carried(void **state)
{
	assert_keys("\xf3\xa0\x83\xa9", L"\U000e00f3\U000e00a0\U000e0083\U000e00a9");
}

static void a_quoted_end_is_carried(void **state)
{
	assert_keys("\x16\n\n", L"\x16\U000e000a\n");
	assert_keys("\x16\x04\x04", L"\x16\U000e0004\x04");
	assert_keys("\x16\r\x16\x16\r", L"\x16\U000e000d\x16\x16\r");
	type_all("\x16\0\0", 3);
	assert_int_equal(keys_next(&keys), 0x16);
	assert_int_equal(keys_next(&keys), 0xe0000);
	assert_int_equal(keys_next(&keys), 0);
	close(keys.fd);
}

static void what_is_pasted_is_quoted(void **state)
{
	assert_keys("\t\033[200~\t\033[a\x04\r\033[201~\t",
		    L"\t\x16\t\x16\033[a\x16\U000e0004\r\t");
	assert_keys("\033[200~\x16\x7f\xe9\033[201~", L"\x16\x16\x16\x7f\U000e00e9");
}

static void a_mark_is_no_character(void **state)
{
	type_all("\033[200~", 6);
	assert_false(keys_ready(&keys));
	assert_false(keys.ended);
	assert_false(keys_ready(&keys));
	assert_true(keys.ended);
	close(keys.fd);
	type_all("\033[200x", 6);
	assert_true(keys_ready(&keys));
	close(keys.fd);
}

static void all_bytes_pass_through(void **state)
{
	char typed[3000], text[sizeof(typed) * MB_LEN_MAX];
	size_t len;

	srandom(1);
	for (int round = 0; round < 200; round++) {
		len = (size_t)random() % sizeof(typed);
		for (size_t i = 0; i < len; i++) {
			typed[i] = (char)(random() % 8 == 0 ? 0x80 | random() : random() % 256);
			if ((unsigned char)typed[i] < ' ')
				typed[i] = ' ';
		}
		assert_int_equal(through(typed, len, text, sizeof(text)), len);
		assert_memory_equal(text, typed, len);
	}
}

static void lengths_are_of_characters(void **state)
{
	assert_int_equal(keys_len("a\xc3\xa4\xe2\x82\xac", 0), 0);
	assert_int_equal(keys_len("a\xc3\xa4\xe2\x82\xac", 2), 3);
	assert_int_equal(keys_len("a\xc3\xa4\xe2\x82\xac", 3), 6);
	assert_int_equal(keys_len("a\xc3\xa4\xe2\x82\xac", 9), 6);
}

static void there_is_a_locale_for_every_byte(void **state)
{
	locale_t locale;

	assert_ptr_equal(keys_locale(), LC_GLOBAL_LOCALE);
	assert_non_null(setlocale(LC_CTYPE, "C"));
	locale = keys_locale();
	assert_ptr_not_equal(locale, LC_GLOBAL_LOCALE);
	freelocale(locale);
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters_are_themselves),
		cmocka_unit_test(other_bytes_are_carried),
		cmocka_unit_test(what_looks_carried_is_carried),
		cmocka_unit_test(a_quoted_end_is_carried),
		cmocka_unit_test(what_is_pasted_is_quoted),
		cmocka_unit_test(a_mark_is_no_character),
		cmocka_unit_test(all_bytes_pass_through),
		cmocka_unit_test(lengths_are_of_characters),
		cmocka_unit_test(there_is_a_locale_for_every_byte),
	};

	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
