/* SPDX-License-Identifier: MIT */
/*
 * Commands that the administrator has listed, each a [command NAME]. RUN waits for the end and
 * gives all of it, STREAM gives output as it comes. What a caller gives becomes whole words of an
 * argv, of declared types; there is no shell.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/log.h"
#include "core/signal_name.h"
#include "core/stats.h"
#include "net/conn.h"
#include "net/resp.h"
#include "process/job.h"
#include "process/slots.h"
#include "services/registry.h"
#include "services/template.h"

#define RUN_WORK 256 /* of conn_charge(): arguments are matched, a process may begin */

enum {
#define OPT(key, ...) COMMAND_KEY_##key,
#include "services/commands.def"
#undef OPT
	COMMAND_KEYS
};

/* How many of a command run. All generations of one name share it. */
struct places {
	unsigned refs;
	struct slots slots;
};

/* One generation of a [command NAME]; those who run it keep it. */
struct command {
	struct section section;
#define OPT(key, type, ...) opt_##type key;
#include "services/commands.def"
#undef OPT
	unsigned refs;
	struct template template;
	char **envp;
	struct places *places;
	struct deadline_queue timeouts;
	bool timed; /* timeouts is one of the loop's */
};

static const struct option_def command_options[COMMAND_KEYS] = {
#define OPT(key, kind, ...) \
	{#key, &option_##kind, offsetof(struct command, key), OPTION_REST(__VA_ARGS__)},
#include "services/commands.def"
#undef OPT
};

static struct section_list commands = TAILQ_HEAD_INITIALIZER(commands); /* in force */

/* ---- commands ---- */

static void places_unref(struct places *places)
{
	if (places != NULL && --places->refs == 0)
		free(places);
}

static void command_free(struct section *s)
{
	struct command *command = container_of(s, struct command, section);

	template_free(&command->template);
	for (size_t i = 0; command->envp != NULL && command->envp[i] != NULL; i++)
		free(command->envp[i]);
	free(command->envp);
	places_unref(command->places);
	if (command->timed)
		deadline_queue_free(&command->timeouts);
}

static void command_unref(struct command *command)
{
	if (--command->refs == 0)
		section_free(&command->section);
}

static void command_check(struct section *s, struct option_list *errors)
{
	struct command *command = container_of(s, struct command, section);

	if (command->exec != NULL)
		template_parse(&command->template, s, COMMAND_KEY_exec, command->exec,
			       &command->arg, errors);
	if (command->cwd[0] != '/')
		section_error(errors, s, COMMAND_KEY_cwd, "'%s' is not an absolute path",
			      command->cwd);
}

static const struct section_kind command_kind = {
	.word = "command",
	.options = command_options,
	.count = COMMAND_KEYS,
	.size = sizeof(struct command),
	.check = command_check,
	.free = command_free,
};

static struct command *command_of(struct section *s)
{
	s = section_of(s, &command_kind);
	return s != NULL ? container_of(s, struct command, section) : NULL;
}

static struct command *command_next(const struct command *command)
{
	return command_of(TAILQ_NEXT(&command->section, entry));
}

static struct command *command_find(const struct slice *name)
{
	struct command *command = command_of(TAILQ_FIRST(&commands));

	while (command != NULL && (strlen(command->section.name) != name->len ||
				   memcmp(command->section.name, name->data, name->len) != 0))
		command = command_next(command);
	return command;
}

static bool command_is_allowed(const struct command *command, const struct conn *c)
{
	return conn_is_named(c, &command->allow, &command->allow_users, &command->allow_groups);
}

/* "disk path" */
static void usage_print(const struct command *command, char *text, size_t size)
{
	size_t len = (size_t)snprintf(text, size, "%s", command->section.name);

	for (size_t i = 0; i < command->template.count && len < size; i++)
		len += (size_t)snprintf(text + len, size - len, " %s",
					command->template.parameters[i].name);
}

/* ---- one run of one ---- */

struct run {
	struct task task;
	struct job job;
	struct slot slot;
	struct command *command; /* a reference */
	struct conn *c;          /* NULL: its caller has gone */
	char **argv;             /* owned */
	bool streams;
	bool started, ended; /* the job */
	bool truncated;
	bool failed;        /* STREAM: there was no memory for its output */
	int error;          /* errno of a start that failed */
	struct buf kept[2]; /* RUN: output, by enum job_stream */
	uint64_t bytes[2];  /* of output */
	char peer[80];
};

static void run_free(struct run *run)
{
	slots_leave(&run->command->places->slots, &run->slot);
	buf_free(&run->kept[0]);
	buf_free(&run->kept[1]);
	command_unref(run->command);
	free(run->argv);
	free(run);
}

static void run_log(const struct run *run)
{
	const struct job *job = &run->job;
	char args[512] = "";
	size_t len = 0;

	for (size_t i = 1; run->argv[i] != NULL && len < sizeof(args); i++)
		len += (size_t)snprintf(args + len, sizeof(args) - len, "%s%s", i > 1 ? " " : "",
					run->argv[i]);
	log_info("job command=%s peer=%s exit=%d signal=%s%s ms=%" PRId64 " stdout=%" PRIu64
		 " stderr=%" PRIu64 " args=\"%s\"",
		 run->command->section.name, run->peer, job->exit_status,
		 job->signal > 0 ? signal_name(job->signal) : "none",
		 job->timed_out ? " timed_out" : "", job->duration_ms, run->bytes[JOB_STDOUT],
		 run->bytes[JOB_STDERR], args);
}

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

static int output_say(struct buf *out, enum job_stream stream, const char *data, size_t len)
{
	static const char *const names[] = {"stdout", "stderr"};

	if (resp_array(out, 2) < 0 || name_say(out, names[stream]) < 0)
		return -1;
	return resp_bulk(out, data, len);
}

/* STREAM says it at once, and reads on when the caller has taken it. */
static void run_say(struct run *run, enum job_stream stream, const char *data, size_t len)
{
	if (!run->failed)
		run->failed = output_say(&run->c->out, stream, data, len) < 0;
	conn_wake(run->c);
	if (run->c != NULL && buf_len(&run->c->out) > 0)
		job_pause(&run->job);
}

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

	slots_leave(&run->command->places->slots, &run->slot);
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

static void run_start(struct run *run)
{
	const struct command *command = run->command;
	const struct job_spec spec = {
		.argv = run->argv,
		.envp = command->envp,
		.cwd = command->cwd,
		.stdin_fd = -1,
		.nice = command->nice,
	};

	run->started = job_start(&run->job, &spec, &run->command->timeouts, &run_ops) == 0;
	if (run->started)
		return;
	run->error = errno;
	run->ended = true;
	log_error("command %s: %s: %m", command->section.name, run->argv[0]);
	slots_leave(&run->command->places->slots, &run->slot);
}

static void run_granted(struct slot *slot)
{
	struct run *run = container_of(slot, struct run, slot);

	run_start(run);
	if (run->ended)
		conn_wake(run->c);
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

static int result_say(struct buf *out, const struct run *run)
{
	if (resp_array(out, 14) < 0 || status_say(out, &run->job) < 0 ||
	    integer_say(out, "timed_out", run->job.timed_out) < 0 ||
	    integer_say(out, "truncated", run->truncated) < 0 ||
	    kept_say(out, "stdout", &run->kept[JOB_STDOUT]) < 0 ||
	    kept_say(out, "stderr", &run->kept[JOB_STDERR]) < 0)
		return -1;
	return integer_say(out, "duration_ms", run->job.duration_ms);
}

static int end_say(struct buf *out, const struct run *run)
{
	if (run->error != 0)
		return resp_error(out, "ERR %s: cannot be run: %s", run->command->section.name,
				  strerror(run->error));
	if (!run->streams)
		return result_say(out, run);
	if (resp_array(out, 2) < 0)
		return -1;
	if (run->job.signal > 0)
		return name_say(out, "signal") < 0 ? -1 : signal_say(out, run->job.signal);
	return integer_say(out, "exit", run->job.exit_status);
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

/* ---- verbs ---- */

static struct run *run_new(struct conn *c, struct command *command, char **argv, bool streams)
{
	struct run *run = calloc(1, sizeof(*run));

	if (run == NULL) {
		free(argv);
		return NULL;
	}
	run->task = (struct task){run_more, run_gone};
	run->command = command;
	run->c = c;
	run->argv = argv;
	run->streams = streams;
	command->refs++;
	peer_print(&c->peer, run->peer, sizeof(run->peer));
	return run;
}

/* Takes argv. */
static int run_begin(struct conn *c, struct command *command, char **argv, bool streams)
{
	struct run *run = run_new(c, command, argv, streams);
	int place;

	if (run == NULL)
		return -1;
	place = slots_enter(&command->places->slots, &run->slot, run_granted);
	if (place < 0) {
		run_free(run);
		return resp_error(&c->out, "BUSY command '%s' runs %d times already, and %d wait",
				  command->section.name, command->max_running,
				  command->max_waiting);
	}
	if (place > 0)
		run_start(run);
	conn_task(c, &run->task);
	return 0;
}

static int command_run(struct conn *c, const struct request *req, bool streams)
{
	struct command *command = command_find(&req->argv[1]);
	char reason[OPTION_REASON_MAX], text[SLICE_TEXT_MAX];
	size_t count = (size_t)req->argc - 2;
	char **argv;

	conn_charge(c, RUN_WORK);
	if (command == NULL)
		return resp_error(&c->out, "ERR there is no command '%s'; COMMANDS lists them",
				  slice_print(&req->argv[1], text));
	if (!command_is_allowed(command, c)) {
		peer_print(&c->peer, reason, sizeof(reason));
		log_notice("command %s: refused to %s", command->section.name, reason);
		return resp_error(&c->out, "NOPERM command '%s' is not allowed for %s",
				  command->section.name, reason);
	}
	if (count != command->template.count) {
		usage_print(command, reason, sizeof(reason));
		return resp_error(&c->out, "ERR %zu arguments where %zu are wanted: %s", count,
				  command->template.count, reason);
	}
	argv = template_fill(&command->template, req->argv + 2, reason);
	if (argv == NULL)
		return resp_error(&c->out, "ERR %s: %s", command->section.name, reason);
	return run_begin(c, command, argv, streams);
}

static int commands_run(struct conn *c, const struct request *req)
{
	return command_run(c, req, false);
}

static int commands_stream(struct conn *c, const struct request *req)
{
	return command_run(c, req, true);
}

static int command_describe(struct buf *out, const struct command *command)
{
	char usage[256];

	usage_print(command, usage, sizeof(usage));
	if (resp_array(out, 3) < 0 || name_say(out, command->section.name) < 0 ||
	    name_say(out, usage) < 0)
		return -1;
	return name_say(out, command->description != NULL ? command->description : "");
}

static int commands_list(struct conn *c, const struct request *req)
{
	struct command *command;
	size_t count = 0;

	for (command = command_of(TAILQ_FIRST(&commands)); command != NULL;
	     command = command_next(command))
		count += command_is_allowed(command, c);
	if (resp_array(&c->out, count) < 0)
		return -1;
	for (command = command_of(TAILQ_FIRST(&commands)); command != NULL;
	     command = command_next(command))
		if (command_is_allowed(command, c) && command_describe(&c->out, command) < 0)
			return -1;
	return 0;
}

/* ---- configuration ---- */

/* A clean environment, and what env.NAME says. */
static char **environment_make(const struct command *command)
{
	static const char *const clean[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LANG=C.UTF-8"};
	const struct option_map *env = &command->env;
	char **envp = calloc(env->count + 3, sizeof(*envp));
	size_t count = 0;
	bool failed = envp == NULL;

	for (size_t i = 0; !failed && i < 2; i++) {
		char name[8] = "";

		memcpy(name, clean[i], strcspn(clean[i], "="));
		if (option_map_find(env, name) == NULL)
			failed = (envp[count++] = strdup(clean[i])) == NULL;
	}
	for (size_t i = 0; !failed && i < env->count; i++)
		failed = asprintf(&envp[count++], "%s=%s", env->items[i].name,
				  env->items[i].from.text) < 0;
	if (!failed)
		return envp;
	while (envp != NULL && count > 0)
		free(envp[--count]);
	free(envp);
	return NULL;
}

static struct places *places_for(const struct command *command)
{
	const struct slice name = {command->section.name, strlen(command->section.name)};
	const struct command *old = command_find(&name);
	struct places *places = old != NULL ? old->places : calloc(1, sizeof(*places));

	if (places == NULL)
		return NULL;
	if (old == NULL)
		slots_init(&places->slots, (unsigned)command->max_running,
			   (unsigned)command->max_waiting);
	places->refs++;
	return places;
}

static int commands_prepare(struct section_list *sections, char *reason)
{
	struct command *command = command_of(TAILQ_FIRST(sections));

	for (; command != NULL; command = command_next(command)) {
		command->places = places_for(command);
		command->envp = environment_make(command);
		if (command->places == NULL || command->envp == NULL) {
			snprintf(reason, OPTION_REASON_MAX, "out of memory");
			return -1;
		}
	}
	return 0;
}

static void commands_stop(void)
{
	struct section *s;

	while ((s = TAILQ_FIRST(&commands)) != NULL) {
		TAILQ_REMOVE(&commands, s, entry);
		command_unref(container_of(s, struct command, section));
	}
}

static void commands_use(struct section_list *sections)
{
	struct command *command;

	commands_stop();
	while ((command = command_of(TAILQ_FIRST(sections))) != NULL) {
		TAILQ_REMOVE(sections, &command->section, entry);
		TAILQ_INSERT_TAIL(&commands, &command->section, entry);
		command->refs = 1;
		command->timed = true;
		job_timeouts_init(&command->timeouts, command->timeout);
		slots_limit(&command->places->slots, (unsigned)command->max_running,
			    (unsigned)command->max_waiting);
	}
}

static const struct verb commands_verbs[] = {
	{"COMMANDS", "", "name, usage and description of each command", 0, 0, commands_list},
	{"RUN", "name [argument...]", "runs a command; how it ended, and its output", 1,
	 REQUEST_ARGS_MAX, commands_run},
	{"STREAM", "name [argument...]", "the same, output as it comes", 1, REQUEST_ARGS_MAX,
	 commands_stream},
	{.name = NULL},
};

const struct service service_commands = {
	.name = "commands",
	.summary = "runs commands that are listed",
	.protocols = PROTOCOL_RESP,
	.flags = SERVICE_PRIVILEGED,
	.verbs = commands_verbs,
	.section = &command_kind,
	.prepare = commands_prepare,
	.use = commands_use,
	.stop = commands_stop,
};
