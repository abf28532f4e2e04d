/* SPDX-License-Identifier: MIT */
#include "services/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/stats.h"
#include "net/conn.h"
#include "process/job.h"
#include "process/program.h"

#define INPUT_WORK 4096 /* bytes of input that count as a simple request, conn_charge() */

void run_free(struct run *run)
{
	slots_leave(&run->places->slots, &run->slot);
	places_unref(run->places);
	run_output_free(&run->output);
	run_input_free(&run->input);
	if (run->command != NULL)
		command_unref(run->command);
	free(run->words);
	free(run);
}

/* ---- output ---- */

/* There is something to tell the caller, if it waits. */
static void run_wake(struct run *run)
{
	if (run->c != NULL && (run->kind != RUN_STARTED || run->asked))
		conn_wake(run->c);
}

/* The job has output. Where that is said at once, more is read when the caller has taken it. */
static void run_heard(struct job *job, enum job_stream stream, const char *data, size_t len)
{
	struct run *run = container_of(job, struct run, job);
	struct call call;

	run->log.bytes[stream] += len;
	if (run->c == NULL)
		return;
	if (run->heard != NULL) {
		run->heard(run, stream, data, len);
		return;
	}
	if (run->output.whole) {
		run_output_keep(&run->output, stream, data, len, run->command->max_output);
		return;
	}
	call = conn_call(run->c);
	run_output_say(&run->output, &call, stream, data, len);
	conn_wake(run->c);
	if (run->c != NULL && conn_owes(run->c))
		job_pause(job);
}

/* ---- input ---- */

/* Whether the caller is there, and has not ended the input. */
static bool run_takes_input(const struct run *run)
{
	return run->c != NULL && run->task.request != NULL;
}

/* The caller has sent more than max_input: stop the job. */
static void input_refuse(struct run *run)
{
	reason_set(&run->error, "ERR %s: more input than its max_input, %zu bytes",
		   run->places->name, run->command->max_input);
	run_log_too_much_input(&run->log, run->command->max_input);
	stats.refused_input++;
	job_stop(&run->job);
}

/* The input has ended. Where some was refused the pipe stays open: the command must not take a part
 * for the whole. */
static void input_end(struct run *run)
{
	run->task.request = NULL;
	if (run->error.text[0] == '\0')
		job_end_input(&run->job);
}

/* Take the data of an INPUT. Returns as request() of struct task. */
static int input_take(struct run *run, const struct slice *data, size_t count)
{
	size_t len = slices_len(data, count);

	if (len == 0) {
		input_end(run);
		return 1;
	}
	conn_charge(run->c, (unsigned)(len / INPUT_WORK));
	if (run_input_give(&run->input, &run->job, data, count, run->command->max_input) == 0)
		return 1;
	if (errno != EMSGSIZE)
		return -1;
	input_refuse(run);
	return 1;
}

/* An INPUT without data ends the input, and so do any other request, and the end of requests. */
static int run_request(const struct call *call, struct task *t)
{
	struct run *run = container_of(t, struct run, task);

	if (run_input_waits(&run->input) || run->state == RUN_WAITS)
		return 0; /* until the command has taken what waits, or there is a place */
	if (call->argc == 0 || !slice_is(&call->argv[0], "INPUT")) {
		input_end(run);
		return 0;
	}
	if (run->error.text[0] != '\0' || !job_takes_input(&run->job))
		return 1; /* taken, and thrown away */
	return input_take(run, call->argv + 1, (size_t)call->argc - 1);
}

/* ---- the job ---- */

/* There is room for input, or nobody takes input any more. */
static void run_writable(struct job *job)
{
	struct run *run = container_of(job, struct run, job);

	run_input_write(&run->input, job);
	if (!run_input_waits(&run->input) && run_takes_input(run))
		conn_wake(run->c);
}

/* Nothing runs any more: give the place back, however slowly the caller takes the rest of the
 * output.
 */
static void run_exited(struct job *job)
{
	struct run *run = container_of(job, struct run, job);

	slots_leave(&run->places->slots, &run->slot);
	run_writable(job);
}

static void run_ended(struct job *job)
{
	struct run *run = container_of(job, struct run, job);

	run->state = RUN_ENDED;
	run_log_job(&run->log, job);
	places_count_job(run->places, job);
	if (run->c != NULL)
		run_wake(run);
	else
		run_free(run);
}

static const struct job_ops run_ops = {
	.output = run_heard,
	.writable = run_writable,
	.exited = run_exited,
	.ended = run_ended,
};

/* Why there is no job, by errno. */
static void start_explain(struct run *run, const char *program)
{
	const char *cwd = run->command->cwd;
	struct reason reason, folder;
	int error = errno;

	if (run->job.step == SPAWN_EXEC) {
		program_explain(program, error, &reason);
	} else if (run->job.step == SPAWN_CHDIR) {
		if (!folder_is_refused(cwd, &folder))
			reason_set(&folder, "%s: %s", cwd, strerror(error));
		reason_set(&reason, "its folder %s", folder.text);
	} else {
		reason_set(&reason, "%s", strerror(error));
	}
	reason_set(&run->error, "ERR %s: cannot be run: %s", run->places->name, reason.text);
	run_log_not_run(&run->log, reason.text);
	places_count_not_started(run->places);
}

/* There is no job; run->error says why. */
static void run_give_up(struct run *run)
{
	run->state = RUN_ENDED;
	slots_leave(&run->places->slots, &run->slot);
}

