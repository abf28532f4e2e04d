/* SPDX-License-Identifier: MIT */
#include "caller.h"

#include "net/table.h"

#define RESP "protocol = resp\nservices = upper\n"

/* How many answers of a verb are counted. */
static uint64_t answered(const struct listener *l, const char *verb)
{
	return histogram_count(&tally_answers(l->tally, verb)->lap.took);
}

static void requests_bytes_and_ends_are_counted_for_all_and_for_their_listener(void **state)
{
	struct listener *a = listener_of("services = upper\n"),
			*b = listener_of("services = upper\n");
	int first, second;

	enter(a, pair_open(&first), NULL, channel_plain(false));
	enter(b, pair_open(&second), NULL, channel_plain(false));
	say(first, "abc");
	assert_hears(first, "ABC");
	say(second, "defgh");
	assert_int_equal(stats.accepted, 2);
	assert_int_equal(stats.clients, 2);
	assert_int_equal(stats.requests, 2);
	assert_int_equal(stats.bytes_in, 8);
	assert_int_equal(stats.bytes_out, 8);
	assert_int_equal(a->tally->accepted, 1);
	assert_int_equal(a->tally->clients, 1);
	assert_int_equal(a->tally->bytes_in, 3);
	assert_int_equal(a->tally->bytes_out, 3);
	assert_int_equal(b->tally->bytes_in, 5);
	close(first);
	settle();
	assert_int_equal(stats.clients, 1);
	assert_int_equal(stats.ended_eof, 1);
	assert_int_equal(a->tally->clients, 0);
	assert_int_equal(a->tally->ended_eof, 1);
	assert_int_equal(b->tally->ended_eof, 0);
	close(second);
}

static void answers_count_by_the_service_where_there_are_no_verbs(void **state)
{
	struct listener *l = listener_of("services = upper\n");
	int fd;

	enter(l, pair_open(&fd), NULL, channel_plain(false));
	say(fd, "abc");
	say(fd, "def");
	assert_int_equal(answered(l, "upper"), 2);
	assert_ptr_equal(l->answers[0], tally_answers(l->tally, "upper"));
	close(fd);
}

static void answers_count_by_verb_and_peers_make_no_new_ones(void **state)
{
	struct listener *l = listener_of(RESP);
	const struct answers *answers;
	int fd, verbs = 0, after = 0;

	TAILQ_FOREACH(answers, &l->tally->answers, entry)
		verbs++;
	enter(l, pair_open(&fd), NULL, channel_plain(false));
	say(fd, "UPPER a\r\nupper b\r\n\r\nNONSENSE\r\nNEVER-SEEN\r\nPING\r\n");
	assert_int_equal(answered(l, "UPPER"), 2);
	assert_int_equal(answered(l, "PING"), 1);
	assert_int_equal(answered(l, "other"), 2);
	assert_int_equal(answered(l, "ECHO"), 0);
	assert_int_equal(stats.errors, 2);
	TAILQ_FOREACH(answers, &l->tally->answers, entry)
		after++;
	assert_int_equal(after, verbs);
	close(fd);
}

static void those_read_together_took_as_long_as_all_of_them(void **state)
{
	struct listener *l = listener_of(RESP);
	const struct histogram *ping = &tally_answers(l->tally, "PING")->lap.took,
			       *upper = &tally_answers(l->tally, "UPPER")->lap.took;
	int fd;

	enter(l, pair_open(&fd), NULL, channel_plain(false));
	say(fd, "PING\r\nPING\r\nUPPER a\r\n");
	assert_int_equal(histogram_count(ping), 2);
	assert_true(upper->sum_ns > 0);
	assert_int_equal(ping->sum_ns, 2 * upper->sum_ns);
	close(fd);
}

