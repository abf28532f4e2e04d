/* SPDX-License-Identifier: MIT */
#include "client/subcommand.h"

#include <ctype.h>
#include <err.h>
#include <stdlib.h>
#include <string.h>

static const struct cli_option no_options[] = {{NULL, '\0', NULL, NULL}};

static const struct subcommand subcommands[] = {
	{"run", "NAME [ARG...]", "run a command on the server", run_options, false, EXIT_RUN_BROKEN,
	 run_run},
	{"get", "NAME", "download a file", get_options, true, EXIT_BROKEN, get_run},
	{"ls", "[GLOB]", "list files", ls_options, true, EXIT_BROKEN, ls_run},
	{"call", "VERB [ARG...]", "send any request and print the reply", no_options, false,
	 EXIT_BROKEN, call_run},
};

#define SUBCOMMANDS (sizeof(subcommands) / sizeof(subcommands[0]))

const struct subcommand *subcommand_find(const char *name)
{
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		if (strcmp(subcommands[i].name, name) == 0)
			return &subcommands[i];
	return NULL;
}

int subcommand_run(const struct subcommand *s, const struct addr_spec *server, int argc,
		   char **argv)
{
	struct cli cli = {.options = s->options, .argv = argv, .argc = argc, .mixed = s->mixed};
	struct talk t;
	int status;

	if (server->transport == TRANSPORT_UDP) {
		warnx("%s: udp carries no requests, use tcp: or unix:", s->name);
		return EXIT_USAGE;
	}
	talk_init(&t, server);
	status = s->run(&t, &cli);
	if (t.reason[0] != '\0')
		status = s->broken;
	talk_print_reason(&t);
	talk_close(&t);
	return status;
}

int subcommand_explain(const struct cli *cli, int option)
{
	const struct subcommand *s = subcommand_find(cli->argv[0]);
	const char *options = s->options[0].name != NULL ? "[OPTION...] " : "";

	if (option != CLI_HELP) {
		warnx("usage: pollcat ADDRESS %s %s%s; --help tells more", s->name, options,
		      s->operands);
		return EXIT_USAGE;
	}
	printf("usage: pollcat ADDRESS %s %s%s\n\n%c%s.\n\n", s->name, options, s->operands,
	       toupper((unsigned char)s->help[0]), s->help + 1);
	cli_help(s->options, stdout);
	return EXIT_SUCCESS;
}

void subcommand_list(FILE *to)
{
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		fprintf(to, "  %-4s %-15s %s\n", subcommands[i].name, subcommands[i].operands,
			subcommands[i].help);
}
