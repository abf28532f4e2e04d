/* SPDX-License-Identifier: MIT */
#include "services/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/burst.h"
#include "core/log.h"
#include "core/signal_name.h"
#include "net/conn.h"
#include "process/job.h"
#include "process/program.h"
#include "services/command.h"

#define ARGS_MAX 512    /* bytes of the arguments in the log */
#define INPUT_WORK 4096 /* bytes of input that count as a simple request, conn_charge() */

/* words stands for what was asked while it waits, command for what was made of it since. */
struct run {
	struct task task;
	struct job job;
	struct slot slot;
	struct places *places;   /* a reference */
	struct slice *words;     /* owned; NULL: it does not wait */
	size_t count;            /* of words */
	struct command *command; /* a reference; NULL: there was no start */
	struct conn *c;          /* NULL: its caller has gone */
	enum run_kind kind;
	bool started; /* the job is one */
	bool ended;   /* nothing more happens to it but a last word to its caller */
	bool begun;   /* the first byte of its next array has been said */
	bool truncated;
	bool failed;        /* there was no memory for its output, kind not RUN_WHOLE */
	struct buf kept[2]; /* RUN_WHOLE: output, by enum job_stream */
	uint64_t bytes[2];  /* of output */
	struct buf input;   /* RUN_PIPE: what has not gone to the command yet */
	size_t input_bytes; /* with what has */
	struct peer peer;
	char args[ARGS_MAX]; /* for the log: words that a NUL ends, as far as they fit */
	size_t args_size;
	char error[COMMAND_ERROR_MAX]; /* "CODE reason": why it has no end of its own; or "" */
};

static void run_free(struct run *run)
{
	slots_leave(&run->places->slots, &run->slot);
	places_unref(run->places);
	buf_free(&run->kept[0]);
	buf_free(&run->kept[1]);
	buf_free(&run->input);
	if (run->command != NULL)
		command_unref(run->command);
	free(run->words);
	free(run);
}

/* ---- the log ---- */

static void args_keep(struct run *run, char *const *argv)
{
	size_t len = 0, size;

	for (; *argv != NULL && len < ARGS_MAX; argv++) {
		size = strlen(*argv) + 1;
		if (size > ARGS_MAX - len)
			size = ARGS_MAX - len;
		memcpy(run->args + len, *argv, size);
		len += size;
	}
	while (*argv != NULL && len > 0 && run->args[len - 1] == '\0')
		len--; /* so that the last one is cut, log_words() */
	run->args_size = len;
}

static const char *signal_text(int signal)
{
	const char *name = signal_name(signal);

	return name != NULL ? name : "unknown";
}

static void run_log(const struct run *run)
{
	const struct job *job = &run->job;
	char peer[PEER_TEXT_MAX];

	if (!log_takes(LOG_INFO))
		return;
	log_info("job", log_text("command", run->places->name),
		 log_text("peer", peer_print(&run->peer, peer)),
		 job->signal > 0 ? log_text("signal", signal_text(job->signal))
				 : log_number("exit", (uint64_t)job->exit_status),
		 log_text("timed_out", job->timed_out ? "yes" : NULL),
		 log_number("ms", (uint64_t)job->duration_ms),
		 log_number("stdout", run->bytes[JOB_STDOUT]),
		 log_number("stderr", run->bytes[JOB_STDERR]),
		 log_words("arg", run->args, run->args_size));
}

static void start_log(const struct run *run, const char *reason)
{
	char peer[PEER_TEXT_MAX];

	if (burst_takes("not_run", "command", run->places->name, NULL))
		log_info("not_run", log_text("command", run->places->name),
			 log_text("peer", peer_print(&run->peer, peer)),
			 log_text("reason", reason));
}

/* ---- output ---- */

/* RUN keeps so much and no more, but reads on: a full pipe would stop the command. */
static void run_keep(struct run *run, enum job_stream stream, const char *data, size_t len)
{
	struct buf *kept = &run->kept[stream];
	size_t room = run->command->max_output - buf_len(kept);

	if (len > room)
		run->truncated = true;
	if (buf_add(kept, data, len < room ? len : room) < 0)
		run->truncated = true;
}

static enum composite run_composite(const struct run *run)
{
	return run->kind == RUN_WHOLE ? REPLY_PAIRS : REPLY_LIST;
}

