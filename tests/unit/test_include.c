/* SPDX-License-Identifier: MIT */
/* Which files are read, in which order, and what is said of those that are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/include.h"
#include "own.h"

struct town {
	struct section section;
	struct option_list more;
};

enum { MORE, KEYS };

static const struct option_def options[KEYS] = {
	{"more", &option_list, offsetof(struct town, more), NULL, "", OPTION_FOLLOWED, ""},
};

static const struct section_kind town_kind = {
	.word = "town",
	.name = "",
	.options = options,
	.count = KEYS,
	.size = sizeof(struct town),
};

static const struct section_kind shop_kind = {.word = "shop", .size = sizeof(struct section)};

static void nothing(struct settings *s)
{
}

static const struct section_kind *const kinds[] = {&town_kind, &shop_kind, NULL};
static const struct settings_schema schema = {kinds, nothing, nothing};

static char home[PATH_MAX], dir[64];
static size_t descriptors_before;
static char big[SETTINGS_BYTES_MAX + 1];

static void file_write(const char *name, const char *text, size_t len)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	fclose(file);
}

/*
 *	b.d/1 b.d/2 b.d/10      each one [shop NAME]
 *	b.d/link -> 2           b.d/loop -> loop
 *	b.d/fifo b.d/sub/       no regular files
 *	d*[x]/a d*[x]/c         a directory with the characters of patterns
 */
static const char *const shops[] = {"b.d/1", "b.d/2", "b.d/10", "d*[x]/c"};
static const char *const others[] = {"a",        "big",     "big2",    "b.d/link", "b.d/loop",
				     "b.d/fifo", "b.d/sub", "d*[x]/a", "b.d",      "d*[x]"};

static int directory_open(void **state)
{
	char text[64];

	assert_non_null(getcwd(home, sizeof(home)));
	assert_non_null(mkdtemp(strcpy(dir, "/tmp/test_include.XXXXXX")));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(mkdir("b.d", 0700) | mkdir("b.d/sub", 0700) | mkdir("d*[x]", 0700), 0);
	assert_int_equal(symlink("2", "b.d/link") | symlink("loop", "b.d/loop"), 0);
	assert_int_equal(mkfifo("b.d/fifo", 0600), 0);
	for (size_t i = 0; i < sizeof(shops) / sizeof(shops[0]); i++) {
		snprintf(text, sizeof(text), "[shop %s]\n", strrchr(shops[i], '/') + 1);
		file_write(shops[i], text, strlen(text));
	}
	descriptors_before = descriptors();
	return 0;
}

static int directory_close(void **state)
{
	assert_int_equal(descriptors(), descriptors_before);
	for (size_t i = 0; i < sizeof(shops) / sizeof(shops[0]); i++)
		unlink(shops[i]);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (unlink(others[i]) < 0)
			rmdir(others[i]);
	return chdir(home) | rmdir(dir);
}

/* The names of the shops, in their order, and the errors, each on a line; DIR stands for where the
 * files are. */
static const char *told(const struct settings *s)
{
	static char text[4096];
	struct section *shop = s->root;
	size_t len = 0;

	text[0] = '\0';
	while ((shop = section_of(shop, &shop_kind)) != NULL) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s ", shop->name);
		shop = TAILQ_NEXT(shop, entry);
	}
	for (uint32_t i = 0; i < s->errors.count; i++) {
		const char *at = s->errors.items[i], *found;

		for (; (found = strstr(at, dir)) != NULL; at = found + strlen(dir))
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%.*sDIR",
						(int)(found - at), at);
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s\n", at);
	}
	return text;
}

static struct settings *reads(const char *path, bool pipes)
{
	struct settings *s =
		pipes ? settings_load(path, &schema) : settings_load_again(path, &schema);

	assert_non_null(s);
	return s;
}

static void assert_includes(const char *path, const char *more, const char *expected)
{
	struct settings *s;
	char text[256];

	snprintf(text, sizeof(text), "[town]\nmore = %s\n", more);
	file_write(path, text, strlen(text));
	s = reads(path, false);
	assert_string_equal(told(s), expected);
	assert_false(s->piped);
	settings_unref(s);
}