/* Start the job. Takes argv. */
static void run_start(struct run *run, struct command *command, char **argv)
{
	const struct spawn_spec spec = {
		.argv = argv,
		.envp = command->envp,
		.cwd = command->cwd,
		.stdin_fd = -1,
		.piped = run->kind == RUN_PIPE,
		.nice = command->nice,
	};

	run->command = command_ref(command);
	run_log_args(&run->log, argv + 1);
	if (job_start(&run->job, &spec, &command->timeouts, &run_ops) == 0) {
		run->state = RUN_RUNS;
	} else {
		start_explain(run, argv[0]);
		run_give_up(run);
	}
	free(argv);
}

/* Whatever becomes of a job that runs, pairs will be said of it; or, where output is said as it
 * comes, there may be some of no length. */
static void run_eof(const struct call *call, struct task *t)
{
	struct run *run = container_of(t, struct run, task);

	if (run->state != RUN_RUNS)
		return;
	if (run->output.whole)
		run_output_begin(&run->output, call);
	else
		run_output_say(&run->output, call, JOB_STDOUT, "", 0);
}

/* ---- a place ---- */

/* The run has its turn. The configuration may be another than when it was asked for. */
static void run_granted(struct slot *slot)
{
	struct run *run = container_of(slot, struct run, slot);
	struct call call = conn_call(run->c);
	struct command *command;
	char **argv = command_admit(call.peer, run->words, run->count, run->kind == RUN_PIPE,
				    &command, &run->error);

	free(run->words);
	run->words = NULL;
	if (argv != NULL)
		run_start(run, command, argv);
	else
		run_give_up(run);
	if (conn_has_ended(run->c) && run->task.eof != NULL)
		run_eof(&call, &run->task);
	if (run->state == RUN_ENDED || run->output.begun || run_takes_input(run))
		run_wake(run);
}

/* The caller has gone. A command that is to go on without a caller is stopped all the same if its
 * input has not ended: it must not take a part for the whole. */
void run_abandon(struct run *run)
{
	bool input_has_ended = !run_takes_input(run);

	run->c = NULL;
	if (run->state != RUN_RUNS) {
		run_free(run);
		return;
	}
	job_resume(&run->job);
	if (run->command->on_disconnect == ON_DISCONNECT_STOP || !input_has_ended)
		job_stop(&run->job);
}

static void run_gone(struct task *t)
{
	run_abandon(container_of(t, struct run, task));
}

/* ---- the reply ---- */

int run_say_end(const struct call *call, struct run *run)
{
	if (run->error.text[0] != '\0')
		return say_error(call, "%s", run->error.text);
	return run_output_end(&run->output, call, &run->job);
}

static enum task_progress run_more(const struct call *call, struct task *t)
{
	struct run *run = container_of(t, struct run, task);
	int result;

	if (run->output.failed)
		return TASK_FAILED;
	if (run->state == RUN_RUNS)
		job_resume(&run->job);
	if (run->state != RUN_ENDED)
		return TASK_WAITS;
	result = run_say_end(call, run);
	if (result < 0)
		return TASK_FAILED;
	run_free(run);
	return TASK_DONE;
}

/* ---- the beginning ---- */

static struct run *run_new(const struct call *call, struct command *command, enum run_kind kind)
{
	struct run *run = calloc(1, sizeof(*run));

	if (run == NULL)
		return NULL;
	run->task = (struct task){.more = run_more,
				  .gone = run_gone,
				  .eof = run_eof,
				  .request = kind == RUN_PIPE ? run_request : NULL};
	run->places = places_ref(command->places);
	run->c = call->conn;
	run->kind = kind;
	run->output.whole = kind == RUN_WHOLE || kind == RUN_STARTED;
	run->log.command = run->places->name;
	run->log.peer = *call->peer;
	return run;
}

/* Keep what was asked for while the run waits. Returns 0, or -1 with ENOMEM. */
static int run_wait(struct run *run, const struct slice *words, size_t count)
{
	run->words = slices_copy(words, count);
	run->count = count;
	return run->words != NULL ? 0 : -1;
}

static int busy_say(const struct call *call, const struct command *command)
{
	command->places->busy++;
	stats.refused_busy++;
	return say_error(call, "BUSY command '%s' runs %d times already, and %d wait",
			 command->section.name, command->max_running, command->max_waiting);
}

int run_admit(const struct call *call, const struct slice *words, size_t count, enum run_kind kind,
	      struct run **admitted)
{
	struct command *command;
	struct reason error;
	char **argv = command_admit(call->peer, words, count, kind == RUN_PIPE, &command, &error);
	struct run *run;
	int place;

	*admitted = NULL;
	if (argv == NULL)
		return say_error(call, "%s", error.text);
	run = run_new(call, command, kind);
	if (run == NULL) {
		free(argv);
		return -1;
	}
	place = slots_enter(&run->places->slots, &run->slot, run_granted);
	if (place > 0)
		run_start(run, command, argv);
	else
		free(argv);
	if (place < 0 || (place == 0 && run_wait(run, words, count) < 0)) {
		run_free(run);
		return place < 0 ? busy_say(call, command) : -1;
	}
	*admitted = run;
	return 0;
}

int run_begin(const struct call *call, const struct slice *words, size_t count, enum run_kind kind)
{
	struct run *run;
	int result = run_admit(call, words, count, kind, &run);

	if (run != NULL)
		conn_task(call->conn, &run->task);
	return result;
}
