/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

static struct reason reason;
static char dir[32], path[64];
static struct rlimit limit; /* of descriptors, as it was */

static int open_with_directory(void **state)
{
	assert_non_null(mkdtemp(strcpy(dir, "/tmp/endpoint.XXXXXX")));
	snprintf(path, sizeof(path), "%s/s", dir);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	return fixture_open(state);
}

static int close_with_directory(void **state)
{
	setrlimit(RLIMIT_NOFILE, &limit);
	fixture_close(state);
	unlink(path);
	return rmdir(dir);
}

static struct addr addr_of_path(void)
{
	struct addr addr = {.transport = TRANSPORT_UNIX, .un.sun_family = AF_UNIX};

	addr.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
	strcpy(addr.un.sun_path, path);
	return addr;
}

static struct endpoint *open_path(struct listener *l, int backlog)
{
	struct addr addr = addr_of_path();

	return endpoint_open(l, &table, &addr, "unix:", -1, backlog, &reason);
}

static struct endpoint *open_port(struct listener *l, unsigned port)
{
	struct addr addr = addr_of("tcp", "127.0.0.1", port);

	return endpoint_open(l, &table, &addr, "tcp:", -1, 8, &reason);
}

/* Returns the caller's end, or -1 where nobody answers. */
static int call(const struct addr *addr)
{
	int fd = socket(addr->sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	if (addr->sa.sa_family == AF_UNIX)
		fcntl(fd, F_SETFL, O_NONBLOCK);
	if (connect(fd, &addr->sa, addr->len) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool is_socket(void)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* A socket bound to path by somebody else, without listen(2). */
static int bound(void)
{
	struct addr addr = addr_of_path();
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, &addr.sa, addr.len), 0);
	return fd;
}

/* ---- socket files ---- */

static void a_stale_socket_is_replaced(void **state)
{
	struct addr addr = addr_of_path();
	int fd;

	close(bound());
	assert_true(is_socket());
	assert_non_null(open_path(listener_of("services = echo\n"), 8));
	fd = call(&addr);
	turn_until(table.clients == 1);
	close(fd);
}

static void a_live_socket_is_refused(void **state)
{
	struct listener *l = listener_of("services = echo\n");
	struct addr addr = addr_of_path();
	int fd;

	assert_non_null(open_path(l, 8));
	assert_null(open_path(l, 8));
	assert_string_equal(reason.text, "listen on unix:: Address already in use");
	assert_int_equal(watches_count(&loop.watches), 1);
	assert_true(is_socket());
	fd = call(&addr);
	turn_until(table.clients == 1);
	close(fd);
}

static void a_live_socket_with_a_full_backlog_is_refused(void **state)
{
	struct addr addr = addr_of_path();
	int fds[8], count = 0, fd = bound();

	assert_int_equal(listen(fd, 0), 0);
	while (count < 8 && (fds[count] = call(&addr)) >= 0)
		count++;
	assert_in_range(count, 1, 7);
	assert_null(open_path(listener_of("services = echo\n"), 8));
	assert_true(is_socket());
	while (count > 0)
		close(fds[--count]);
	close(fd);
}

static void a_file_that_is_no_socket_is_refused(void **state)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	close(fd);
	assert_null(open_path(listener_of("services = echo\n"), 8));
	assert_string_equal(reason.text, "listen on unix:: File exists");
	assert_int_equal(access(path, F_OK), 0);
	unlink(path);
	assert_int_equal(symlink("/nowhere", path), 0);
	assert_null(open_path(listener_of("services = echo\n"), 8));
	assert_string_equal(reason.text, "listen on unix:: File exists");
}

static void the_socket_file_has_the_mode_that_is_asked_for(void **state)
{
	const mode_t modes[] = {0600, 0660, 0666, 0777};
	mode_t mask = umask(027);
	struct stat st;
	char keys[64];

	for (int i = 0; i < 4; i++) {
		snprintf(keys, sizeof(keys), "services = echo\nsocket_mode = 0%o\n", modes[i]);
		endpoint_close(open_path(listener_of(keys), 8));
		assert_false(is_socket());
		assert_non_null(open_path(listener_of(keys), 8));
		assert_int_equal(lstat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, modes[i]);
		unlink(path);
	}
	assert_int_equal(umask(mask), 027);
}

static void the_socket_file_has_the_owner_that_is_asked_for(void **state)
{
	struct stat st;

	if (geteuid() != 0)
		skip();
	assert_non_null(open_path(
		listener_of("services = echo\nsocket_owner = 4321\nsocket_group = 5432\n"), 8));
	assert_int_equal(lstat(path, &st), 0);
	assert_int_equal(st.st_uid, 4321);
	assert_int_equal(st.st_gid, 5432);
}

