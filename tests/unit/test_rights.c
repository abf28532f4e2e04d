/* SPDX-License-Identifier: MIT */
#include "net/rights.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/clock.h"
#include "own.h"

static int ours, peer; /* two ends */
static char text[64];

static int open_pair(void **state)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds),
			 0);
	ours = fds[0];
	peer = fds[1];
	memset(text, 0, sizeof(text));
	return 0;
}

static int close_pair(void **state)
{
	close(ours);
	close(peer);
	return 0;
}

/* Say what, with a copy of fd; returns what sendmsg(2) does. */
static ssize_t pass(int fd, const char *what, int flags)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct iovec iov = {(void *)(uintptr_t)what, strlen(what)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(peer, &msg, MSG_NOSIGNAL | flags);
}

static void say(const char *what)
{
	assert_int_equal(send(peer, what, strlen(what), MSG_NOSIGNAL), (ssize_t)strlen(what));
}

static void assert_receives(const char *what)
{
	memset(text, 0, sizeof(text));
	assert_int_equal(rights_recv(ours, text, sizeof(text)), (ssize_t)strlen(what));
	assert_string_equal(text, what);
}

static void assert_refuses(void)
{
	errno = 0;
	assert_int_equal(rights_recv(ours, text, sizeof(text)), -1);
	assert_int_equal(errno, EPERM);
}

/* A pipe of which a copy of the other end has been passed. */
static int pass_pipe(void)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	assert_int_equal(pass(fds[1], "x", 0), 1);
	close(fds[1]);
	return fds[0];
}

static void bytes_are_taken_as_recv_does(void **state)
{
	assert_true(rights_may_come(ours));
	assert_int_equal(rights_recv(ours, text, sizeof(text)), -1);
	assert_int_equal(errno, EAGAIN);
	say("one");
	say("two");
	assert_receives("onetwo");
	shutdown(peer, SHUT_WR);
	assert_int_equal(rights_recv(ours, text, sizeof(text)), 0);
}

static void what_descriptors_come_with_is_not_taken(void **state)
{
	size_t count = descriptors();

	assert_true(rights_may_come(ours));
	say("one");
	assert_int_equal(pass(peer, "two", 0), 3);
	assert_refuses();
	assert_refuses();
	assert_int_equal(descriptors(), count);
}

static void a_descriptor_with_an_urgent_byte_is_found(void **state)
{
	assert_true(rights_may_come(ours));
	if (pass(peer, "!", MSG_OOB) < 0)
		skip(); /* the kernel is built without */
	assert_refuses();
}

static void credentials_are_not_taken_for_descriptors(void **state)
{
	const int options[] = {SO_PASSCRED, SO_PASSSEC};
	int on = 1;

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		setsockopt(ours, SOL_SOCKET, options[i], &on, sizeof(on));
	assert_true(rights_may_come(ours));
	say("one");
	assert_receives("one");
}

static void where_the_kernel_refuses_them_none_may_come(void **state)
{
	if (rights_refuse(ours) < 0)
		skip(); /* before Linux 6.16 */
	assert_false(rights_may_come(ours));
	assert_int_equal(pass(peer, "x", 0), -1);
	assert_int_equal(errno, EPERM);
	say("one");
	assert_int_equal(recv(ours, text, sizeof(text), 0), 3);
}

static void closing_without_anything_unread_starts_no_child(void **state)
{
	rights_close(ours);
	ours = -1;
	assert_int_equal(waitpid(-1, NULL, __WALL | WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* A child has the last reference, for as long as it takes it to end. */
static void what_is_unread_is_closed_by_a_child(void **state)
{
	const int any = __WALL | WEXITED | WNOHANG;
	int64_t end_ns = clock_ns() + 10 * INT64_C(1000000000);
	size_t count = descriptors();
	int fd = pass_pipe();
	siginfo_t info;
	char byte;

	shutdown(ours, SHUT_RDWR);
	assert_int_equal(pass(peer, "x", 0), -1);
	rights_close(ours);
	ours = -1;
	assert_int_equal(waitid(P_ALL, 0, &info, any | WNOWAIT), 0);
	assert_int_equal(read(fd, &byte, 1), 0); /* all copies of the other end are closed */
	close(fd);
	assert_int_equal(descriptors(), count - 1);
	do {
		assert_true(clock_ns() < end_ns);
		rights_reap();
	} while (waitid(P_ALL, 0, &info, any | WNOWAIT) == 0);
	assert_int_equal(errno, ECHILD);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bytes_are_taken_as_recv_does),
		TEST(what_descriptors_come_with_is_not_taken),
		TEST(a_descriptor_with_an_urgent_byte_is_found),
		TEST(credentials_are_not_taken_for_descriptors),
		TEST(where_the_kernel_refuses_them_none_may_come),
		TEST(closing_without_anything_unread_starts_no_child),
		TEST(what_is_unread_is_closed_by_a_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
