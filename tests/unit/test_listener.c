/* SPDX-License-Identifier: MIT */
#include "caller.h"

/* A connection on l, of which *fd is the caller's end. */
static void call(struct listener *l, int *fd)
{
	struct addr from = addr_of("tcp", "10.0.0.1", 1234);

	enter(l, pair_open(fd), &from.sa, channel_plain(false));
}

/* The server lets go of it. */
static void retire(struct listener *l)
{
	TAILQ_REMOVE(&listeners, l, entry);
	listener_unref(l);
}

static void a_listener_has_the_deadlines_of_its_settings(void **state)
{
	struct listener *l =
		listener_of("services = echo\nidle_timeout = 3s\nwrite_timeout = 4s\n");

	assert_int_equal(l->idle.timeout_ms, 3000);
	assert_int_equal(l->stalled.timeout_ms, 4000);
	assert_ptr_equal(l->idle.expired, conn_deadlines.idle);
	assert_ptr_equal(l->stalled.expired, conn_deadlines.stalled);
}

static void listeners_count_apart_and_generations_together(void **state)
{
	struct listener *a = listener_of("services = echo\n"),
			*b = listener_of("services = echo\n");
	struct listener *next = listener_after(a, "services = echo\n");

	assert_ptr_not_equal(a->tally, b->tally);
	assert_ptr_equal(next->tally, a->tally);
	assert_int_equal(a->tally->refs, 2);
	retire(a);
	assert_int_equal(next->tally->refs, 1);
}

static void the_last_reference_frees(void **state)
{
	int before = queues_count();
	struct listener *l = listener_of("services = echo\n");

	assert_int_equal(l->refs, 1);
	assert_ptr_equal(listener_ref(l), l);
	assert_int_equal(l->refs, 2);
	listener_unref(l);
	assert_int_equal(l->refs, 1);
	assert_int_equal(queues_count(), before + 3);
	retire(l);
	assert_int_equal(queues_count(), before);
}

static void a_connection_keeps_the_generation_it_began_with(void **state)
{
	struct listener *old = listener_of("services = upper\n");
	int before, first, second;
	struct listener *new;

	call(old, &first);
	new = listener_after(old, "services = echo\n");
	before = queues_count();
	retire(old);
	call(new, &second);
	say(first, "abc");
	say(second, "abc");
	assert_hears(first, "ABC");
	assert_hears(second, "abc");
	assert_int_equal(new->tally->refs, 2);
	close(first);
	settle();
	conn_table_reap(&table);
	assert_int_equal(queues_count(), before - 3);
	assert_int_equal(new->tally->refs, 1);
	close(second);
}

/* Of two callers the second comes after a reload; there is place for one. */
static void assert_reload_makes_no_place(const char *keys, const char *refusal)
{
	struct listener *old = listener_of(keys), *new;
	int first, second, third;

	call(old, &first);
	new = listener_after(old, keys);
	retire(old);
	call(new, &second);
	assert_hears_last(second, refusal);
	close(first);
	settle();
	close(second);
	call(new, &third);
	say(third, "abc");
	assert_hears(third, "abc");
	close(third);
}

static void the_clients_of_all_generations_count(void **state)
{
	assert_reload_makes_no_place("services = echo\nmax_clients = 1\n",
				     "ERR too many clients, try again later\n");
}

static void the_clients_of_an_address_count_over_all_generations(void **state)
{
	assert_reload_makes_no_place("services = echo\nmax_clients_per_ip = 1\n",
				     "ERR too many clients from your address\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(a_listener_has_the_deadlines_of_its_settings),
		FIXTURE_TEST(listeners_count_apart_and_generations_together),
		FIXTURE_TEST(the_last_reference_frees),
		FIXTURE_TEST(a_connection_keeps_the_generation_it_began_with),
		FIXTURE_TEST(the_clients_of_all_generations_count),
		FIXTURE_TEST(the_clients_of_an_address_count_over_all_generations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
