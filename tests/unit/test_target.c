/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "client/target.h"
#include "said.h"

#define TARGETS_MAX 3

static char home[4096], dir[64];
static struct target targets[TARGETS_MAX];

/*
 *	file other folder/      fifo
 *	link -> file            away -> DIR/folder/new
 *	chain -> link           nowhere -> none
 *	folder/in -> ../file    loop -> loop
 *	folder/same -> new      folder/new
 */
static const char *const files[] = {"file", "other", "folder/new", "x.part"};
static const char *const links[][2] = {
	{"link", "file"},         {"chain", "link"},      {"nowhere", "none"},
	{"folder/in", "../file"}, {"folder/same", "new"}, {"loop", "loop"},
	{"to_folder", "folder"},  {"part", "x.part"},
};

static int directory_open(void **state)
{
	char path[128];

	assert_non_null(getcwd(home, sizeof(home)));
	assert_non_null(mkdtemp(strcpy(dir, "/tmp/test_target.XXXXXX")));
	assert_int_equal(chdir(dir) | mkdir("folder", 0700) | mkfifo("fifo", 0600), 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		close(creat(files[i], 0600));
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		assert_int_equal(symlink(links[i][1], links[i][0]), 0);
	snprintf(path, sizeof(path), "%s/folder/new", dir);
	assert_int_equal(symlink(path, "away"), 0);
	return 0;
}

static int directory_close(void **state)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlink(files[i]);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		unlink(links[i][0]);
	unlink("away");
	unlink("fifo");
	return rmdir("folder") | chdir(home) | rmdir(dir);
}

/* Choose for these names, NULL ends them. Returns what targets_choose() does. */
static int choose(const char *output, const char *const *names, size_t *count)
{
	memset(targets, 0, sizeof(targets));
	for (*count = 0; *count < TARGETS_MAX && names[*count] != NULL; (*count)++)
		targets[*count].name = names[*count];
	return SAYING(targets_choose(targets, *count, output));
}

static void each_name_has_a_path(void **state)
{
	static const struct {
		const char *output, *names[TARGETS_MAX], *paths[TARGETS_MAX];
	} rows[] = {
		{NULL, {"a"}, {"a"}},
		{NULL, {"a/b/c"}, {"c"}},
		{NULL, {"file"}, {"file"}}, /* it may be there */
		{NULL, {"/a"}, {"a"}},
		{NULL, {"-"}, {"-"}}, /* only what a person chose is standard output */
		{NULL, {"..."}, {"..."}},
		{NULL, {"a/..b"}, {"..b"}},
		{"b", {"a"}, {"b"}},
		{"b/c", {"a"}, {"b/c"}},
		{"folder/", {"a/b"}, {"folder/b"}},
		{"to_folder/", {"b"}, {"to_folder/b"}},
		{"none/", {"a"}, {"none/a"}}, /* it is found out later */
		{"/", {"none"}, {"/none"}},
		{"-", {"a"}, {NULL}},
		{"./-", {"a"}, {"./-"}},
		{"-/", {"a"}, {"-/a"}},
		{NULL, {"a", "b/c", "d"}, {"a", "c", "d"}},
		{"folder/", {"a", "b"}, {"folder/a", "folder/b"}},
		{NULL, {"a.part", "b"}, {"a.part", "b"}},
		{NULL, {"a", "apart"}, {"a", "apart"}},
	};
	size_t count;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (choose(rows[i].output, rows[i].names, &count) < 0)
			fail_msg("%s: %s", rows[i].names[0], said);
		assert_string_equal(said, "");
		for (size_t n = 0; n < count; n++) {
			if (rows[i].paths[n] == NULL)
				assert_null(targets[n].path);
			else
				assert_string_equal(targets[n].path, rows[i].paths[n]);
		}
		targets_free(targets, count);
	}
}

