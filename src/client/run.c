/* SPDX-License-Identifier: MIT */
/* pollcat ADDRESS run */
#include "client/io.h"
#include "client/subcommand.h"

#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/signal_name.h"

#define RUNNING (-1)       /* no exit status yet */
#define EXIT_TIMED_OUT 124 /* as timeout(1) */
#define EXIT_SIGNALED 128  /* and the signal's number, as sh(1) */
#define KIND_MAX 16        /* bytes */
#define SIGNAL_MAX 32      /* bytes of a signal's name */

static int unexpected(struct talk *t)
{
	talk_unexpected(t);
	return EXIT_RUN_BROKEN;
}

/* Pass a bulk on to a descriptor as it arrives. */
static int pass_on(struct talk *t, int fd, const char *name)
{
	struct reply_event e;

	if (talk_next(t, &e) < 0)
		return EXIT_RUN_BROKEN;
	if (e.type != REPLY_BULK)
		return unexpected(t);
	while (!e.ended) {
		if (talk_next(t, &e) < 0)
			return EXIT_RUN_BROKEN;
		if (io_write_all(fd, e.data, e.len) < 0) {
			warn("%s", name);
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
		return unexpected(t);
	return (int)e.number;
}

static int on_signal(struct talk *t)
{
	char name[SIGNAL_MAX];

	if (talk_next_string(t, name, sizeof(name)) < 0)
		return EXIT_RUN_BROKEN;
	for (int number = 1; number < NSIG; number++) {
		const char *abbreviation = signal_name(number);

		if (abbreviation == NULL || strcmp(abbreviation, name) != 0)
			continue;
		warnx("the command was ended by signal %s", abbreviation);
		return EXIT_SIGNALED + number;
	}
	warnx("the command was ended by a signal unknown here");
	return EXIT_RUN_BROKEN;
}

/* The third string of an end, where its time was over. */
static int on_timeout(struct talk *t)
{
	char word[KIND_MAX];

	if (talk_next_string(t, word, sizeof(word)) < 0)
		return EXIT_RUN_BROKEN;
	if (strcmp(word, "timed_out") != 0)
		return unexpected(t);
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

/* Take the reply's strings, two, or three at the end. Returns as reply_take() does. */
static int strings_take(struct talk *t, int64_t count)
{
	char kind[KIND_MAX];
	int status;

	if (talk_next_string(t, kind, sizeof(kind)) < 0)
		return EXIT_RUN_BROKEN;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, kind) != 0)
			continue;
		status = kinds[i].take(t);
		if (count == 2)
			return status;
		return status != RUNNING ? on_timeout(t) : unexpected(t);
	}
	return unexpected(t);
}

/* Take one reply. Returns the exit status, or RUNNING. */
static int reply_take(struct talk *t)
{
	struct reply_event e;

	if (talk_next(t, &e) < 0)
		return EXIT_RUN_BROKEN;
	if (e.type == REPLY_ERROR) {
		talk_print_error(t, &e);
		return EXIT_RUN_BROKEN;
	}
	if (e.type != REPLY_ARRAY || (e.number != 2 && e.number != 3))
		return unexpected(t);
	return strings_take(t, e.number);
}

enum {
	OPTION_STDIN,
};

const struct cli_option run_options[] = {
	{"stdin", '\0', NULL, "send standard input to the command"},
	{NULL, '\0', NULL, NULL},
};

int run_run(struct talk *t, struct cli *cli)
{
	static char verb[] = "STREAM", verb_with_input[] = "PIPE";
	const char *argument;
	int option, status = RUNNING;
	bool input = false;
	char **argv;

	while ((option = cli_next(cli, &argument)) == OPTION_STDIN)
		input = true;
	if (option != CLI_END || cli_count(cli) == 0)
		return subcommand_explain(cli, option);
	argv = cli_operands(cli) - 1;
	argv[0] = input ? verb_with_input : verb;
	if (talk_open(t) < 0 || talk_ask(t, (const char *const *)argv) < 0)
		return EXIT_RUN_BROKEN;
	if (input)
		talk_send_input(t, "INPUT");
	while (status == RUNNING)
		status = reply_take(t);
	return status;
}