/* The beginning of its next reply, the first byte of which may have been said. */
static int composite_say(const struct call *call, struct run *run, size_t count)
{
	enum composite kind = run_composite(run);

	if (!run->begun && say_begin(call, kind) < 0)
		return -1;
	run->begun = false;
	return say_end(call, kind, count);
}

static int output_say(const struct call *call, struct run *run, enum job_stream stream,
		      const char *data, size_t len)
{
	static const char *const names[] = {"stdout", "stderr"};

	if (composite_say(call, run, 2) < 0 || say_text(call, names[stream]) < 0)
		return -1;
	return say_bytes(call, data, len);
}

/* STREAM says it at once, and reads on when the caller has taken it. */
static void run_say(struct run *run, enum job_stream stream, const char *data, size_t len)
{
	struct call call = conn_call(run->c);

	if (!run->failed)
		run->failed = output_say(&call, run, stream, data, len) < 0;
	conn_wake(run->c);
	if (run->c != NULL && conn_owes(run->c))
		job_pause(&run->job);
}

/* ---- input ---- */

/* Its caller is there, and has not ended it. */
static bool run_takes_input(const struct run *run)
{
	return run->c != NULL && run->task.request != NULL;
}

/* Give the command what waits, or throw it away where nobody takes it. */
static void input_write(struct run *run)
{
	size_t len = buf_len(&run->input);
	ssize_t taken = len > 0 ? job_write(&run->job, buf_data(&run->input), len) : 0;

	buf_consume(&run->input, taken >= 0 ? (size_t)taken : len);
	if (buf_len(&run->input) == 0)
		buf_free(&run->input);
}

/* Give the command data, of which waits what it does not take at once. Returns 0, or -1 with
 * ENOMEM. */
static int input_add(struct run *run, const struct slice *data)
{
	ssize_t taken = 0;

	if (buf_len(&run->input) == 0)
		taken = job_write(&run->job, data->data, data->len);
	if (taken < 0)
		return 0;
	return buf_add(&run->input, data->data + taken, data->len - (size_t)taken);
}

static void input_log(const struct run *run)
{
	const char *name = run->places->name;
	char peer[PEER_TEXT_MAX];

	if (burst_takes("too_much_input", "command", name, NULL))
		log_info("too_much_input", log_text("command", name),
			 log_text("peer", peer_print(&run->peer, peer)),
			 log_number("max_input", run->command->max_input));
}

static void input_refuse(struct run *run)
{
	snprintf(run->error, sizeof(run->error), "ERR %s: more input than its max_input, %zu bytes",
		 run->places->name, run->command->max_input);
	input_log(run);
	job_stop(&run->job);
}

/* Where it was refused the pipe stays open: the command must not take a part for the whole. */
static void input_end(struct run *run)
{
	run->task.request = NULL;
	if (run->error[0] == '\0')
		job_end_input(&run->job);
}

/* Returns as struct task has it. */
static int input_take(struct run *run, const struct slice *data, size_t count)
{
	size_t len = 0;

	for (size_t i = 0; i < count; i++)
		len += data[i].len;
	if (len == 0) {
		input_end(run);
		return 1;
	}
	conn_charge(run->c, (unsigned)(len / INPUT_WORK));
	if (len > run->command->max_input - run->input_bytes) {
		input_refuse(run);
		return 1;
	}
	run->input_bytes += len;
	for (size_t i = 0; i < count; i++)
		if (input_add(run, &data[i]) < 0)
			return -1;
	return 1;
}

/* Any other request, and that there will be none, are the end of input as well. */
static int run_request(const struct call *call, struct task *t)
{
	struct run *run = container_of(t, struct run, task);

	if (buf_len(&run->input) > 0 || (!run->started && !run->ended))
		return 0; /* for the command, or for a place */
	if (call->argc == 0 || !slice_is(&call->argv[0], "INPUT")) {
		input_end(run);
		return 0;
	}
	if (run->error[0] != '\0' || !job_takes_input(&run->job))
		return 1; /* and is thrown away */
	return input_take(run, call->argv + 1, (size_t)call->argc - 1);
}

/* ---- the job ---- */

static void run_output(struct job *job, enum job_stream stream, const char *data, size_t len)
{
	struct run *run = container_of(job, struct run, job);

	run->bytes[stream] += len;
	if (run->c == NULL)
		return;
	if (run->kind == RUN_WHOLE)
		run_keep(run, stream, data, len);
	else
		run_say(run, stream, data, len);
}