static void closing_removes_our_socket_file_and_no_other(void **state)
{
	struct endpoint *e = open_path(listener_of("services = echo\n"), 8);
	int fd;

	endpoint_close(e);
	assert_false(is_socket());
	e = open_path(listener_of("services = echo\n"), 8);
	unlink(path);
	fd = bound();
	endpoint_close(e);
	assert_true(is_socket());
	close(fd);
}

static void a_socket_that_was_passed_keeps_its_file(void **state)
{
	struct addr addr = addr_of_path();
	struct listener *l = listener_of("services = echo\n");
	struct endpoint *e = endpoint_open(l, &table, &addr, "unix:", bound(), 8, &reason);
	int fd = call(&addr);

	assert_true(fcntl(e->watch.fd, F_GETFL) & O_NONBLOCK);
	turn_until(table.clients == 1);
	endpoint_close(e);
	assert_true(is_socket());
	close(fd);
}

/* ---- ports ---- */

static void a_port_is_chosen_where_none_is_asked_for(void **state)
{
	struct listener *l = listener_of("services = echo\n");
	struct endpoint *e = open_port(l, 0);
	int fd;

	assert_int_not_equal(port_of(&e->addr), 0);
	fd = call(&e->addr);
	turn_until(table.clients == 1);
	assert_int_equal(TAILQ_FIRST(&table.live)->peer.sa.sa_family, AF_INET);
	close(fd);
	assert_null(open_port(l, port_of(&e->addr)));
	assert_string_equal(reason.text, "listen on tcp:: Address already in use");
	assert_ptr_equal(TAILQ_FIRST(&l->endpoints), e);
	assert_null(TAILQ_NEXT(e, entry));
}