static void files_are_read_in_the_order_of_their_patterns_and_names(void **state)
{
	static const char *const rows[][2] = {
		{"b.d/1", "1 "},
		{"b.d/[0-9]*", "1 10 2 "},
		{"b.d/2 b.d/1", "2 1 "},
		{"b.d/?", "1 2 "},
		{"b.d/2 b.d/1*", "2 1 10 "},
		{"./b.d/../b.d/1", "1 "},
		{"none*", ""}, /* a pattern may mean none */
		{"none/*", ""},
		{"a/*", ""},
		{"none*/1 b.d/1", "1 "},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_includes("a", rows[i][0], rows[i][1]);
}

static void the_directory_of_the_file_is_no_pattern(void **state)
{
	char path[128], more[128];

	snprintf(path, sizeof(path), "%s/d*[x]/a", dir);
	assert_includes(path, "c", "c ");
	assert_includes(path, "[c]", "c ");
	assert_includes("d*[x]/a", "../b.d/1 c", "1 c ");
	snprintf(more, sizeof(more), "%s/b.d/1", dir);
	assert_includes(path, more, "1 ");
}

static void what_cannot_be_read_is_an_error(void **state)
{
	static const char *const rows[][2] = {
		{"none", "a:2: more: there is no file ./none\n"},
		{"b.d/1 none b.d/2", "1 2 a:2: more: there is no file ./none\n"},
		{"b.d/1/x", "a:2: more: there is no file ./b.d/1/x\n"},
		{"b.d/sub", "./b.d/sub: is not a regular file\n"},
		{"b.d/fifo", "./b.d/fifo: is not a regular file\n"},
		{"b.d/f*", "./b.d/fifo: is not a regular file\n"},
		{"b.d/loop", "./b.d/loop: cannot be read: Too many levels of symbolic links\n"},
		{"b.d/loop/*", "a:2: more: ./b.d/loop/*: Too many levels of symbolic links\n"},
		{"-", "a:2: more: there is no file ./-\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_includes("a", rows[i][0], rows[i][1]);
}

static void each_is_read_once_by_whatever_name(void **state)
{
	static const char *const rows[][2] = {
		{"a", "a:2: more: ./a is this very file; keep what is included in a folder of its "
		      "own\n"},
		{"b.d/1 b.d/[1]",
		 "1 a:2: more: ./b.d/1 has been read already; a file is included once\n"},
		{"b.d/link b.d/2",
		 "2 a:2: more: ./b.d/2 has been read already; a file is included once\n"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_includes("a", rows[i][0], rows[i][1]);
}

/* What is included includes nothing. */
static void only_the_first_file_includes_others(void **state)
{
	assert_includes("a", "b.d/2", "2 ");
	file_write("b.d/1", "[town]\nmore = 2\n", 16);
	assert_includes("a", "b.d/1", "./b.d/1:1: [town]: again (it began at a:1)\n");
}

/* Without a newline at their end, so that each line is one byte. */
static void all_files_have_so_many_bytes_together(void **state)
{
	static const char too_large[] = "with this the configuration is larger than 4 MiB\n";
	static const char first[] = "[town]\nmore = big2\n";
	char expected[128];
	struct settings *s;

	memset(big, '\n', sizeof(big));
	file_write("big", big, SETTINGS_BYTES_MAX);
	s = reads("big", false);
	assert_string_equal(told(s), "");
	assert_int_equal(s->files.bytes, SETTINGS_BYTES_MAX);
	assert_int_equal(s->files.items[0].len, SETTINGS_BYTES_MAX);
	assert_memory_equal(s->files.items[0].text, big, SETTINGS_BYTES_MAX);
	settings_unref(s);
	file_write("big", big, SETTINGS_BYTES_MAX + 1);
	s = reads("big", false);
	snprintf(expected, sizeof(expected), "big: %s", too_large);
	assert_string_equal(told(s), expected);
	settings_unref(s);
	file_write("big2", big, SETTINGS_BYTES_MAX - strlen(first));
	assert_includes("a", "big2", "");
	file_write("big2", big, SETTINGS_BYTES_MAX - strlen(first) + 1);
	snprintf(expected, sizeof(expected), "./big2: %s", too_large);
	assert_includes("a", "big2", expected);
}

/* Standard input is a pipe with this text. */
static struct settings *reads_from_stdin(const char *path, const char *text, bool pipes)
{
	int fds[2], saved = dup(STDIN_FILENO);
	struct settings *s;

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], text, strlen(text)), strlen(text));
	close(fds[1]);
	dup2(fds[0], STDIN_FILENO);
	close(fds[0]);
	s = reads(path, pipes);
	if (saved >= 0)
		dup2(saved, STDIN_FILENO);
	else
		close(STDIN_FILENO);
	close(saved);
	return s;
}

static void the_first_may_come_through_a_pipe(void **state)
{
	static const char *const paths[] = {"-", "/dev/stdin"};
	struct settings *s;

	for (int i = 0; i < 2; i++) {
		s = reads_from_stdin(paths[i], "[town]\nmore = b.d/1\n[shop a]\n", true);
		assert_string_equal(told(s), "a 1 ");
		assert_true(s->piped);
		assert_null(s->files.items[0].text);
		settings_unref(s);
	}
	s = reads_from_stdin("/dev/stdin", "[shop a]\n", false);
	assert_string_equal(told(s), "/dev/stdin: is not a regular file\n");
	settings_unref(s);
	s = reads_from_stdin("-", "[shop a]\n", false);
	assert_string_equal(told(s), "-: cannot be read: No such file or directory\n");
	settings_unref(s);
	s = reads_from_stdin("a", "", true);
	assert_string_equal(told(s), "a: cannot be read: No such file or directory\n");
	assert_false(s->piped);
	settings_unref(s);
}

#define INCLUDE_TEST(name) cmocka_unit_test_setup_teardown(name, directory_open, directory_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		INCLUDE_TEST(files_are_read_in_the_order_of_their_patterns_and_names),
		INCLUDE_TEST(the_directory_of_the_file_is_no_pattern),
		INCLUDE_TEST(what_cannot_be_read_is_an_error),
		INCLUDE_TEST(each_is_read_once_by_whatever_name),
		INCLUDE_TEST(only_the_first_file_includes_others),
		INCLUDE_TEST(all_files_have_so_many_bytes_together),
		INCLUDE_TEST(the_first_may_come_through_a_pipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