/* There is room for input, or nobody who takes it any more. */
static void run_writable(struct job *job)
{
	struct run *run = container_of(job, struct run, job);

	input_write(run);
	if (buf_len(&run->input) == 0 && run_takes_input(run))
		conn_wake(run->c);
}

/* Its place is free, however slowly the caller takes the rest of the output. */
static void run_exited(struct job *job)
{
	struct run *run = container_of(job, struct run, job);

	slots_leave(&run->places->slots, &run->slot);
	run_writable(job);
}

static void run_ended(struct job *job)
{
	struct run *run = container_of(job, struct run, job);

	run->ended = true;
	run_log(run);
	if (run->c != NULL)
		conn_wake(run->c);
	else
		run_free(run);
}

static const struct job_ops run_ops = {
	.output = run_output,
	.writable = run_writable,
	.exited = run_exited,
	.ended = run_ended,
};

/* Why there is no job, by errno. */
static void start_explain(struct run *run, const char *program)
{
	const char *cwd = run->command->cwd;
	char reason[PROGRAM_REASON_MAX], folder[PROGRAM_REASON_MAX];
	int error = errno;

	if (run->job.step == JOB_STEP_EXEC) {
		program_explain(program, error, reason);
	} else if (run->job.step == JOB_STEP_CHDIR) {
		if (!folder_is_refused(cwd, folder))
			snprintf(folder, sizeof(folder), "%.160s: %s", cwd, strerror(error));
		snprintf(reason, sizeof(reason), "its folder %.240s", folder);
	} else {
		snprintf(reason, sizeof(reason), "%s", strerror(error));
	}
	snprintf(run->error, sizeof(run->error), "ERR %s: cannot be run: %s", run->places->name,
		 reason);
	start_log(run, reason);
}

/* It has no job; its error says why. */
static void run_give_up(struct run *run)
{
	run->ended = true;
	slots_leave(&run->places->slots, &run->slot);
}

/* Takes argv. */
static void run_start(struct run *run, struct command *command, char **argv)
{
	const struct job_spec spec = {
		.argv = argv,
		.envp = command->envp,
		.cwd = command->cwd,
		.stdin_fd = -1,
		.piped = run->kind == RUN_PIPE,
		.nice = command->nice,
	};

	run->command = command_ref(command);
	args_keep(run, argv + 1);
	run->started = job_start(&run->job, &spec, &command->timeouts, &run_ops) == 0;
	if (!run->started) {
		start_explain(run, argv[0]);
		run_give_up(run);
	}
	free(argv);
}

/* Whatever becomes of a job that runs, an array will be said of it; or, where too much input can
 * still come, an error, but there may be output of no length before that. */
static void run_eof(const struct call *call, struct task *t)
{
	struct run *run = container_of(t, struct run, task);

	if (!run->started || run->ended || run->begun)
		return;
	if (run->kind == RUN_PIPE)
		run->failed = output_say(call, run, JOB_STDOUT, "", 0) < 0;
	else
		run->begun = say_begin(call, run_composite(run)) == 0;
}

/* ---- a place ---- */

/* The configuration may be another than when it was asked for. */
static void run_granted(struct slot *slot)
{
	struct run *run = container_of(slot, struct run, slot);
	struct call call = conn_call(run->c);
	struct command *command;
	char **argv = command_admit(call.peer, run->words, run->count, run->kind == RUN_PIPE,
				    &command, run->error);

	free(run->words);
	run->words = NULL;
	if (argv != NULL)
		run_start(run, command, argv);
	else
		run_give_up(run);
	if (conn_has_ended(run->c))
		run_eof(&call, &run->task);
	if (run->ended || run->begun || run_takes_input(run))
		conn_wake(run->c);
}

/* Returns one allocation, or NULL with ENOMEM. */
static struct slice *words_copy(const struct slice *words, size_t count)
{
	size_t size = count * sizeof(*words);
	struct slice *copy;
	char *to;

	for (size_t i = 0; i < count; i++)
		size += words[i].len;
	copy = malloc(size);
	if (copy == NULL)
		return NULL;
	to = (char *)(copy + count);
	for (size_t i = 0; i < count; i++) {
		memcpy(to, words[i].data, words[i].len);
		copy[i] = (struct slice){to, words[i].len};
		to += words[i].len;
	}
	return copy;
}

