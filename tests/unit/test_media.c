/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "services/media.h"

#define UNKNOWN "application/octet-stream"

static struct media *media_of(const char *text)
{
	char path[] = "/tmp/test_media.XXXXXX";
	int fd = mkstemp(path);
	struct media *m;

	assert_true(fd >= 0);
	dprintf(fd, "%s", text);
	close(fd);
	m = media_new(path);
	unlink(path);
	assert_non_null(m);
	return m;
}

static void a_type_goes_by_what_a_name_ends_in(void **state)
{
	struct media *m = media_of("# a comment\n\napplication/x-none\n"
				   "text/plain\ttxt  text\napplication/gzip gz\n"
				   "application/later txt\nimage/png png");

	assert_string_equal(media_type(m, "a.txt"), "text/plain; charset=utf-8");
	assert_string_equal(media_type(m, "b.c/a.TEXT"), "text/plain; charset=utf-8");
	assert_string_equal(media_type(m, "a.tar.gz"), "application/gzip");
	assert_string_equal(media_type(m, "a.png"), "image/png");
	assert_string_equal(media_type(m, "a.none"), UNKNOWN);
	assert_string_equal(media_type(m, "a.txt/b"), UNKNOWN);
	assert_string_equal(media_type(m, "txt"), UNKNOWN);
	assert_string_equal(media_type(m, "a."), UNKNOWN);
	assert_string_equal(media_type(m, "a.0123456789abcdefghijklmnopqrstuvwxyz"), UNKNOWN);
	assert_string_equal(media_type(m, ""), UNKNOWN);
	media_free(m);
}

static void without_the_file_the_usual_ones_are_known(void **state)
{
	struct media *m = media_new("/nonexistent/mime.types");

	assert_non_null(m);
	assert_string_equal(media_type(m, "a.html"), "text/html; charset=utf-8");
	assert_string_equal(media_type(m, "a.mp4"), "video/mp4");
	assert_string_equal(media_type(m, "a.json"), "application/json");
	media_free(m);
	media_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_type_goes_by_what_a_name_ends_in),
		cmocka_unit_test(without_the_file_the_usual_ones_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
