/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/log.h"
#include "core/stats.h"

#define TIME_LEN 26 /* of a line on stderr: "2026-11-23T12:00:00+01:00 " */

static struct sockaddr_un sun = {.sun_family = AF_UNIX};
static char text[4096];

static int reader_open_as(int type)
{
	int fd = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "/tmp/log.%d", (int)getpid());
	unlink(sun.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

static int reader_open(void)
{
	return reader_open_as(SOCK_DGRAM);
}

static void reader_close(int fd)
{
	close(fd);
	unlink(sun.sun_path);
}

static bool read_one(int fd)
{
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static void syslog_open_at(int level)
{
	log_open(LOG_TARGET_SYSLOG, sun.sun_path, LOG_LOCAL3, level);
}

static void a_datagram_has_priority_time_and_name(void **state)
{
	int fd = reader_open();
	char name[32], month[4];
	int priority, day, h, m, s;

	syslog_open_at(LOG_INFO);
	errno = ENOENT;
	log_warning("hello", log_text("reason", strerror(ENOENT)));
	assert_int_equal(errno, ENOENT);
	assert_true(read_one(fd));
	assert_int_equal(sscanf(text, "<%d>%3s %d %d:%d:%d", &priority, month, &day, &h, &m, &s),
			 6);
	assert_int_equal(priority, LOG_LOCAL3 | LOG_WARNING);
	snprintf(name, sizeof(name), " pollard[%d]: ", (int)getpid());
	assert_non_null(strstr(text, name));
	assert_string_equal(strstr(text, "]: "), "]: hello reason=\"No such file or directory\"");
	log_write(LOG_DEBUG, "not_urgent", LOG_FIELDS(log_number("n", 1)));
	assert_false(read_one(fd));
	reader_close(fd);
}

static void levels_are_known_before_a_line_is_made(void **state)
{
	log_open(LOG_TARGET_STDERR, "", LOG_DAEMON, LOG_NOTICE);
	assert_true(log_takes(LOG_ERR));
	assert_true(log_takes(LOG_NOTICE));
	assert_false(log_takes(LOG_INFO));
}

static void what_nobody_reads_is_dropped_and_counted(void **state)
{
	int fd = reader_open(), last = -1, count = 0;
	struct loop loop;

	assert_int_equal(loop_init(&loop, NULL, NULL), 0);
	syslog_open_at(LOG_INFO);
	log_attach(&loop);
	stats.log_dropped = 0;
	for (int i = 0; i < 1000; i++)
		log_info("message", log_number("n", (unsigned)i));
	assert_true(stats.log_dropped > 0);
	assert_int_equal(watches_count(&loop.watches), 1);
	for (int i = 0; i < 2000 && watches_count(&loop.watches) > 0; i++) {
		while (read_one(fd) && strstr(text, "]: message ") != NULL) {
			assert_int_equal(sscanf(strstr(text, "]: "), "]: message n=%d", &last), 1);
			assert_int_equal(last, count++);
		}
		assert_int_equal(loop_turn(&loop), 0);
	}
	while (strstr(text, "log_dropped") == NULL && read_one(fd))
		count += strstr(text, "]: message ") != NULL;
	assert_int_equal(count + (int)stats.log_dropped, 1000);
	assert_non_null(strstr(text, "]: log_dropped messages="));
	log_detach();
	loop_free(&loop);
	reader_close(fd);
}

static void a_reader_that_was_replaced_is_found_again(void **state)
{
	int fd = reader_open();

	syslog_open_at(LOG_INFO);
	log_info("one", log_number("n", 1));
	assert_true(read_one(fd));
	reader_close(fd);
	fd = reader_open();
	log_info("two", log_number("n", 2));
	assert_true(read_one(fd));
	assert_string_equal(strstr(text, "]: "), "]: two n=2");
	reader_close(fd);
}

static void a_reader_that_comes_back_gets_what_waited(void **state)
{
	static struct loop loop;
	int fd;

	assert_int_equal(loop_init(&loop, NULL, NULL), 0);
	syslog_open_at(LOG_INFO);
	log_attach(&loop);
	log_info("waits", log_number("n", 1));
	fd = reader_open();
	for (int i = 0; i < 5 && !read_one(fd); i++)
		assert_int_equal(loop_turn(&loop), 0);
	assert_non_null(strstr(text, "]: log_socket path=/tmp/log."));
	assert_true(read_one(fd));
	assert_string_equal(strstr(text, "]: "), "]: waits n=1");
	log_detach();
	loop_free(&loop);
	reader_close(fd);
}

static void after_a_detached_loop_messages_go_out_at_once(void **state)
{
	static struct loop loop;
	int fd;

	assert_int_equal(loop_init(&loop, NULL, NULL), 0);
	syslog_open_at(LOG_INFO);
	log_attach(&loop);
	log_info("waits", log_number("n", 1));
	log_detach();
	fd = reader_open();
	log_info("again", log_number("n", 1));
	assert_true(read_one(fd));
	loop_free(&loop);
	reader_close(fd);
}

/* Standard error becomes a pipe; returns its end, and the descriptor that it was. */
static int stderr_pipe(int *saved)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	*saved = dup(STDERR_FILENO);
	assert_int_equal(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
	close(fds[1]);
	return fds[0];
}

static void stderr_restore(int fd, int saved)
{
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fd);
}

static void errno_is_kept(void **state)
{
	int saved, out = stderr_pipe(&saved), reader = reader_open();

	memset(text, 'x', sizeof(text));
	while (write(STDERR_FILENO, text, sizeof(text)) > 0)
		;
	syslog_open_at(LOG_INFO);
	errno = ENOENT;
	log_error("event", log_text("v", "a b")); /* which standard error does not take */
	assert_int_equal(errno, ENOENT);
	stderr_restore(out, saved);
	assert_true(read_one(reader));
	reader_close(reader);
}

static void what_waited_for_syslog_goes_to_stderr_as_lines(void **state)
{
	int saved, fd = stderr_pipe(&saved), reader;
	ssize_t n;

	reader = reader_open();
	syslog_open_at(LOG_INFO);
	reader_close(reader);
	log_info("one", log_number("n", 1));
	log_info("two", log_number("n", 2));
	log_open(LOG_TARGET_STDERR, "", LOG_DAEMON, LOG_ERR);
	n = read(fd, text, sizeof(text) - 1);
	stderr_restore(fd, saved);
	assert_true(n > TIME_LEN);
	text[n] = '\0';
	assert_memory_equal(text + TIME_LEN, "one n=1\n", 8);
	assert_string_equal(text + 2 * TIME_LEN + 8, "two n=2\n");
}

static void what_waited_for_stderr_goes_to_syslog_as_datagrams(void **state)
{
	int saved, out = stderr_pipe(&saved), fd = reader_open();

	log_open(LOG_TARGET_STDERR, "", LOG_DAEMON, LOG_INFO);
	memset(text, 'x', sizeof(text));
	while (write(STDERR_FILENO, text, sizeof(text)) > 0)
		;
	log_info("one", log_number("n", 1));
	log_notice("two", log_number("n", 2));
	syslog_open_at(LOG_ERR);
	stderr_restore(out, saved);
	assert_true(read_one(fd));
	assert_memory_equal(text, "<158>", 5);
	assert_string_equal(strstr(text, "]: "), "]: one n=1");
	assert_true(read_one(fd));
	assert_memory_equal(text, "<157>", 5);
	assert_string_equal(strstr(text, "]: "), "]: two n=2");
	assert_false(read_one(fd));
	reader_close(fd);
}

static void a_stream_gets_messages_that_end_in_nul(void **state)
{
	int fd = reader_open_as(SOCK_STREAM), peer;
	const char *second;
	ssize_t n;

	assert_int_equal(listen(fd, 1), 0);
	syslog_open_at(LOG_INFO);
	log_info("one", log_number("n", 1));
	log_info("two", log_number("n", 2));
	peer = accept(fd, NULL, NULL);
	n = recv(peer, text, sizeof(text), MSG_DONTWAIT);
	assert_true(n > 0 && text[n - 1] == '\0');
	assert_memory_equal(text, "<158>", 5);
	assert_string_equal(strstr(text, "]: "), "]: one n=1");
	second = text + strlen(text) + 1;
	assert_memory_equal(second, "<158>", 5);
	assert_string_equal(strstr(second, "]: "), "]: two n=2");
	assert_ptr_equal(second + strlen(second) + 1, text + n);
	close(peer);
	reader_close(fd);
}

static void where_nobody_listens_auto_is_stderr(void **state)
{
	int saved, out = stderr_pipe(&saved), fd = reader_open();
	ssize_t n;

	log_open(LOG_TARGET_AUTO, sun.sun_path, LOG_DAEMON, LOG_INFO);
	log_info("one", log_number("n", 1));
	reader_close(fd);
	log_open(LOG_TARGET_AUTO, sun.sun_path, LOG_DAEMON, LOG_INFO);
	log_info("two", log_number("n", 2));
	n = read(out, text, sizeof(text) - 1);
	stderr_restore(out, saved);
	assert_int_equal(n, TIME_LEN + 8);
	assert_memory_equal(text + TIME_LEN, "two n=2\n", 8);
}

/* The last test: there is no way back. */
static void errors_are_on_stderr_too_until_the_start_is_over(void **state)
{
	int saved, out = stderr_pipe(&saved), fd = reader_open();
	ssize_t n;

	syslog_open_at(LOG_INFO);
	log_error("one", log_number("n", 1));
	log_warning("two", log_number("n", 2));
	log_started();
	log_error("three", log_number("n", 3));
	n = read(out, text, sizeof(text) - 1);
	stderr_restore(out, saved);
	assert_int_equal(n, TIME_LEN + 8);
	assert_memory_equal(text + TIME_LEN, "one n=1\n", 8);
	for (int i = 0; i < 3; i++)
		assert_true(read_one(fd));
	reader_close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_datagram_has_priority_time_and_name),
		cmocka_unit_test(errno_is_kept),
		cmocka_unit_test(levels_are_known_before_a_line_is_made),
		cmocka_unit_test(what_nobody_reads_is_dropped_and_counted),
		cmocka_unit_test(a_reader_that_was_replaced_is_found_again),
		cmocka_unit_test(a_reader_that_comes_back_gets_what_waited),
		cmocka_unit_test(after_a_detached_loop_messages_go_out_at_once),
		cmocka_unit_test(what_waited_for_syslog_goes_to_stderr_as_lines),
		cmocka_unit_test(what_waited_for_stderr_goes_to_syslog_as_datagrams),
		cmocka_unit_test(a_stream_gets_messages_that_end_in_nul),
		cmocka_unit_test(where_nobody_listens_auto_is_stderr),
		cmocka_unit_test(errors_are_on_stderr_too_until_the_start_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
