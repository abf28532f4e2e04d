/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/log.h"
#include "server/reading.h"
#include "server/server.h"

#define PATIENCE_S 20
#define LISTENER "[listener a]\nlisten = tcp:127.0.0.1:0\n"

static char dir[32], ini[64], text[4096];
static int reader; /* what the daemon logs to */
static pid_t child;
static int opened; /* sockets, says the log */

/* The configuration: [daemon], that logs to reader, and these lines. */
static void ini_write(const char *lines)
{
	FILE *file = fopen(ini, "w");

	assert_non_null(file);
	fprintf(file, "[daemon]\nlog_target = syslog\nlog_socket = %s/log\n%s", dir, lines);
	fclose(file);
}

static int directory_open(void **state)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	child = 0;
	opened = 0;
	assert_non_null(mkdtemp(strcpy(dir, "/tmp/server.XXXXXX")));
	snprintf(ini, sizeof(ini), "%s/ini", dir);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/log", dir);
	reader = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return bind(reader, (struct sockaddr *)&sun, sizeof(sun));
}

static int directory_close(void **state)
{
	char path[64];

	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	close(reader);
	unlink(ini);
	snprintf(path, sizeof(path), "%s/log", dir);
	unlink(path);
	return rmdir(dir);
}

/* Wait for a message with these words. Returns what follows them. */
static const char *logged(const char *words)
{
	struct pollfd pfd = {.fd = reader, .events = POLLIN};
	const char *found = NULL;
	ssize_t n;

	while (found == NULL) {
		if (poll(&pfd, 1, PATIENCE_S * 1000) != 1)
			fail_msg("nobody says '%s'; the last word was '%s'", words, text);
		n = recv(reader, text, sizeof(text) - 1, 0);
		text[n > 0 ? n : 0] = '\0';
		opened += strstr(text, ": listening listener=") != NULL;
		found = strstr(text, words);
	}
	return found + strlen(words);
}

/* Run the daemon in a child. Returns the port it listens on. */
static unsigned server_start(void)
{
	unsigned port;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		alarm(PATIENCE_S);
		exit((int)server_run(ini));
	}
	port = (unsigned)atoi(logged("listening listener=a address=tcp:127.0.0.1:"));
	logged("ready config=");
	return port;
}

static void assert_exits(int expected)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	child = 0;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), expected);
}

static int call(unsigned port)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void assert_answers(int fd, const char *question, const char *answer)
{
	char said[64] = "";

	assert_int_equal(send(fd, question, strlen(question), MSG_NOSIGNAL), strlen(question));
	assert_int_equal(recv(fd, said, strlen(answer), MSG_WAITALL), strlen(answer));
	assert_string_equal(said, answer);
}

static void a_configuration_with_errors_is_not_served(void **state)
{
	log_open(LOG_TARGET_STDERR, "", LOG_DAEMON, LOG_CRIT);
	assert_int_equal(server_run("/nonexistent/file"), EXIT_CONFIG);
	ini_write("[listener a]\nlisten = tcp:127.0.0.1:0\n");
	assert_int_equal(server_run(ini), EXIT_CONFIG);
}

static void a_busy_port_ends_the_start(void **state)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char lines[128], path[64];

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	assert_int_equal(listen(fd, 1), 0);
	snprintf(path, sizeof(path), "%s/s", dir);
	snprintf(lines, sizeof(lines),
		 "[listener a]\nlisten = unix:%s tcp:127.0.0.1:%u\nservices = echo\n", path,
		 ntohs(in.sin_port));
	ini_write(lines);
	assert_int_equal(server_run(ini), EXIT_BIND);
	logged("Address already in use");
	assert_int_equal(access(path, F_OK), -1); /* what was open is closed again */
	close(fd);
}

static void a_stop_hangs_up_and_ends_well(void **state)
{
	unsigned port;
	char byte;
	int fd;

	ini_write(LISTENER "services = upper\n");
	port = server_start();
	fd = call(port);
	assert_answers(fd, "hello", "HELLO");
	kill(child, SIGTERM);
	assert_int_equal(recv(fd, &byte, 1, 0), 0);
	assert_int_equal(call(port), -1);
	close(fd);
	logged("stats accepted=1 ");
	assert_exits(EXIT_OK);
}

static void a_second_stop_waits_for_nobody(void **state)
{
	char byte;
	int fd;

	ini_write(LISTENER "services = chargen\n");
	fd = call(server_start());
	assert_int_equal(recv(fd, &byte, 1, 0), 1);
	kill(child, SIGTERM);
	logged("stopping clients=1");
	kill(child, SIGTERM);
	logged("stopping_at_once clients=1");
	assert_exits(EXIT_OK);
	close(fd);
}

static void a_reload_keeps_connections_and_sockets(void **state)
{
	unsigned port;
	int old, new;

	ini_write(LISTENER "services = upper\n");
	port = server_start();
	old = call(port);
	assert_answers(old, "one", "ONE");
	ini_write(LISTENER "services = echo\n");
	kill(child, SIGHUP);
	logged("reloaded ");
	assert_int_equal(opened, 1);
	assert_answers(old, "two", "TWO");
	new = call(port);
	assert_answers(new, "two", "two");
	ini_write("what\n");
	kill(child, SIGHUP);
	logged("the configuration stays as it was");
	assert_answers(new, "three", "three");
	close(old);
	close(new);
	kill(child, SIGTERM);
	assert_exits(EXIT_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, directory_open, directory_close)

/* A reload runs this program: "--resolve -c FILE". */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(a_configuration_with_errors_is_not_served),
		TEST(a_busy_port_ends_the_start),
		TEST(a_stop_hangs_up_and_ends_well),
		TEST(a_second_stop_waits_for_nobody),
		TEST(a_reload_keeps_connections_and_sockets),
	};

	if (argc == 4)
		return reading_write(argv[3], STDOUT_FILENO) == 0 ? EXIT_OK : EXIT_SYSTEM;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