/* Of a command that is to go on without its caller, input that has not ended stays open: what there
 * is of it must not be taken for all. */
static void run_gone(struct task *t)
{
	struct run *run = container_of(t, struct run, task);
	bool input_has_ended = !run_takes_input(run);

	run->c = NULL;
	if (!run->started || run->ended) {
		run_free(run);
		return;
	}
	job_resume(&run->job);
	if (run->command->on_disconnect == ON_DISCONNECT_STOP || !input_has_ended)
		job_stop(&run->job);
}

/* ---- what is said of it ---- */

static int named_integer_say(const struct call *call, const char *name, int64_t value)
{
	return say_text(call, name) < 0 ? -1 : say_integer(call, value);
}

static int signal_say(const struct call *call, int signal)
{
	return say_text(call, signal_text(signal));
}

static int kept_say(const struct call *call, const char *name, const struct buf *kept)
{
	if (say_text(call, name) < 0)
		return -1;
	return say_bytes(call, buf_data(kept), buf_len(kept));
}

static int status_say(const struct call *call, const struct job *job)
{
	if (say_text(call, "exit") < 0 ||
	    (job->signal > 0 ? say_nil(call) : say_integer(call, job->exit_status)) < 0 ||
	    say_text(call, "signal") < 0)
		return -1;
	return job->signal > 0 ? signal_say(call, job->signal) : say_nil(call);
}

static int result_say(const struct call *call, struct run *run)
{
	if (composite_say(call, run, 7) < 0 || status_say(call, &run->job) < 0 ||
	    named_integer_say(call, "timed_out", run->job.timed_out) < 0 ||
	    named_integer_say(call, "truncated", run->truncated) < 0 ||
	    kept_say(call, "stdout", &run->kept[JOB_STDOUT]) < 0 ||
	    kept_say(call, "stderr", &run->kept[JOB_STDERR]) < 0)
		return -1;
	return named_integer_say(call, "duration_ms", run->job.duration_ms);
}

/* The third string is there only where it is so: who looks at two finds them where they were. */
static int last_say(const struct call *call, struct run *run)
{
	const struct job *job = &run->job;

	if (composite_say(call, run, job->timed_out ? 3 : 2) < 0)
		return -1;
	if (job->signal > 0) {
		if (say_text(call, "signal") < 0 || signal_say(call, job->signal) < 0)
			return -1;
	} else if (named_integer_say(call, "exit", job->exit_status) < 0) {
		return -1;
	}
	return job->timed_out ? say_text(call, "timed_out") : 0;
}

static int end_say(const struct call *call, struct run *run)
{
	if (run->error[0] != '\0')
		return say_error(call, "%s", run->error);
	return run->kind == RUN_WHOLE ? result_say(call, run) : last_say(call, run);
}

static enum task_progress run_more(const struct call *call, struct task *t)
{
	struct run *run = container_of(t, struct run, task);
	int result;

	if (run->failed)
		return TASK_FAILED;
	if (!run->ended) {
		if (run->started)
			job_resume(&run->job);
		return TASK_WAITS;
	}
	result = end_say(call, run);
	if (result < 0)
		return TASK_FAILED;
	run_free(run);
	return TASK_DONE;
}

/* ---- its beginning ---- */

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
	run->peer = *call->peer;
	return run;
}

/* Keep what was asked for, while it waits. Returns 0, or -1 with ENOMEM. */
static int run_wait(struct run *run, const struct slice *words, size_t count)
{
	run->words = words_copy(words, count);
	run->count = count;
	return run->words != NULL ? 0 : -1;
}

static int busy_say(const struct call *call, const struct command *command)
{
	return say_error(call, "BUSY command '%s' runs %d times already, and %d wait",
			 command->section.name, command->max_running, command->max_waiting);
}

int run_begin(const struct call *call, const struct slice *words, size_t count, enum run_kind kind)
{
	struct command *command;
	char error[COMMAND_ERROR_MAX];
	char **argv = command_admit(call->peer, words, count, kind == RUN_PIPE, &command, error);
	struct run *run;
	int place;

	if (argv == NULL)
		return say_error(call, "%s", error);
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
	conn_task(call->conn, &run->task);
	return 0;
}
