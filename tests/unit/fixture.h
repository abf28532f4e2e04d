/* SPDX-License-Identifier: MIT */
#ifndef UNIT_FIXTURE_H
#define UNIT_FIXTURE_H
/*
 * What tests of connections stand on: a loop, a table, and listeners as a configuration makes them.
 * Turns of the loop are made by hand; connections that have ended stay in table.dead until the test
 * reaps them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/include.h"
#include "core/log.h"
#include "core/stats.h"
#include "net/conn.h"
#include "net/connections.h"
#include "net/ending.h"
#include "net/turn.h"
#include "net/endpoint.h"
#include "server/schema.h"

#define FIXTURE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)
#define GUARD_MS 10000 /* a test that takes longer waits for what will not come */

static struct loop loop;
static struct conn_table table;
static TAILQ_HEAD(, listener) listeners;
static struct deadline_queue guards;
static struct deadline guard;
static int listeners_named; /* that listeners were given */

static inline void guard_expired(struct deadline *d)
{
	fail_msg("it has not come");
}

static inline int fixture_open(void **state)
{
	log_open(LOG_TARGET_STDERR, "", LOG_DAEMON, LOG_ERR);
	stats = (struct stats){0};
	listeners_named = 0;
	assert_int_equal(loop_init(&loop, NULL, NULL), 0);
	endpoint_init(&loop);
	TAILQ_INIT(&listeners);
	guard = (struct deadline){0};
	deadline_queue_init(&loop.deadlines, &guards, GUARD_MS, guard_expired);
	deadline_start(&guards, &guard);
	assert_int_equal(conn_table_init(&table, &loop), 0);
	table.max_clients = 1000;
	return 0;
}

static inline int fixture_close(void **state)
{
	struct listener *l;
	struct endpoint *e;

	conn_table_free(&table);
	while ((l = TAILQ_FIRST(&listeners)) != NULL) {
		while ((e = TAILQ_FIRST(&l->endpoints)) != NULL)
			endpoint_close(e);
		TAILQ_REMOVE(&listeners, l, entry);
		listener_unref(l);
	}
	loop_free(&loop);
	return 0;
}

/* The generation that a listener of this name with these keys makes, and what follows in the file;
 * it listens nowhere. */
static inline struct settings *generation_named(const char *name, const char *keys)
{
	int fd = memfd_create("fixture.ini", MFD_CLOEXEC);
	struct settings *settings;
	char path[32];

	assert_true(fd >= 0);
	dprintf(fd, "[listener %s]\nlisten = unix:/nowhere %s\n%s", name,
		strstr(keys, "allow =") != NULL ? "tcp:127.0.0.1:1" : "", keys);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	settings = settings_load(path, daemon_schema());
	close(fd);
	if (settings->errors.count > 0)
		fail_msg("%s", settings->errors.items[0]);
	return settings;
}

/* The same, of a name that no other has: a, b, ... */
static inline struct settings *generation_new(const char *keys)
{
	char name[] = {(char)('a' + listeners_named++), '\0'};

	return generation_named(name, keys);
}

/* The listener of these keys, with the one reference to its generation. */
static inline struct listener_conf *conf_new(const char *keys)
{
	return listener_conf_next(generation_new(keys), NULL);
}

/* The one of settings, whose reference it takes. */
static inline struct listener *listener_in(struct settings *settings)
{
	struct listener_conf *conf = listener_conf_next(settings, NULL);
	struct listener *l = listener_new(&loop, conf, &conn_deadlines);

	assert_non_null(l);
	settings_unref(conf->section.settings);
	TAILQ_INSERT_TAIL(&listeners, l, entry);
	return l;
}

static inline struct listener *listener_after(const struct listener *predecessor, const char *keys)
{
	return listener_in(generation_named(predecessor->conf->section.name, keys));
}

static inline struct listener *listener_of(const char *keys)
{
	return listener_in(generation_new(keys));
}

/* The address that "TRANSPORT:HOST:PORT" stands for; host is a number. */
static inline struct addr addr_of(const char *transport, const char *host, unsigned port)
{
	struct reason reason;
	char text[128];
	struct addr_spec spec;
	struct addr *addrs, addr;

	snprintf(text, sizeof(text), "%s:%s:%u", transport, host, port);
	assert_int_equal(addr_spec_parse(&spec, text, &reason), 0);
	assert_int_equal(addr_resolve(&spec, &addrs, &reason), 1);
	addr = addrs[0];
	free(addrs);
	return addr;
}

static inline unsigned port_of(const struct addr *addr)
{
	return ntohs(addr->sa.sa_family == AF_INET ? addr->in.sin_port : addr->in6.sin6_port);
}

/* Turns of the loop while anything is ready, which must come to an end. */
static inline void settle(void)
{
	for (int turns = 0; watches_are_ready(&loop.watches); turns++) {
		assert_true(turns < 1000);
		assert_int_equal(loop_turn(&loop), 0);
	}
}

/* Turns of the loop until condition is true; where that does not come to be, guard_expired() fails.
 */
#define turn_until(condition)                                  \
	do {                                                   \
		while (!(condition))                           \
			assert_int_equal(loop_turn(&loop), 0); \
	} while (0)

/* How many queues of deadlines the loop has. */
static inline int queues_count(void)
{
	const struct deadline_queue *q;
	int count = 0;

	LIST_FOREACH(q, &loop.deadlines.queues, entry)
		count++;
	return count;
}

/* What w waits for. */
static inline short wanted(const struct watch *w)
{
	return w->events == WATCH_IGNORED ? 0 : w->events;
}

#endif
