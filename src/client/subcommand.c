/* SPDX-License-Identifier: MIT */
#include "client/subcommand.h"

#include <ctype.h>
#include <err.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const struct subcommand subcommands[] = {
	{"run", "NAME [ARG...]", 1, INT_MAX, "run a command on the server", run_options, false,
	 "RUN", run_run},
	{"commands", "", 0, 0, "list the commands that may be run", commands_options, true, NULL,
	 commands_run},
	{"get", "NAME...", 1, INT_MAX, "download files", get_options, true, "EXISTS", get_run},
	{"ls", "[NAME | GLOB]", 0, 1, "list files", ls_options, true, "STAT", ls_run},
	{"call", "VERB [ARG...]", 1, INT_MAX, "send any request and print the reply", call_options,
	 false, "", call_run},
};

#define SUBCOMMANDS (sizeof(subcommands) / sizeof(subcommands[0]))

const struct subcommand *subcommand_at(size_t i)
{
	return i < SUBCOMMANDS ? &subcommands[i] : NULL;
}

const struct subcommand *subcommand_find(const char *name)
{
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		if (strcmp(subcommands[i].name, name) == 0)
			return &subcommands[i];
	return NULL;
}

/* Print the help, or how the subcommand is used. Returns the exit status. */
static int explain(const struct subcommand *s, int option)
{
	const char *blank = s->operands[0] != '\0' ? " " : "";

	if (option != CLI_HELP) {
		warnx("usage: pollcat ADDRESS %s [OPTION...]%s%s; --help tells more", s->name,
		      blank, s->operands);
		return EXIT_USAGE;
	}
	printf("usage: pollcat ADDRESS %s [OPTION...]%s%s\n\n%c%s.\n\n", s->name, blank,
	       s->operands, toupper((unsigned char)s->help[0]), s->help + 1);
	cli_help(s->options, stdout);
	return EXIT_SUCCESS;
}

/* Returns CLI_END, or what else ends the command line. */
static int command_line_take(const struct subcommand *s, struct cli *cli)
{
	int option = cli_take(cli), count = cli_count(cli);

	if (option == CLI_END && (count < s->operands_min || count > s->operands_max))
		return CLI_WRONG;
	return option;
}

int subcommand_run(const struct subcommand *s, const struct addr_spec *server, int64_t timeout_ms,
		   int argc, char **argv)
{
	struct cli cli = {.options = s->options, .argv = argv, .argc = argc, .mixed = s->mixed};
	struct talk t;
	int option, status;

	if (server->transport == TRANSPORT_UDP) {
		warnx("%s: udp carries no requests, use tcp: or unix:", s->name);
		return EXIT_USAGE;
	}
	option = command_line_take(s, &cli);
	if (option != CLI_END)
		return explain(s, option);
	talk_init(&t, server);
	t.timeout_ms = timeout_ms;
	status = s->run(&t, &cli);
	talk_print_reason(&t);
	talk_close(&t);
	return status;
}

void subcommand_list(FILE *to)
{
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		fprintf(to, "  %-8s %-13s  %s\n", subcommands[i].name, subcommands[i].operands,
			subcommands[i].help);
}
