/* SPDX-License-Identifier: MIT */
#include "caller.h"

#include "net/admit.h"

#define TURNED_AWAY_MAX 64

static int callers[100], count;

/* Returns a connection that has no place. */
static struct conn *caller(struct listener *l, const char *from)
{
	struct addr addr;
	struct conn *c;

	if (from != NULL)
		addr = addr_of("tcp", from, 4711);
	c = enter(l, pair_open(&callers[count++]), from != NULL ? &addr.sa : NULL,
		  channel_plain(false));
	admit_leave(c);
	assert_int_equal(c->place, PLACE_NONE);
	return c;
}

static struct listener *listener_begin(void)
{
	return listener_of("services = echo\nallow = ::/0 0.0.0.0/0\nmax_clients = 0\n"
			   "max_clients_per_ip = 0\n");
}

static int callers_leave(void **state)
{
	while (count > 0)
		close(callers[--count]);
	return fixture_close(state);
}

static const char full[] = "ERR too many clients, try again later";
static const char full_source[] = "ERR too many clients from your address";

/* Three that call, of limits: of all, of the listener, of an address; 0 is none of the last two. */
static void places_are_given_up_to_each_limit(void **state)
{
	static const struct {
		unsigned all;
		int listener, source;
		const char *from[3];
		const char *answers[3];
	} rows[] = {
		{3, 0, 0, {"10.0.0.1", "10.0.0.1", NULL}, {NULL, NULL, NULL}},
		{2, 0, 0, {"10.0.0.1", "10.0.0.2", NULL}, {NULL, NULL, full}},
		{0, 0, 0, {NULL, "10.0.0.2", NULL}, {full, full, full}},
		{9, 3, 0, {"10.0.0.1", "[::1]", NULL}, {NULL, NULL, NULL}},
		{9, 1, 0, {"10.0.0.1", "[::1]", NULL}, {NULL, full, full}},
		{9, 0, 1, {"10.0.0.1", "10.0.0.1", "10.0.0.2"}, {NULL, full_source, NULL}},
		{9, 0, 2, {"10.0.0.1", "10.0.0.1", "10.0.0.1"}, {NULL, NULL, full_source}},
		{9, 0, 1, {NULL, NULL, NULL}, {NULL, NULL, NULL}}, /* of no address */
		{9, 1, 1, {"10.0.0.1", "10.0.0.1", NULL}, {NULL, full, full}},
	};
	struct listener *l = listener_begin();
	struct conn *c[3];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned clients = 0, changes = table.changes;

		l->conf->max_clients = l->conf->max_clients_per_ip = 0;
		table.max_clients = 1000;
		for (int n = 0; n < 3; n++)
			c[n] = caller(l, rows[i].from[n]);
		l->conf->max_clients = rows[i].listener;
		l->conf->max_clients_per_ip = rows[i].source;
		table.max_clients = rows[i].all;
		changes = table.changes;
		for (int n = 0; n < 3; n++) {
			const char *answer = admit_enter(c[n]);

			assert_true(answer == NULL
					    ? rows[i].answers[n] == NULL
					    : rows[i].answers[n] != NULL &&
						      strcmp(answer, rows[i].answers[n]) == 0);
			clients += answer == NULL;
			assert_int_equal(c[n]->place, answer == NULL ? PLACE_CLIENT : PLACE_NONE);
			assert_int_equal(c[n]->source != NULL,
					 answer == NULL && rows[i].from[n] != NULL);
			assert_int_equal(table.clients, clients);
			assert_int_equal(l->tally->clients, clients);
			assert_int_equal(table.changes, changes + clients);
		}
		assert_int_equal(admit_has_place(&table, l),
				 clients < rows[i].all && (rows[i].listener == 0 ||
							   clients < (unsigned)rows[i].listener));
		for (int n = 0; n < 3; n++)
			conn_close(c[n], ENDING_eof);
		assert_int_equal(table.clients + l->tally->clients, 0);
		conn_table_reap(&table);
	}
}

static void a_place_is_taken_back_once(void **state)
{
	struct listener *l = listener_begin();
	struct conn *first = caller(l, "10.0.0.1"), *second = caller(l, "10.0.0.1");
	unsigned changes = table.changes;

	l->conf->max_clients_per_ip = 1;
	assert_null(admit_enter(first));
	assert_non_null(admit_enter(second));
	admit_leave(second); /* has none */
	assert_int_equal(table.clients, 1);
	admit_leave(first);
	admit_leave(first);
	assert_int_equal(table.clients, 0);
	assert_int_equal(l->tally->clients, 0);
	assert_int_equal(table.changes, changes + 2);
	assert_null(admit_enter(second));
	admit_leave(second);
}

/* One that is turned away counts as no client. */
static void so_many_are_turned_away_at_a_time(void **state)
{
	struct listener *l = listener_begin();
	struct conn *c[TURNED_AWAY_MAX + 1];
	unsigned changes;

	for (int i = 0; i <= TURNED_AWAY_MAX; i++)
		c[i] = caller(l, i % 2 ? "10.0.0.1" : NULL);
	changes = table.changes;
	for (int i = 0; i < TURNED_AWAY_MAX; i++)
		assert_true(admit_turn_away(c[i]));
	assert_false(admit_turn_away(c[TURNED_AWAY_MAX]));
	assert_int_equal(c[TURNED_AWAY_MAX]->place, PLACE_NONE);
	assert_int_equal(c[0]->place, PLACE_TURNED_AWAY);
	admit_leave(c[0]);
	admit_leave(c[0]);
	assert_true(admit_turn_away(c[TURNED_AWAY_MAX]));
	assert_false(admit_turn_away(c[0]));
	assert_int_equal(table.clients, 0);
	assert_int_equal(table.changes, changes);
	for (int i = 1; i <= TURNED_AWAY_MAX; i++)
		admit_leave(c[i]);
	assert_int_equal(table.turned_away, 0);
}

#define ADMIT_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, callers_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ADMIT_TEST(places_are_given_up_to_each_limit),
		ADMIT_TEST(a_place_is_taken_back_once),
		ADMIT_TEST(so_many_are_turned_away_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
