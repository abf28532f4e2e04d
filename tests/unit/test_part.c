/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "client/part.h"
#include "own.h"
#include "said.h"

static char home[4096], dir[64];
static struct part part;
static size_t descriptors_before;

static int directory_open(void **state)
{
	assert_non_null(getcwd(home, sizeof(home)));
	assert_non_null(mkdtemp(strcpy(dir, "/tmp/test_part.XXXXXX")));
	assert_int_equal(chdir(dir), 0);
	umask(022);
	descriptors_before = descriptors();
	return 0;
}

static int directory_close(void **state)
{
	static const char *const names[] = {"f", "f.part", "f.part.etag", "other"};

	part_close(&part);
	assert_int_equal(descriptors(), descriptors_before);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (unlink(names[i]) < 0)
			rmdir(names[i]);
	return chdir(home) | rmdir(dir);
}

static void file_write(const char *name, const char *text)
{
	FILE *file = fopen(name, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* text: NULL where there is no such file. */
static void assert_file(const char *name, const char *text)
{
	char got[128];
	FILE *file = fopen(name, "re");

	if (text == NULL) {
		assert_null(file);
		return;
	}
	assert_non_null(file);
	got[fread(got, 1, sizeof(got) - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(got, text);
}

static void assert_files(const char *whole, const char *begun, const char *etag)
{
	assert_file("f", whole);
	assert_file("f.part", begun);
	assert_file("f.part.etag", etag);
}

/* Returns what part_open() does, and what it has said is in said. */
static int opens(void)
{
	return SAYING(part_open(&part, "f"));
}

static void a_file_has_its_name_only_when_it_is_whole(void **state)
{
	struct stat st;

	file_write("f", "old");
	assert_int_equal(opens(), 0);
	assert_string_equal(said, "");
	assert_true(fcntl(part.fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(part.size, 0);
	assert_int_equal(part_restart(&part, "e1"), 0);
	assert_files("old", "", "e1");
	assert_int_equal(part_add(&part, "ab", 2), 0);
	assert_int_equal(part_add(&part, "", 0), 0);
	assert_int_equal(part_add(&part, "c", 1), 0);
	assert_int_equal(part.size, 3);
	assert_files("old", "abc", "e1");
	assert_int_equal(part_finish(&part), 0);
	assert_files("abc", NULL, NULL);
	assert_int_equal(stat("f", &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
}

static void what_is_there_is_gone_on_with(void **state)
{
	file_write("f.part", "abc");
	file_write("f.part.etag", "e1");
	assert_int_equal(opens(), 0);
	assert_int_equal(part.size, 3);
	assert_true(part_is_of(&part, "e1"));
	assert_int_equal(part_add(&part, "def", 3), 0);
	part_close(&part);
	assert_files(NULL, "abcdef", "e1"); /* for the next time */
	assert_int_equal(opens(), 0);
	assert_int_equal(part_restart(&part, "e22"), 0);
	assert_int_equal(part.size, 0);
	assert_files(NULL, "", "e22");
	part_remove(&part);
	assert_files(NULL, NULL, NULL);
}

static void it_is_of_the_etag_that_is_written_there_whole(void **state)
{
	static const struct {
		const char *there, *etag; /* there: NULL for none */
		bool is_of;
	} rows[] = {
		{"e1", "e1", true}, {"e1", "e2", false},   {"e1", "e", false},
		{"e", "e1", false}, {"e1\n", "e1", false}, {"", "e1", false},
		{"", "", false},    {NULL, "e1", false},   {NULL, "", false},
	};
	char longest[1026];

	assert_int_equal(opens(), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unlink("f.part.etag");
		if (rows[i].there != NULL)
			file_write("f.part.etag", rows[i].there);
		assert_int_equal(part_is_of(&part, rows[i].etag), rows[i].is_of);
	}
	memset(longest, 'e', sizeof(longest));
	longest[1025] = '\0';
	file_write("f.part.etag", longest);
	longest[1024] = '\0';
	assert_false(part_is_of(&part, longest + 1));
	longest[200] = '\0';
	file_write("f.part.etag", longest);
	assert_true(part_is_of(&part, longest));
}

/* Of a file with another's name nothing is written or taken. */
static void what_is_no_file_of_its_own_is_refused(void **state)
{
	file_write("other", "other");
	assert_int_equal(symlink("other", "f.part"), 0);
	assert_int_equal(opens(), -1);
	assert_non_null(strstr(said, "f.part: Too many levels of symbolic links\n"));
	part_close(&part);
	unlink("f.part");
	assert_int_equal(mkfifo("f.part", 0600), 0);
	assert_int_equal(opens(), -1);
	assert_non_null(strstr(said, "f.part: not a regular file\n"));
	assert_int_equal(part.fd, -1);
	part_close(&part);
	unlink("f.part");
	assert_int_equal(mkdir("f.part", 0700), 0);
	assert_int_equal(opens(), -1);
	assert_non_null(strstr(said, "f.part: Is a directory\n"));
	part_close(&part);
	rmdir("f.part");
	assert_int_equal(symlink("other", "f.part.etag"), 0);
	assert_int_equal(opens(), 0);
	assert_false(part_is_of(&part, "other"));
	assert_int_equal(SAYING(part_restart(&part, "e1")), -1);
	assert_non_null(strstr(said, "f.part.etag: Too many levels of symbolic links\n"));
	assert_file("other", "other");
}

static void it_is_of_one_process_at_a_time(void **state)
{
	struct part second;

	assert_int_equal(opens(), 0);
	assert_int_equal(SAYING(part_open(&second, "f")), -1);
	assert_non_null(strstr(said, "f.part: another download is at work on it\n"));
	part_close(&second);
	part_close(&part);
	assert_int_equal(opens(), 0);
}

/* The new etag is never beside the old bytes. */
static void an_etag_that_cannot_be_written_leaves_no_bytes_behind(void **state)
{
	file_write("f.part", "abc");
	assert_int_equal(opens(), 0);
	assert_int_equal(mkdir("f.part.etag", 0700), 0);
	assert_int_equal(SAYING(part_restart(&part, "e1")), -1);
	assert_non_null(strstr(said, "f.part.etag: Is a directory\n"));
	assert_file("f.part", "");
	assert_int_equal(part.size, 0);
	assert_false(part_is_of(&part, "e1"));
	rmdir("f.part.etag");
}

static void what_cannot_be_written_is_said(void **state)
{
	struct rlimit before, limit = {5, RLIM_INFINITY};
	int result;

	assert_int_equal(opens(), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit.rlim_max = before.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	result = part_add(&part, "abc", 3);
	result = result == 0 ? SAYING(part_add(&part, "def", 3)) : 1;
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(result, -1);
	assert_non_null(strstr(said, "f.part: File too large\n"));
	assert_int_equal(part.size, 5); /* as many as there are */
	assert_file("f.part", "abcde");
}

static void a_name_that_is_taken_by_a_folder_leaves_the_part(void **state)
{
	assert_int_equal(opens(), 0);
	assert_int_equal(part_restart(&part, "e1"), 0);
	assert_int_equal(mkdir("f", 0700), 0);
	assert_int_equal(SAYING(part_finish(&part)), -1);
	assert_non_null(strstr(said, "f: Is a directory\n"));
	assert_file("f.part", "");
	assert_file("f.part.etag", "e1");
}

static void where_there_is_no_folder_there_is_no_part(void **state)
{
	assert_int_equal(SAYING(part_open(&part, "none/f")), -1);
	assert_non_null(strstr(said, "none/f.part: No such file or directory\n"));
}

#define PART_TEST(name) cmocka_unit_test_setup_teardown(name, directory_open, directory_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PART_TEST(a_file_has_its_name_only_when_it_is_whole),
		PART_TEST(what_is_there_is_gone_on_with),
		PART_TEST(it_is_of_the_etag_that_is_written_there_whole),
		PART_TEST(what_is_no_file_of_its_own_is_refused),
		PART_TEST(it_is_of_one_process_at_a_time),
		PART_TEST(an_etag_that_cannot_be_written_leaves_no_bytes_behind),
		PART_TEST(what_cannot_be_written_is_said),
		PART_TEST(a_name_that_is_taken_by_a_folder_leaves_the_part),
		PART_TEST(where_there_is_no_folder_there_is_no_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
