/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <string.h>

#include "net/datagram.h"
#include "net/quota.h"

static char text[CONN_SCRATCH];

static struct endpoint *open_at(const char *host, const char *keys)
{
	struct addr addr = addr_of("udp", host, 0);
	struct reason reason;
	struct endpoint *e;

	datagram_ports_clear();
	e = endpoint_open(listener_of(keys), &table, &addr, "udp:", -1, 0, &reason);
	if (e == NULL && host[0] == '[')
		skip(); /* no IPv6 */
	assert_non_null(e);
	return e;
}

static struct endpoint *open_with(const char *keys)
{
	return open_at("127.0.0.1", keys);
}

/* A caller's socket at from, that hears what comes from port of host. */
static int call(const struct addr *from, const char *host, unsigned port)
{
	struct addr to = addr_of("udp", host, port);
	int fd = socket(to.sa.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (from != NULL && bind(fd, &from->sa, from->len) < 0)
		skip();
	assert_int_equal(connect(fd, &to.sa, to.len), 0);
	return fd;
}

static int call_endpoint(const struct endpoint *e)
{
	return call(NULL, "127.0.0.1", port_of(&e->addr));
}

static struct addr name_of(int fd)
{
	struct addr addr = {.transport = TRANSPORT_UDP, .len = sizeof(addr.un)};

	assert_int_equal(getsockname(fd, &addr.sa, &addr.len), 0);
	return addr;
}

/* Returns the length of the answer, or -1 where there is none. */
static ssize_t ask(int fd, const char *what, size_t len)
{
	uint64_t seen = stats.datagrams, unanswered = stats.datagrams_unanswered;
	struct pollfd pfd = {.fd = fd, .events = POLLIN};

	assert_int_equal(send(fd, what, len, 0), (ssize_t)len);
	turn_until(stats.datagrams == seen + 1);
	if (stats.datagrams_unanswered == unanswered)
		assert_int_equal(poll(&pfd, 1, GUARD_MS), 1);
	return recv(fd, text, sizeof(text), 0);
}

static void a_datagram_is_answered_by_one(void **state)
{
	int fd = call_endpoint(open_with("services = upper\n"));

	assert_int_equal(ask(fd, "abc", 3), 3);
	assert_memory_equal(text, "ABC", 3);
	assert_int_equal(stats.datagrams, 1);
	assert_int_equal(stats.datagrams_unanswered, 0);
	close(fd);
}

static void an_empty_datagram_is_answered_by_an_empty_one(void **state)
{
	const char *const keys[] = {"services = echo\n", "services = upper\n"};
	int fd;

	for (int i = 0; i < 2; i++) {
		fd = call_endpoint(open_with(keys[i]));
		assert_int_equal(ask(fd, "", 0), 0);
		close(fd);
	}
	assert_int_equal(stats.datagrams_unanswered, 0);
}

static void the_longest_datagram_is_answered_whole(void **state)
{
	static char longest[65507];
	int fd = call_endpoint(open_with("services = upper\n")), size = 1 << 20;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	memset(longest, 'x', sizeof(longest));
	assert_int_equal(ask(fd, longest, sizeof(longest)), sizeof(longest));
	for (size_t i = 0; i < sizeof(longest); i++)
		assert_int_equal(text[i], 'X');
	close(fd);
}

static void nothing_of_a_conversation_stays(void **state)
{
	int fd = call_endpoint(open_with("services = echo\n"));

	assert_int_equal(ask(fd, "longer", 6), 6);
	assert_int_equal(ask(fd, "ab", 2), 2);
	assert_memory_equal(text, "ab", 2);
	assert_int_equal(table.clients, 0);
	close(fd);
}

static void a_service_with_nothing_to_say_says_nothing(void **state)
{
	int fd = call_endpoint(open_with("services = discard\n"));

	assert_int_equal(ask(fd, "abc", 3), -1);
	assert_int_equal(ask(fd, "", 0), -1);
	assert_int_equal(stats.datagrams_unanswered, 2);
	close(fd);
}

static void an_answer_longer_than_its_question_must_be_allowed(void **state)
{
	int fd = call_endpoint(open_with("services = time\n"));

	assert_int_equal(ask(fd, "abc", 3), -1);
	assert_int_equal(ask(fd, "abcd", 4), 4);
	close(fd);
	fd = call_endpoint(open_with("services = time\namplify = yes\n"));
	assert_int_equal(ask(fd, "", 0), 4);
	close(fd);
}

static void who_is_not_on_the_list_is_not_answered(void **state)
{
	struct addr from = addr_of("udp", "127.0.0.2", 0);
	struct endpoint *e = open_with("services = echo\nallow = 127.0.0.2\n");
	int on = call(&from, "127.0.0.1", port_of(&e->addr)), off = call_endpoint(e);

	assert_int_equal(ask(on, "abc", 3), 3);
	assert_int_equal(ask(off, "abc", 3), -1);
	assert_int_equal(stats.datagrams_unanswered, 1);
	close(on);
	close(off);
}

static void a_port_of_our_own_is_not_answered(void **state)
{
	int fd = call_endpoint(open_with("services = echo\n"));
	struct addr own = name_of(fd);

	assert_int_equal(ask(fd, "abc", 3), 3);
	own.transport = TRANSPORT_TCP; /* that is another port */
	datagram_port_add(&own);
	assert_int_equal(ask(fd, "abc", 3), 3);
	own.transport = TRANSPORT_UDP;
	datagram_port_add(&own);
	assert_int_equal(ask(fd, "abc", 3), -1);
	datagram_ports_clear();
	assert_int_equal(ask(fd, "abc", 3), 3);
	close(fd);
}

/* The ports are given; the address is one that no other test has. */
static void a_port_that_answers_by_itself_is_not_answered(void **state)
{
	const unsigned ports[] = {1900, 11211};
	struct endpoint *e = open_with("services = echo\n");
	struct addr from;
	char host[32];
	int fd;

	snprintf(host, sizeof(host), "127.%d.%d.1", 1 + getpid() / 250 % 250, getpid() % 250);
	for (int i = 0; i < 2; i++) {
		from = addr_of("udp", host, ports[i]);
		fd = call(&from, "127.0.0.1", port_of(&e->addr));
		assert_int_equal(ask(fd, "abc", 3), -1);
		assert_int_equal(stats.datagrams_unanswered, i + 1);
		close(fd);
	}
}

static void who_asks_as_often_as_a_loop_is_not_always_answered(void **state)
{
	struct endpoint *e = open_with("services = echo\n");
	int fd = call_endpoint(e), other = call_endpoint(e), answers = 0;
	int64_t began_ms = loop_now_ms(&loop), took_ms;

	while (ask(fd, "abc", 3) == 3)
		answers++;
	took_ms = loop_now_ms(&loop) - began_ms;
	assert_in_range(answers, QUOTA_ANSWERS, QUOTA_ANSWERS + took_ms / QUOTA_EVERY_MS + 1);
	assert_int_equal(stats.datagrams_unanswered, 1);
	assert_int_equal(ask(other, "abc", 3), 3);
	close(fd);
	close(other);
}

static void the_answer_comes_from_the_address_that_was_asked(void **state)
{
	struct endpoint *e = open_at("0.0.0.0", "services = echo\n");
	struct addr from = addr_of("udp", "127.0.0.1", 0);
	int fd = call(&from, "127.0.0.2", port_of(&e->addr));

	assert_int_equal(ask(fd, "abc", 3), 3);
	close(fd);
}

static void so_it_does_on_an_ipv6_socket_for_both_families(void **state)
{
	struct endpoint *e = open_at("[::]", "services = echo\nv6only = no\n");
	struct addr from = addr_of("udp", "127.0.0.1", 0);
	int four = call(&from, "127.0.0.2", port_of(&e->addr));
	int six = call(NULL, "[::1]", port_of(&e->addr));

	assert_int_equal(ask(six, "abc", 3), 3);
	assert_int_equal(ask(four, "abc", 3), 3);
	close(four);
	close(six);
}

static void a_turn_takes_64_datagrams_and_leaves_the_rest_to_the_next(void **state)
{
	int fd = call_endpoint(open_with("services = echo\n"));

	for (int i = 0; i < 100; i++)
		assert_int_equal(send(fd, "abc", 3, 0), 3);
	assert_int_equal(loop_turn(&loop), 0);
	assert_true(stats.datagrams <= 64);
	turn_until(stats.datagrams == 100);
	for (int i = 0; i < 100; i++)
		assert_int_equal(recv(fd, text, sizeof(text), 0), 3);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(a_datagram_is_answered_by_one),
		FIXTURE_TEST(an_empty_datagram_is_answered_by_an_empty_one),
		FIXTURE_TEST(the_longest_datagram_is_answered_whole),
		FIXTURE_TEST(nothing_of_a_conversation_stays),
		FIXTURE_TEST(a_service_with_nothing_to_say_says_nothing),
		FIXTURE_TEST(an_answer_longer_than_its_question_must_be_allowed),
		FIXTURE_TEST(who_is_not_on_the_list_is_not_answered),
		FIXTURE_TEST(a_port_of_our_own_is_not_answered),
		FIXTURE_TEST(a_port_that_answers_by_itself_is_not_answered),
		FIXTURE_TEST(who_asks_as_often_as_a_loop_is_not_always_answered),
		FIXTURE_TEST(the_answer_comes_from_the_address_that_was_asked),
		FIXTURE_TEST(so_it_does_on_an_ipv6_socket_for_both_families),
		FIXTURE_TEST(a_turn_takes_64_datagrams_and_leaves_the_rest_to_the_next),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
