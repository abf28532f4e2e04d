/* SPDX-License-Identifier: MIT */
#include "services/started.h"

#define STARTED_MAX 4 /* of a connection, whose end was not told yet */
#define KEPT_BYTES                                                                      \
	(32 * 1024)  /* then no more is read; at most 64 KiB of each stream come on top \
		      */
#define WAIT_MS 1000 /* that NEWS waits for some */

static struct deadline_queue waits; /* of WAIT_MS, once there was one */
static uint32_t last_number;

static size_t kept_bytes(const struct run *run)
{
	return buf_len(&run->output.kept[JOB_STDOUT]) + buf_len(&run->output.kept[JOB_STDERR]);
}

static void started_heard(struct run *run, enum job_stream stream, const char *data, size_t len)
{
	run_output_keep(&run->output, stream, data, len, SIZE_MAX);
	if (kept_bytes(run) >= KEPT_BYTES)
		job_pause(&run->job);
	if (run->asked)
		conn_wake(run->c);
}

/* ---- NEWS ---- */

static void wait_expired(struct deadline *d)
{
	struct run *run = container_of(d, struct run, deadline);

	run->due = true;
	conn_wake(run->c);
}

static void wait_start(struct run *run)
{
	if (waits.all == NULL)
		deadline_queue_init(&conn_loop(run->c)->deadlines, &waits, WAIT_MS, wait_expired);
	if (run->deadline.queue == NULL)
		deadline_start(&waits, &run->deadline);
}

static void wait_end(struct run *run)
{
	run->asked = false;
	deadline_cancel(&run->deadline);
}

static int news_say(const struct call *call, struct run *run)
{
	int result = run_output_so_far(&run->output, call);

	if (run->state == RUN_RUNS)
		job_resume(&run->job);
	return result;
}

static int end_say(const struct call *call, struct run *run)
{
	if (run_say_end(call, run) < 0)
		return -1; /* the run goes when the connection does */
	conn_leave(&run->companion);
	run_free(run);
	return 0;
}

static enum task_progress news_more(const struct call *call, struct task *t)
{
	struct run *run = container_of(t, struct run, task);
	int result;

	if (run->state != RUN_ENDED && !run->due && kept_bytes(run) == 0) {
		wait_start(run);
		return TASK_WAITS;
	}
	wait_end(run);
	result = run->state == RUN_ENDED ? end_say(call, run) : news_say(call, run);
	return result < 0 ? TASK_FAILED : TASK_DONE;
}

static void news_gone(struct task *t)
{
	wait_end(container_of(t, struct run, task));
}

static void started_gone(struct companion *x)
{
	run_abandon(container_of(x, struct run, companion));
}

/* The run of c after `run`, or the first one where that is NULL; NULL: no more. */
static struct run *run_next(const struct conn *c, const struct run *run)
{
	struct companion *x = conn_companion_next(c, run != NULL ? &run->companion : NULL);

	while (x != NULL && x->gone != started_gone)
		x = conn_companion_next(c, x);
	return x != NULL ? container_of(x, struct run, companion) : NULL;
}

int started_news(const struct call *call)
{
	char text[SLICE_TEXT_MAX];
	struct run *run = NULL;
	int64_t number;

	if (!slice_integer(&call->argv[1], &number))
		return say_error(call, "ERR the number of a run is an integer");
	do
		run = run_next(call->conn, run);
	while (run != NULL && run->number != number);
	if (run == NULL)
		return say_error(call,
				 "ERR there is no run %s of this connection: its end was told, "
				 "or another has started it",
				 slice_print(&call->argv[1], text));
	run->asked = true;
	run->due = false;
	conn_task(call->conn, &run->task);
	return 0;
}

/* ---- START ---- */

static bool is_refused(const struct call *call)
{
	unsigned count = 0;

	for (struct run *run = run_next(call->conn, NULL); run != NULL;
	     run = run_next(call->conn, run))
		count++;
	return count >= STARTED_MAX;
}

/* Answer a START with the number of its run, which is taken. */
static int number_say(const struct call *call, struct run *run)
{
	int result = -1;

	run->task = (struct task){.more = news_more, .gone = news_gone};
	run->heard = started_heard;
	run->companion.gone = started_gone;
	run->number = ++last_number;
	if (run->state != RUN_ENDED && conn_accompany(call->conn, &run->companion) == 0)
		return say_integer(call, run->number);
	if (run->state == RUN_ENDED)
		result = run_say_end(call, run);
	run_abandon(run);
	return result;
}

int started_start(const struct call *call)
{
	struct run *run;
	int result;

	if (is_refused(call))
		return say_error(call, "BUSY the connection has started others, whose end NEWS has "
				       "not told yet");
	result = run_admit(call, call->argv + 1, (size_t)call->argc - 1, RUN_STARTED, &run);
	return run != NULL ? number_say(call, run) : result;
}

void started_stop(void)
{
	if (waits.all != NULL)
		deadline_queue_free(&waits);
	waits.all = NULL;
}