static int option_of(int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = -1;

	assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

static void accepted_sockets_have_the_options_of_their_listener(void **state)
{
	int fd = call(&open_port(listener_of("services = echo\nkeepalive = 90s\n"), 0)->addr);
	int accepted;

	turn_until(table.clients == 1);
	accepted = TAILQ_FIRST(&table.live)->watch.fd;
	assert_true(fcntl(accepted, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(accepted, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(option_of(accepted, IPPROTO_TCP, TCP_NODELAY), 1);
	assert_int_equal(option_of(accepted, SOL_SOCKET, SO_KEEPALIVE), 1);
	assert_int_equal(option_of(accepted, IPPROTO_TCP, TCP_KEEPIDLE), 90);
	close(fd);
}

static void an_ipv6_address_serves_ipv4_only_if_asked_to(void **state)
{
	struct addr addr = addr_of("tcp", "[::]", 0);
	struct endpoint *both, *only;

	both = endpoint_open(listener_of("services = echo\nv6only = no\n"), &table, &addr,
			     "tcp:", -1, 8, &reason);
	if (both == NULL)
		skip();
	only = endpoint_open(listener_of("services = echo\n"), &table, &addr, "tcp:", -1, 8,
			     &reason);
	assert_int_equal(option_of(both->watch.fd, IPPROTO_IPV6, IPV6_V6ONLY), 0);
	assert_int_equal(option_of(only->watch.fd, IPPROTO_IPV6, IPV6_V6ONLY), 1);
}

/* ---- callers ---- */

static void the_backlog_is_as_long_as_asked_for(void **state)
{
	struct addr addr = addr_of_path();
	int fds[8], count = 0;

	assert_non_null(open_path(listener_of("services = echo\n"), 2));
	while (count < 8 && (fds[count] = call(&addr)) >= 0)
		count++;
	assert_int_equal(count, 3); /* Linux admits one more */
	turn_until(table.clients == 3);
	while (count > 0)
		close(fds[--count]);
}

static void a_turn_accepts_64_callers_at_most_and_leaves_the_rest_to_the_next(void **state)
{
	struct addr addr = addr_of_path();
	int fds[100];

	assert_non_null(open_path(listener_of("services = echo\n"), 128));
	for (int i = 0; i < 100; i++)
		assert_true((fds[i] = call(&addr)) >= 0);
	assert_int_equal(loop_turn(&loop), 0);
	assert_in_range(table.clients, 1, 64); /* fewer where time is over */
	settle();
	assert_int_equal(table.clients, 100);
	for (int i = 0; i < 100; i++)
		close(fds[i]);
}

/* Two callers where there is place for one: the second waits until the first has gone. */
static void assert_second_waits(struct endpoint *e)
{
	int first = call(&e->addr), second = call(&e->addr);

	turn_until(table.clients == 1);
	endpoint_update(e);
	assert_int_equal(wanted(&e->watch), 0);
	settle();
	assert_int_equal(stats.accepted, 1);
	close(first);
	turn_until(table.clients == 0);
	endpoint_update(e);
	assert_int_equal(wanted(&e->watch), POLLIN);
	turn_until(stats.accepted == 2);
	close(second);
}

static void without_a_place_callers_wait_in_the_backlog(void **state)
{
	table.max_clients = 1;
	assert_second_waits(open_port(listener_of("services = echo\n"), 0));
}

static void without_a_place_of_the_listener_callers_wait_too(void **state)
{
	assert_second_waits(open_port(listener_of("services = echo\nmax_clients = 1\n"), 0));
}

static void with_reject_callers_are_told_there_is_no_place(void **state)
{
	struct endpoint *e = open_port(listener_of("services = echo\n"), 0);
	char text[64] = "";
	int fd = call(&e->addr);

	table.reject = true;
	table.max_clients = 0;
	endpoint_update(e);
	turn_until(table.turned_away == 1);
	assert_int_equal(recv(fd, text, sizeof(text) - 1, MSG_WAITALL), 38);
	assert_string_equal(text, "ERR too many clients, try again later\n");
	close(fd);
}

static void without_descriptors_accept_rests_and_goes_on_by_itself(void **state)
{
	struct endpoint *e = open_port(listener_of("services = echo\n"), 0);
	int fd = call(&e->addr), lowest = dup(fd);
	struct rlimit tight;

	close(lowest);
	tight = (struct rlimit){(rlim_t)lowest, limit.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	log_open(LOG_TARGET_STDERR, "", LOG_DAEMON, LOG_CRIT);
	turn_until(stats.accept_paused == 1);
	assert_non_null(e->held.queue);
	assert_int_equal(wanted(&e->watch), 0);
	turn_until(stats.accept_paused == 2);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	turn_until(table.clients == 1);
	assert_null(e->held.queue);
	assert_int_equal(wanted(&e->watch), POLLIN);
	close(fd);
}

static void a_moved_endpoint_serves_its_new_listener(void **state)
{
	struct listener *old = listener_of("services = echo\nkeepalive = 0\n");
	struct listener *new = listener_of("services = time\nkeepalive = 90s\n");
	struct endpoint *e = open_port(old, 0);
	char text[4];
	int fd;

	assert_int_equal(option_of(e->watch.fd, SOL_SOCKET, SO_KEEPALIVE), 0);
	e->claimed = new;
	endpoint_move(e);
	assert_ptr_equal(e->listener, new);
	assert_true(TAILQ_EMPTY(&old->endpoints));
	assert_ptr_equal(TAILQ_FIRST(&new->endpoints), e);
	assert_int_equal(option_of(e->watch.fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	fd = call(&e->addr);
	turn_until(table.clients == 1);
	assert_int_equal(recv(fd, text, sizeof(text), MSG_WAITALL), 4);
	close(fd);
}

static void an_endpoint_moved_to_a_listener_with_place_goes_on(void **state)
{
	struct listener *l = listener_of("services = echo\nmax_clients = 1\n");
	struct endpoint *e = open_port(l, 0);
	int fds[2] = {call(&e->addr), call(&e->addr)};

	turn_until(table.clients == 1);
	endpoint_update(e);
	assert_int_equal(wanted(&e->watch), 0);
	e->claimed = listener_after(l, "services = echo\nmax_clients = 2\n");
	endpoint_move(e);
	turn_until(table.clients == 2);
	close(fds[0]);
	close(fds[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_with_directory, close_with_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_stale_socket_is_replaced),
		TEST(a_live_socket_is_refused),
		TEST(a_live_socket_with_a_full_backlog_is_refused),
		TEST(a_file_that_is_no_socket_is_refused),
		TEST(the_socket_file_has_the_mode_that_is_asked_for),
		TEST(the_socket_file_has_the_owner_that_is_asked_for),
		TEST(closing_removes_our_socket_file_and_no_other),
		TEST(a_socket_that_was_passed_keeps_its_file),
		TEST(a_port_is_chosen_where_none_is_asked_for),
		TEST(accepted_sockets_have_the_options_of_their_listener),
		TEST(an_ipv6_address_serves_ipv4_only_if_asked_to),
		TEST(the_backlog_is_as_long_as_asked_for),
		TEST(a_turn_accepts_64_callers_at_most_and_leaves_the_rest_to_the_next),
		TEST(without_a_place_callers_wait_in_the_backlog),
		TEST(without_a_place_of_the_listener_callers_wait_too),
		TEST(with_reject_callers_are_told_there_is_no_place),
		TEST(without_descriptors_accept_rests_and_goes_on_by_itself),
		TEST(a_moved_endpoint_serves_its_new_listener),
		TEST(an_endpoint_moved_to_a_listener_with_place_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
