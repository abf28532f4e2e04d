/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/digest.h"
#include "own.h"

#define OF_NOTHING "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" /* FIPS 180-2 */

static char hex[DIGEST_LEN + 1];

/* Returns 0 with the digest of the file of that path in hex; or -1. */
static int digest_of(const char *path)
{
	struct digest d;

	memset(hex, 'x', sizeof(hex));
	if (digest_start(&d, path) < 0)
		return -1;
	assert_true(fcntl(d.fd, F_GETFD) & FD_CLOEXEC);
	return digest_finish(&d, hex);
}

/* What is of the process, whatever a digest comes to. */
static void assert_nothing_left(size_t descriptors_before)
{
	assert_int_equal(descriptors(), descriptors_before);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void so_many_hexadecimal_digits_are_one(void **state)
{
	static const struct {
		size_t len, at; /* of another character */
		char other;
		bool is_one;
	} rows[] = {
		{64, 0, 'a', true},   {64, 63, 'f', true},   {64, 5, 'A', true},
		{64, 5, 'F', true},   {64, 5, '0', true},    {64, 5, '9', true},
		{64, 5, 'g', false},  {64, 5, 'G', false},   {64, 63, ' ', false},
		{64, 0, '-', false},  {63, 0, 'a', false},   {65, 0, 'a', false},
		{65, 64, 'g', false}, {64, 32, '\0', false},
	};
	char text[80];

	assert_false(digest_is_one(""));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(text, '7', sizeof(text));
		text[rows[i].len] = '\0';
		text[rows[i].at] = rows[i].other;
		assert_int_equal(digest_is_one(text), rows[i].is_one);
	}
}

static void a_file_has_the_digest_of_its_bytes(void **state)
{
	static const char *const rows[][2] = {{"", OF_NOTHING}, {"abc", OF_ABC}};
	size_t before = descriptors();
	char path[32];

	for (int i = 0; i < 2; i++) {
		int fd = memfd_create("file", MFD_CLOEXEC);
		ssize_t len = (ssize_t)strlen(rows[i][0]);

		assert_int_equal(write(fd, rows[i][0], (size_t)len), len);
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), fd);
		assert_int_equal(digest_of(path), 0);
		assert_string_equal(hex, rows[i][1]);
		close(fd);
	}
	assert_nothing_left(before);
}

/* Its name is none of an option, and in no quotes. */
static void a_name_means_nothing_to_the_child(void **state)
{
	static const char *const names[] = {"--help", "a b\n\\c"};
	char dir[] = "/tmp/test_digest.XXXXXX", home[4096];

	assert_non_null(getcwd(home, sizeof(home)));
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	for (int i = 0; i < 2; i++) {
		close(creat(names[i], 0600));
		assert_int_equal(digest_of(names[i]), 0);
		assert_string_equal(hex, OF_NOTHING);
		unlink(names[i]);
	}
	assert_int_equal(chdir(home) | rmdir(dir), 0);
}

static void what_cannot_be_read_has_none(void **state)
{
	size_t before = descriptors();
	struct digest d;

	errno = 0;
	assert_int_equal(digest_start(&d, "/nonexistent/file"), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(digest_of("/"), -1); /* the child says why */
	assert_nothing_left(before);
}

/* Programs of that name which say this and exit so. */
static void a_child_that_fails_or_says_something_else_gives_none(void **state)
{
	static const struct {
		const char *says;
		int exit, result;
	} rows[] = {
		{OF_ABC, 0, 0}, {OF_ABC "  -", 0, 0}, {OF_ABC, 1, -1},
		{"", 0, -1},    {"ba78", 0, -1},      {"  " OF_ABC, 0, -1},
	};
	char dir[] = "/tmp/test_digest.XXXXXX", path[64], before[4096];
	size_t descriptors_before = descriptors();
	struct digest d;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sha256sum", dir);
	snprintf(before, sizeof(before), "%s", getenv("PATH"));
	setenv("PATH", dir, 1);
	errno = 0;
	assert_int_equal(digest_start(&d, "/dev/null"), -1);
	assert_int_equal(errno, ENOENT);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		FILE *file = fopen(path, "we");

		fprintf(file, "#!/bin/sh\nprintf '%s'\nexit %d\n", rows[i].says, rows[i].exit);
		fclose(file);
		assert_int_equal(chmod(path, 0700), 0);
		assert_int_equal(digest_of("/dev/null"), rows[i].result);
		if (rows[i].result == 0)
			assert_string_equal(hex, OF_ABC);
	}
	setenv("PATH", before, 1);
	unlink(path);
	rmdir(dir);
	assert_nothing_left(descriptors_before);
}

/* It is inherited from who started the program. */
static void signals_that_are_ignored_change_nothing(void **state)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	assert_int_equal(digest_of("/dev/null"), 0);
	assert_string_equal(hex, OF_NOTHING);
	signal(SIGPIPE, SIG_DFL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(so_many_hexadecimal_digits_are_one),
		cmocka_unit_test(a_file_has_the_digest_of_its_bytes),
		cmocka_unit_test(a_name_means_nothing_to_the_child),
		cmocka_unit_test(what_cannot_be_read_has_none),
		cmocka_unit_test(a_child_that_fails_or_says_something_else_gives_none),
		cmocka_unit_test(signals_that_are_ignored_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
