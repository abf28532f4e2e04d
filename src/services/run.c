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

#define ARGS_MAX 512 /* bytes of the arguments in the log */

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
	bool streams;
	bool started; /* the job is one */
	bool ended;   /* nothing more happens to it but a last word to its caller */
	bool begun;   /* the first byte of its next array has been said */
	bool truncated;
	bool failed;        /* STREAM: there was no memory for its output */
	struct buf kept[2]; /* RUN: output, by enum job_stream */
	uint64_t bytes[2];  /* of output */
	struct peer peer;
	char args[ARGS_MAX]; /* for the log: words that a NUL ends, as far as they fit */
	size_t args_size;
	char error[COMMAND_ERROR_MAX]; /* "CODE reason": why there is no job; "": there is */
};

static void run_free(struct run *run)
{
	slots_leave(&run->places->slots, &run->slot);
	places_unref(run->places);
	buf_free(&run->kept[0]);
	buf_free(&run->kept[1]);
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

static enum composite run_kind(const struct run *run)
{
	return run->streams ? REPLY_LIST : REPLY_PAIRS;
}

/* The beginning of its next reply, the first byte of which may have been said. */
static int composite_say(const struct call *call, struct run *run, size_t count)
{
	enum composite kind = run_kind(run);

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

/* ---- the job ---- */

static void run_output(struct job *job, enum job_stream stream, const char *data, size_t len)
{
	struct run *run = container_of(job, struct run, job);

	run->bytes[stream] += len;
	if (run->c == NULL)
		return;
	if (run->streams)
		run_say(run, stream, data, len);
	else
		run_keep(run, stream, data, len);
}

/* Its place is free, however slowly the caller takes the rest of the output. */
static void run_exited(struct job *job)
{
	struct run *run = container_of(job, struct run, job);

	slots_leave(&run->places->slots, &run->slot);
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

static const struct job_ops run_ops = {run_output, run_exited, run_ended};

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

/* Whatever becomes of a job that runs, an array will be said of it. */
static void run_eof(const struct call *call, struct task *t)
{
	struct run *run = container_of(t, struct run, task);

	if (run->started && !run->ended && !run->begun)
		run->begun = say_begin(call, run_kind(run)) == 0;
}

/* ---- a place ---- */

/* The configuration may be another than when it was asked for. */
static void run_granted(struct slot *slot)
{
	struct run *run = container_of(slot, struct run, slot);
	struct call call = conn_call(run->c);
	struct command *command;
	char **argv = command_admit(call.peer, run->words, run->count, &command, run->error);

	free(run->words);
	run->words = NULL;
	if (argv != NULL)
		run_start(run, command, argv);
	else
		run_give_up(run);
	if (conn_has_ended(run->c))
		run_eof(&call, &run->task);
	if (run->ended || run->begun)
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

static void run_gone(struct task *t)
{
	struct run *run = container_of(t, struct run, task);

	run->c = NULL;
	if (!run->started || run->ended) {
		run_free(run);
		return;
	}
	job_resume(&run->job);
	if (run->command->on_disconnect == 0)
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
	return run->streams ? last_say(call, run) : result_say(call, run);
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

static struct run *run_new(const struct call *call, struct command *command, bool streams)
{
	struct run *run = calloc(1, sizeof(*run));

	if (run == NULL)
		return NULL;
	run->task = (struct task){.more = run_more, .gone = run_gone, .eof = run_eof};
	run->places = places_ref(command->places);
	run->c = call->conn;
	run->streams = streams;
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

int run_begin(const struct call *call, const struct slice *words, size_t count, bool streams)
{
	struct command *command;
	char error[COMMAND_ERROR_MAX];
	char **argv = command_admit(call->peer, words, count, &command, error);
	struct run *run;
	int place;

	if (argv == NULL)
		return say_error(call, "%s", error);
	run = run_new(call, command, streams);
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