static void what_a_link_leads_to_is_replaced(void **state)
{
	static const char *const rows[][3] = {
		{NULL, "link", "file"},          {NULL, "chain", "file"},
		{"folder/", "in", "file"},       {"folder/", "same", "folder/new"},
		{"folder/../link", "a", "file"}, {"to_folder/", "same", "folder/new"},
		{NULL, "away", "folder/new"},
	};
	char expected[128], *path;
	struct stat st;
	size_t count;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const names[TARGETS_MAX] = {rows[i][1]};

		assert_int_equal(choose(rows[i][0], names, &count), 0);
		assert_int_equal(lstat(targets[0].path, &st), 0);
		assert_true(S_ISREG(st.st_mode));
		path = realpath(targets[0].path, NULL);
		snprintf(expected, sizeof(expected), "%s/%s", dir, rows[i][2]);
		assert_string_equal(path, expected);
		free(path);
		targets_free(targets, count);
	}
}

static void what_cannot_be_is_said(void **state)
{
	static const struct {
		const char *output, *names[TARGETS_MAX], *reason;
	} rows[] = {
		{NULL, {""}, "'' names no file: choose one with -o FILE"},
		{NULL, {"a/"}, "'a/' names no file"},
		{NULL, {"."}, "'.' names no file"},
		{NULL, {"a/.."}, "'a/..' names no file"},
		{"", {"a"}, "'' names no file"},
		{"..", {"a"}, "'..' names no file"},
		{"b/.", {"a"}, "'b/.' names no file"},
		{"folder/", {"a/.."}, "'a/..' names no file"},
		{NULL, {"folder"}, "folder is there and no regular file: choose another with -o"},
		{"folder", {"a"}, "folder is there and no regular file"},
		{NULL, {"fifo"}, "fifo is there and no regular file"},
		{NULL, {"to_folder"}, "to_folder is there and no regular file"},
		{"/dev/null", {"a"}, "/dev/null is there and no regular file"},
		{NULL, {"nowhere"}, "nowhere is a link that cannot be followed (No such file"},
		{NULL, {"loop"}, "loop is a link that cannot be followed (Too many levels"},
		{"b",
		 {"a", "c"},
		 "-o b is for one file; for several it names a folder, as in -o b/"},
		{"-",
		 {"a", "c"},
		 "-o - is for one file; for several it names a folder, as in -o "
		 "FOLDER/"},
		{"", {"a", "c"}, "-o  is for one file"},
		{NULL, {"a", "b", "a/."}, "'a/.' names no file"},
		{NULL, {"a", "b", "c/a"}, " would both be saved as a: fetch one of them with -o"},
		{"folder/", {"a", "a"}, "a and a would both be saved as folder/a"},
		{NULL,
		 {"a", "a.part"},
		 "a.part would be saved as a.part, which a needs until it is"},
		{NULL,
		 {"b/a.part.etag", "a"},
		 "b/a.part.etag would be saved as a.part.etag, which"},
		{NULL, {"link", "file"}, " would both be saved as file"},
		{NULL, {"chain", "link"}, " would both be saved as file"},
		{NULL, {"x", "part"}, "part would be saved as x.part, which x needs"},
		{"folder/", {"same", "new"}, " would both be saved as folder/new"},
		{NULL, {"\033[1m/"}, "'\\x1b[1m/' names no file"},
	};
	size_t count;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (choose(rows[i].output, rows[i].names, &count) != -1)
			fail_msg("%s is taken", rows[i].names[0]);
		if (strstr(said, rows[i].reason) == NULL)
			fail_msg("%s: %s", rows[i].names[0], said);
		assert_int_equal(said[strlen(said) - 1], '\n');
		targets_free(targets, count);
	}
}

static void standard_output_is_a_dash_alone(void **state)
{
	assert_true(target_is_standard("-"));
	assert_false(target_is_standard(NULL));
	assert_false(target_is_standard(""));
	assert_false(target_is_standard("--"));
	assert_false(target_is_standard("./-"));
	targets_free(NULL, 0);
}

#define TARGET_TEST(name) cmocka_unit_test_setup_teardown(name, directory_open, directory_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TARGET_TEST(each_name_has_a_path),
		TARGET_TEST(what_a_link_leads_to_is_replaced),
		TARGET_TEST(what_cannot_be_is_said),
		cmocka_unit_test(standard_output_is_a_dash_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
