/* SPDX-License-Identifier: MIT */
#include "services/run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/signal_name.h"
#include "net/resp.h"
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
	char peer[80];
	char args[ARGS_MAX];           /* for the log */
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

/* Between quotes, of which each that is an argument's stands twice: log_write() encodes what else
 * there may be, and would encode a backslash again. */
static void args_print(char *const *argv, char *text)
{
	size_t len = 0;

	for (; *argv != NULL; argv++) {
		for (const char *from = *argv; *from != '\0' && len < ARGS_MAX - 3; from++) {
			text[len++] = *from;
			if (*from == '"')
				text[len++] = '"';
		}
		if (argv[1] != NULL && len < ARGS_MAX - 1)
			text[len++] = ' ';
	}
	text[len] = '\0';
}

static void run_log(const struct run *run)
{
	const struct job *job = &run->job;

	log_info("job command=%s peer=%s exit=%d signal=%s%s ms=%" PRId64 " stdout=%" PRIu64
		 " stderr=%" PRIu64 " args=\"%s\"",
		 run->places->name, run->peer, job->exit_status,
		 job->signal > 0 ? signal_name(job->signal) : "none",
		 job->timed_out ? " timed_out" : "", job->duration_ms, run->bytes[JOB_STDOUT],
		 run->bytes[JOB_STDERR], run->args);
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

static int name_say(struct buf *out, const char *name)
{
	return resp_bulk(out, name, strlen(name));
}

static int array_say(struct buf *out, struct run *run, size_t count)
{
	if (!run->begun)
		return resp_array(out, count);
	run->begun = false;
	return resp_array_end(out, count);
}

static int output_say(struct buf *out, struct run *run, enum job_stream stream, const char *data,
		      size_t len)
{
	static const char *const names[] = {"stdout", "stderr"};

	if (array_say(out, run, 2) < 0 || name_say(out, names[stream]) < 0)
		return -1;
	return resp_bulk(out, data, len);
}

/* STREAM says it at once, and reads on when the caller has taken it. */
static void run_say(struct run *run, enum job_stream stream, const char *data, size_t len)
{
	if (!run->failed)
		run->failed = output_say(&run->c->out, run, stream, data, len) < 0;
	conn_wake(run->c);
	if (run->c != NULL && buf_len(&run->c->out) > 0)
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

static void input_refuse(struct run *run)
{
	snprintf(run->error, sizeof(run->error), "ERR %s: more input than its max_input, %zu bytes",
		 run->places->name, run->command->max_input);
	log_info("command %s: stopped for %s: more input than its max_input, %zu bytes",
		 run->places->name, run->peer, run->command->max_input);
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
static int run_request(struct conn *c, struct task *t, const struct request *req)
{
	struct run *run = container_of(t, struct run, task);

	if (buf_len(&run->input) > 0 || (!run->started && !run->ended))
		return 0; /* for the command, or for a place */
	if (req == NULL || !slice_is(&req->argv[0], "INPUT")) {
		input_end(run);
		return 0;
	}
	if (run->error[0] != '\0' || !job_takes_input(&run->job))
		return 1; /* and is thrown away */
	return input_take(run, req->argv + 1, (size_t)req->argc - 1);
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
	log_info("command %s: cannot be run for %s: %s", run->places->name, run->peer, reason);
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
	args_print(argv + 1, run->args);
	run->started = job_start(&run->job, &spec, &command->timeouts, &run_ops) == 0;
	if (!run->started) {
		start_explain(run, argv[0]);
		run_give_up(run);
	}
	free(argv);
}

/* Whatever becomes of a job that runs, an array will be said of it; or, where too much input can
 * still come, an error, but there may be output of no length before that. */
static void run_eof(struct conn *c, struct task *t)
{
	struct run *run = container_of(t, struct run, task);

	if (!run->started || run->ended || run->begun)
		return;
	if (run->kind == RUN_PIPE)
		run->failed = output_say(&c->out, run, JOB_STDOUT, "", 0) < 0;
	else
		run->begun = resp_array_begin(&c->out) == 0;
}

/* ---- a place ---- */

/* The configuration may be another than when it was asked for. */
static void run_granted(struct slot *slot)
{
	struct run *run = container_of(slot, struct run, slot);
	struct command *command;
	char **argv = command_admit(run->c, run->words, run->count, run->kind == RUN_PIPE, &command,
				    run->error);

	free(run->words);
	run->words = NULL;
	if (argv != NULL)
		run_start(run, command, argv);
	else
		run_give_up(run);
	if (run->c->ended)
		run_eof(run->c, &run->task);
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
	if (run->command->on_disconnect == 0 || !input_has_ended)
		job_stop(&run->job);
}

/* ---- what is said of it ---- */

static int integer_say(struct buf *out, const char *name, int64_t value)
{
	return name_say(out, name) < 0 ? -1 : resp_integer(out, value);
}

static int signal_say(struct buf *out, int signal)
{
	const char *name = signal_name(signal);

	return name_say(out, name != NULL ? name : "unknown");
}

static int kept_say(struct buf *out, const char *name, const struct buf *kept)
{
	return name_say(out, name) < 0 ? -1 : resp_bulk(out, buf_data(kept), buf_len(kept));
}

static int status_say(struct buf *out, const struct job *job)
{
	if (name_say(out, "exit") < 0 ||
	    (job->signal > 0 ? resp_nil(out) : resp_integer(out, job->exit_status)) < 0 ||
	    name_say(out, "signal") < 0)
		return -1;
	return job->signal > 0 ? signal_say(out, job->signal) : resp_nil(out);
}

static int result_say(struct buf *out, struct run *run)
{
	if (array_say(out, run, 14) < 0 || status_say(out, &run->job) < 0 ||
	    integer_say(out, "timed_out", run->job.timed_out) < 0 ||
	    integer_say(out, "truncated", run->truncated) < 0 ||
	    kept_say(out, "stdout", &run->kept[JOB_STDOUT]) < 0 ||
	    kept_say(out, "stderr", &run->kept[JOB_STDERR]) < 0)
		return -1;
	return integer_say(out, "duration_ms", run->job.duration_ms);
}

/* The third string is there only where it is so: who looks at two finds them where they were. */
static int last_say(struct buf *out, struct run *run)
{
	const struct job *job = &run->job;

	if (array_say(out, run, job->timed_out ? 3 : 2) < 0)
		return -1;
	if (job->signal > 0) {
		if (name_say(out, "signal") < 0 || signal_say(out, job->signal) < 0)
			return -1;
	} else if (integer_say(out, "exit", job->exit_status) < 0) {
		return -1;
	}
	return job->timed_out ? name_say(out, "timed_out") : 0;
}

static int end_say(struct buf *out, struct run *run)
{
	if (run->error[0] != '\0')
		return resp_error(out, "%s", run->error);
	return run->kind == RUN_WHOLE ? result_say(out, run) : last_say(out, run);
}

static enum task_progress run_more(struct conn *c, struct task *t)
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
	result = end_say(&c->out, run);
	if (result < 0)
		return TASK_FAILED;
	run_free(run);
	return TASK_DONE;
}

/* ---- its beginning ---- */

static struct run *run_new(struct conn *c, struct command *command, enum run_kind kind)
{
	struct run *run = calloc(1, sizeof(*run));

	if (run == NULL)
		return NULL;
	run->task = (struct task){.more = run_more,
				  .gone = run_gone,
				  .eof = run_eof,
				  .request = kind == RUN_PIPE ? run_request : NULL};
	run->places = places_ref(command->places);
	run->c = c;
	run->kind = kind;
	peer_print(&c->peer, run->peer, sizeof(run->peer));
	return run;
}

/* Keep what was asked for, while it waits. Returns 0, or -1 with ENOMEM. */
static int run_wait(struct run *run, const struct slice *words, size_t count)
{
	run->words = words_copy(words, count);
	run->count = count;
	return run->words != NULL ? 0 : -1;
}

static int busy_say(struct buf *out, const struct command *command)
{
	return resp_error(out, "BUSY command '%s' runs %d times already, and %d wait",
			  command->section.name, command->max_running, command->max_waiting);
}

int run_begin(struct conn *c, const struct slice *words, size_t count, enum run_kind kind)
{
	struct command *command;
	char error[COMMAND_ERROR_MAX];
	char **argv = command_admit(c, words, count, kind == RUN_PIPE, &command, error);
	struct run *run;
	int place;

	if (argv == NULL)
		return resp_error(&c->out, "%s", error);
	run = run_new(c, command, kind);
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
		return place < 0 ? busy_say(&c->out, command) : -1;
	}
	conn_task(c, &run->task);
	return 0;
}
