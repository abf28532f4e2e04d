/* SPDX-License-Identifier: MIT */
/* pollcat ADDRESS run */
#include "client/run.h"

#include "client/io.h"
#include "client/subcommand.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/signal_name.h"

#define RUNNING (-1) /* no exit status yet */
#define KIND_MAX 16  /* bytes */

static int unexpected(struct talk *t, const struct reply_event *event, const char *expected)
{
	talk_unexpected(t, event, expected);
	return EXIT_RUN_BROKEN;
}

static int unexpected_string(struct talk *t, const char *string, const char *expected)
{
	talk_unexpected_string(t, string, strlen(string), expected);
	return EXIT_RUN_BROKEN;
}

/* Pass a bulk on to a descriptor as it arrives; name is the descriptor's. Returns as reply_take().
 */
static int pass_on(struct talk *t, int fd, const char *name)
{
	struct reply_event e;

	if (talk_next(t, &e) < 0)
		return EXIT_RUN_BROKEN;
	if (e.type != REPLY_BULK)
		return unexpected(t, &e, "output of the command");
	while (!e.ended) {
		if (talk_next(t, &e) < 0)
			return EXIT_RUN_BROKEN;
		if (io_write_all(fd, e.data, e.len) < 0) {
			io_write_failed(name);
			return EXIT_RUN_BROKEN;
		}
	}
	return RUNNING;
}

static int on_stdout(struct talk *t)
{
	return pass_on(t, STDOUT_FILENO, "standard output");
}

static int on_stderr(struct talk *t)
{
	return pass_on(t, STDERR_FILENO, "standard error");
}

static int on_exit_status(struct talk *t)
{
	struct reply_event e;

	if (talk_next(t, &e) < 0)
		return EXIT_RUN_BROKEN;
	if (e.type != REPLY_INTEGER || e.number < 0 || e.number > 255)
		return unexpected(t, &e, "an exit status");
	return (int)e.number;
}

static int on_signal(struct talk *t)
{
	char name[SIGNAL_MAX];
	int number;

	if (talk_next_string(t, name, sizeof(name), "a signal's name") < 0)
		return EXIT_RUN_BROKEN;
	number = signal_number(name);
	if (number == 0) {
		warnx("the command was ended by a signal unknown here");
		return EXIT_RUN_BROKEN;
	}
	warnx("the command was ended by signal %s", name);
	return EXIT_SIGNALED + number;
}

/* Take the third string of the last reply, which says that the command's time was over. */
static int on_timeout(struct talk *t)
{
	char word[KIND_MAX];

	if (talk_next_string(t, word, sizeof(word), "'timed_out'") < 0)
		return EXIT_RUN_BROKEN;
	if (strcmp(word, "timed_out") != 0)
		return unexpected_string(t, word, "'timed_out'");
	warnx("the time that the command may take was over");
	return EXIT_TIMED_OUT;
}

static const struct {
	const char *name;
	int (*take)(struct talk *t);
} kinds[] = {
	{"stdout", on_stdout},
	{"stderr", on_stderr},
	{"exit", on_exit_status},
	{"signal", on_signal},
};

/* Take the strings of a reply: two, or three in the last reply. Returns as reply_take(). */
static int strings_take(struct talk *t, int64_t count)
{
	static const char expected[] = "'stdout', 'stderr', 'exit' or 'signal'";
	char kind[KIND_MAX];
	int status;

	if (talk_next_string(t, kind, sizeof(kind), expected) < 0)
		return EXIT_RUN_BROKEN;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, kind) != 0)
			continue;
		status = kinds[i].take(t);
		if (count == 2)
			return status;
		return status != RUNNING ? on_timeout(t)
					 : unexpected_string(t, kind, "the end of the command");
	}
	return unexpected_string(t, kind, expected);
}

/* Take one reply. Returns the exit status, or RUNNING: there are more replies. */
static int reply_take(struct talk *t)
{
	struct reply_event e;

	if (talk_reply(t, &e) < 0)
		return EXIT_RUN_BROKEN;
	if (e.type != REPLY_ARRAY || (e.number != 2 && e.number != 3))
		return unexpected(t, &e, "output of the command or its end");
	return strings_take(t, e.number);
}

/* Make a request of verb and the operands, in place: the verb replaces what stands before these on
 * the command line. */
static const char *const *request(const struct cli *cli, char *verb)
{
	char **argv = cli_operands(cli) - 1;

	argv[0] = verb;
	return (const char *const *)argv;
}

enum {
	OPTION_JSON,
	OPTION_STDIN,
};

const struct cli_option run_options[] = {
	{"json", '\0', NULL, "wait for the end, and print an object, for programs"},
	{"stdin", '\0', NULL, "send standard input to the command"},
	{NULL, '\0', NULL, NULL},
};

static int run_stream(struct talk *t, const struct cli *cli, bool input)
{
	static char stream[] = "STREAM", pipe[] = "PIPE";
	int status = RUNNING;

	if (talk_open(t) < 0 || talk_ask(t, request(cli, input ? pipe : stream)) < 0)
		return EXIT_RUN_BROKEN;
	if (input)
		talk_send_input(t, "INPUT");
	while (status == RUNNING)
		status = reply_take(t);
	return status;
}

int run_run(struct talk *t, const struct cli *cli)
{
	static char run[] = "RUN";
	bool json = cli->given[OPTION_JSON] != NULL, input = cli->given[OPTION_STDIN] != NULL;

	if (json && input) {
		warnx("run: --json waits for the end and sends no input; leave out --stdin");
		return EXIT_USAGE;
	}
	return json ? run_json(t, request(cli, run)) : run_stream(t, cli, input);
}
