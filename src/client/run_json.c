/* SPDX-License-Identifier: MIT */
/* pollcat ADDRESS run --json: the request RUN. */
#include "client/io.h"
#include "client/json.h"
#include "client/run.h"
#include "client/subcommand.h"

#include <err.h>
#include <string.h>

#include "core/signal_name.h"

#define KEY_MAX 64   /* bytes */
#define UNKNOWN (-1) /* no exit status was said */

struct run {
	struct talk *talk;
	int64_t exit_status;     /* of the command; or UNKNOWN */
	char signal[SIGNAL_MAX]; /* the name of the one that ended the command; "": none */
	bool timed_out;          /* the command's time was over */
	struct buf out;          /* not yet on standard output */
};

/* Returns result, what adding to out returned; where that is -1, says that there is no memory. */
static int added(int result)
{
	if (result < 0)
		warn("reply");
	return result;
}

/* Pass a value of any kind on, in pieces; event is its first. */
static int value_pass(struct run *run, const struct reply_event *event)
{
	struct json_reply value = {0};
	struct reply_event e = *event;

	/* For the JSON of the value there are no arrays around it. */
	for (;;) {
		e.depth -= event->depth;
		e.open = e.open > event->depth ? e.open - event->depth : 0;
		if (added(json_event(&value, &e, &run->out)) < 0 || io_output(&run->out) < 0)
			return -1;
		if (e.ended && e.open == 0)
			return 0;
		if (talk_next(run->talk, &e) < 0)
			return -1;
	}
}

static int exit_take(struct run *run, const struct reply_event *event)
{
	if (event->type == REPLY_INTEGER && event->number >= 0 && event->number <= 255)
		run->exit_status = event->number;
	else if (event->type != REPLY_NIL)
		return talk_unexpected(run->talk, event, "an exit status");
	return value_pass(run, event);
}

static int signal_take(struct run *run, const struct reply_event *event)
{
	if (event->type == REPLY_NIL)
		return value_pass(run, event);
	if (talk_string(run->talk, event, run->signal, sizeof(run->signal), "a signal's name") < 0)
		return -1;
	return added(json_string(&run->out, run->signal, strlen(run->signal)));
}

static int flag_print(struct run *run, const struct reply_event *event)
{
	if (event->type != REPLY_INTEGER)
		return talk_unexpected(run->talk, event, "0 or 1");
	return added(json_raw(&run->out, event->number != 0 ? "true" : "false"));
}

static int timed_out_take(struct run *run, const struct reply_event *event)
{
	run->timed_out = event->number != 0;
	return flag_print(run, event);
}

/* Values that are looked at. Those of other names are passed on as they are, as of later versions.
 */
static const struct {
	const char *key;
	int (*take)(struct run *run, const struct reply_event *value);
} keys[] = {
	{"exit", exit_take},
	{"signal", signal_take},
	{"timed_out", timed_out_take},
	{"truncated", flag_print},
};

static int key_add(struct run *run, const char *key)
{
	if (json_raw(&run->out, ",") < 0 || json_string(&run->out, key, strlen(key)) < 0)
		return -1;
	return json_raw(&run->out, ":");
}

static int pair_take(struct run *run)
{
	struct reply_event value;
	char key[KEY_MAX];

	if (talk_next_string(run->talk, key, sizeof(key), "a name of RUN") < 0 ||
	    talk_next(run->talk, &value) < 0 || added(key_add(run, key)) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i].key, key) == 0)
			return keys[i].take(run, &value);
	return value_pass(run, &value);
}

static int head_add(struct run *run, const char *command)
{
	if (json_raw(&run->out, "{\"command\":") < 0)
		return -1;
	return json_string(&run->out, command, strlen(command));
}

static int error_add(struct run *run, const struct reply_event *event)
{
	if (json_raw(&run->out, ",\"error\":") < 0)
		return -1;
	return json_string(&run->out, event->data, event->len);
}

/* Take the whole reply. */
static int result_take(struct run *run)
{
	struct reply_event e;

	if (talk_next(run->talk, &e) < 0)
		return -1;
	if (e.type == REPLY_ERROR)
		return added(error_add(run, &e));
	if (e.type != REPLY_ARRAY || e.number % 2 != 0)
		return talk_unexpected(run->talk, &e, "how the command ended");
	for (int64_t i = 0; i < e.number; i += 2)
		if (pair_take(run) < 0)
			return -1;
	if (run->exit_status == UNKNOWN && run->signal[0] == '\0')
		return talk_broke(run->talk, "the server does not say how the command ended");
	return 0;
}

/* Returns the exit status, as without --json. */
static int status_of(const struct run *run)
{
	int number = signal_number(run->signal);

	if (run->timed_out)
		return EXIT_TIMED_OUT;
	if (run->signal[0] == '\0')
		return run->exit_status == UNKNOWN ? EXIT_RUN_BROKEN : (int)run->exit_status;
	return number > 0 ? EXIT_SIGNALED + number : EXIT_RUN_BROKEN;
}

int run_json(struct talk *t, const char *const *argv)
{
	struct run run = {.talk = t, .exit_status = UNKNOWN};
	int result = -1;

	if (talk_open(t) == 0 && talk_ask(t, argv) == 0 && added(head_add(&run, argv[1])) == 0)
		result = result_take(&run);
	if (result == 0)
		result = added(json_raw(&run.out, "}\n"));
	if (result == 0)
		result = io_output(&run.out);
	buf_free(&run.out);
	return result < 0 ? EXIT_RUN_BROKEN : status_of(&run);
}