static void a_reload_counts_on_with_the_verbs_that_stay(void **state)
{
	struct listener *old = listener_of(RESP), *new;
	int first, second;

	enter(old, pair_open(&first), NULL, channel_plain(false));
	say(first, "UPPER a\r\n");
	new = listener_after(old, "protocol = resp\nservices = echo upper\n"
				  "idle_timeout = 3s\n");
	enter(new, pair_open(&second), NULL, channel_plain(false));
	say(second, "UPPER b\r\n");
	say(first, "UPPER c\r\n");
	assert_int_equal(answered(new, "UPPER"), 3);
	assert_int_equal(new->tally->accepted, 2);
	close(first);
	close(second);
}

static void what_is_malformed_is_a_refusal(void **state)
{
	struct listener *l = listener_of(RESP);
	int fd;

	enter(l, pair_open(&fd), NULL, channel_plain(false));
	say(fd, "*x\r\n");
	assert_int_equal(stats.refused_malformed, 1);
	assert_int_equal(stats.refused_peer, 0);
	close(fd);
}

/* ---- what takes more than a turn ---- */

static struct task task;
static bool is_done;

static enum task_progress task_more(const struct call *call, struct task *t)
{
	return is_done ? TASK_DONE : TASK_WAITS;
}

static void task_gone(struct task *t)
{
}

static int task_begin(const struct call *call)
{
	is_done = call->argc == 0 || call->argv[0].data[0] == 'd';
	task = (struct task){.more = task_more, .gone = task_gone};
	conn_task(call->conn, &task);
	return 0;
}

static const struct service service_slow = {
	.name = "slow",
	.protocols = PROTOCOL_RAW,
	.request = task_begin,
};

/* A listener whose service answers with a task, and a connection. */
static struct listener *slow_listener(struct conn **c, int *fd)
{
	struct listener *l = listener_of("services = upper\n");

	l->conf->service = &service_slow;
	*c = enter(l, pair_open(fd), NULL, channel_plain(false));
	return l;
}

static void a_task_counts_when_it_is_done_from_its_request_on(void **state)
{
	struct conn *c;
	int fd;
	struct listener *l = slow_listener(&c, &fd);
	const struct histogram *took = &l->answers[0]->lap.took;
	int64_t began_ns = clock_ns();

	say(fd, "x");
	assert_int_equal(histogram_count(took), 0);
	task.began_ns -= 2000000;
	is_done = true;
	conn_wake(c);
	assert_int_equal(histogram_count(took), 1);
	assert_true(took->sum_ns >= 2000000);
	assert_true(took->sum_ns <= (uint64_t)(clock_ns() - began_ns) + 1000000000);
	close(fd);
}

static void a_task_that_ends_in_its_first_turn_counts_once(void **state)
{
	struct conn *c;
	int fd;
	struct listener *l = slow_listener(&c, &fd);

	say(fd, "d");
	assert_int_equal(histogram_count(&l->answers[0]->lap.took), 1);
	assert_true(l->answers[0]->lap.took.sum_ns > 0);
	close(fd);
}

static void a_task_whose_caller_leaves_counts_too(void **state)
{
	struct conn *c;
	int fd;
	struct listener *l = slow_listener(&c, &fd);

	say(fd, "x");
	conn_close(c, ENDING_reset);
	assert_int_equal(histogram_count(&l->answers[0]->lap.took), 1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(requests_bytes_and_ends_are_counted_for_all_and_for_their_listener),
		FIXTURE_TEST(answers_count_by_the_service_where_there_are_no_verbs),
		FIXTURE_TEST(answers_count_by_verb_and_peers_make_no_new_ones),
		FIXTURE_TEST(those_read_together_took_as_long_as_all_of_them),
		FIXTURE_TEST(a_reload_counts_on_with_the_verbs_that_stay),
		FIXTURE_TEST(what_is_malformed_is_a_refusal),
		FIXTURE_TEST(a_task_counts_when_it_is_done_from_its_request_on),
		FIXTURE_TEST(a_task_that_ends_in_its_first_turn_counts_once),
		FIXTURE_TEST(a_task_whose_caller_leaves_counts_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
