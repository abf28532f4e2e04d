/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "core/systemd.h"

static int manager; /* the end that systemd has of $NOTIFY_SOCKET */
static char text[512];

/* An abstract socket, whose name the kernel chooses (unix(7), autobind). */
static int manager_open(void **state)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(sun);
	char name[64];

	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(manager, (struct sockaddr *)&sun, sizeof(sa_family_t)), 0);
	assert_int_equal(getsockname(manager, (struct sockaddr *)&sun, &len), 0);
	snprintf(name, sizeof(name), "@%.*s",
		 (int)(len - offsetof(struct sockaddr_un, sun_path) - 1), sun.sun_path + 1);
	return setenv("NOTIFY_SOCKET", name, 1);
}

static int manager_close(void **state)
{
	static const char *const names[] = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID",
					    "LISTEN_FDS", "LISTEN_PID"};

	for (int i = 0; i < 5; i++)
		unsetenv(names[i]);
	return close(manager);
}

/* Returns what systemd was told, one message, or "". */
static const char *told(void)
{
	ssize_t n = recv(manager, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void pid_setenv(const char *name, int pid)
{
	snprintf(text, sizeof(text), "%d", pid);
	assert_int_equal(setenv(name, text, 1), 0);
}

static void systemd_is_told_of_each_state(void **state)
{
	systemd_ready(3);
	assert_string_equal(told(), "READY=1\nSTATUS=3 clients");
	systemd_status(4294967295);
	assert_string_equal(told(), "STATUS=4294967295 clients");
	systemd_ping();
	assert_string_equal(told(), "WATCHDOG=1");
	systemd_stopping();
	assert_string_equal(told(), "STOPPING=1\nSTATUS=draining");
	assert_string_equal(told(), "");
}

static uint64_t monotonic_usec(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* systemd.service(5), Type=notify-reload: the stamp must be of the moment. */
static void a_reload_is_told_with_its_time(void **state)
{
	uint64_t before = monotonic_usec(), usec;
	int len = 0;

	systemd_reloading();
	assert_int_equal(sscanf(told(), "RELOADING=1\nMONOTONIC_USEC=%" SCNu64 "%n", &usec, &len),
			 1);
	assert_int_equal(text[len], '\0');
	assert_true(before <= usec && usec <= monotonic_usec());
}

static void without_systemd_nothing_happens(void **state)
{
	unsetenv("NOTIFY_SOCKET");
	systemd_ready(1);
	systemd_reloading();
	systemd_status(1);
	systemd_ping();
	systemd_stopping();
	assert_string_equal(told(), "");
	assert_int_equal(systemd_ping_ms(), 0);
	assert_int_equal(systemd_sockets(), 0);
}

static void the_watchdog_wants_two_pings_in_its_time(void **state)
{
	setenv("WATCHDOG_USEC", "20000000", 1);
	assert_int_equal(systemd_ping_ms(), 10000);
	pid_setenv("WATCHDOG_PID", getpid());
	assert_int_equal(systemd_ping_ms(), 10000);
}

static void the_watchdog_of_another_process_is_not_ours(void **state)
{
	setenv("WATCHDOG_USEC", "20000000", 1);
	pid_setenv("WATCHDOG_PID", getppid());
	assert_int_equal(systemd_ping_ms(), 0);
}

static void a_watchdog_that_makes_no_sense_is_none(void **state)
{
	setenv("WATCHDOG_USEC", "soon", 1);
	assert_int_equal(systemd_ping_ms(), 0);
	setenv("WATCHDOG_USEC", "0", 1);
	assert_int_equal(systemd_ping_ms(), 0);
}

/* As if systemd had opened them. */
static void descriptors_pass(int count, int pid)
{
	for (int fd = SYSTEMD_FIRST_FD; fd < SYSTEMD_FIRST_FD + count; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			assert_int_equal(dup2(manager, fd), fd);
	pid_setenv("LISTEN_PID", pid);
	pid_setenv("LISTEN_FDS", count);
}

static void passed_sockets_are_counted_once(void **state)
{
	descriptors_pass(2, getpid());
	assert_int_equal(systemd_sockets(), 2);
	assert_true(fcntl(SYSTEMD_FIRST_FD + 1, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(systemd_sockets(), 0);
	assert_null(getenv("LISTEN_FDS"));
}

static void only_descriptors_that_are_there_are_counted(void **state)
{
	int fd = SYSTEMD_FIRST_FD;

	descriptors_pass(1, getpid());
	while (fcntl(fd, F_GETFD) >= 0)
		fd++;
	setenv("LISTEN_FDS", "2000000000", 1);
	assert_int_equal(systemd_sockets(), fd - SYSTEMD_FIRST_FD);
	descriptors_pass(1, getpid());
	setenv("LISTEN_FDS", "some", 1);
	assert_int_equal(systemd_sockets(), 0);
}

static void sockets_of_another_process_are_not_ours(void **state)
{
	descriptors_pass(2, getppid());
	assert_int_equal(systemd_sockets(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, manager_open, manager_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(systemd_is_told_of_each_state),
		TEST(a_reload_is_told_with_its_time),
		TEST(without_systemd_nothing_happens),
		TEST(the_watchdog_wants_two_pings_in_its_time),
		TEST(the_watchdog_of_another_process_is_not_ours),
		TEST(a_watchdog_that_makes_no_sense_is_none),
		TEST(passed_sockets_are_counted_once),
		TEST(only_descriptors_that_are_there_are_counted),
		TEST(sockets_of_another_process_are_not_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
