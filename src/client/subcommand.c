/* SPDX-License-Identifier: MIT */
#include "client/subcommand.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

static const struct subcommand subcommands[] = {
	{"run", "NAME [ARG...]", "run a command on the server", EXIT_RUN_BROKEN, run_run},
	{"get", "NAME [-o FILE] [--resume] [--verify]", "download a file", EXIT_BROKEN, get_run},
	{"ls", "[-l] [GLOB]", "list files", EXIT_BROKEN, ls_run},
	{"call", "VERB [ARG...]", "send any request and print the reply", EXIT_BROKEN, call_run},
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
	struct talk t;
	int status;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		printf("usage: pollcat ADDRESS %s %s\n\n%s\n", s->name, s->usage, s->help);
		return EXIT_SUCCESS;
	}
	if (server->transport == TRANSPORT_UDP) {
		warnx("%s: udp carries no requests, use tcp: or unix:", s->name);
		return EXIT_USAGE;
	}
	talk_init(&t, server);
	status = s->run(&t, argc, argv);
	if (t.reason[0] != '\0')
		status = s->broken;
	talk_print_reason(&t);
	talk_close(&t);
	return status;
}

int subcommand_misused(const char *name)
{
	const struct subcommand *s = subcommand_find(name);

	warnx("usage: pollcat ADDRESS %s %s", s->name, s->usage);
	return EXIT_USAGE;
}

void subcommand_list(FILE *to)
{
	for (size_t i = 0; i < SUBCOMMANDS; i++)
		fprintf(to, "  %-4s %-42s  %s\n", subcommands[i].name, subcommands[i].usage,
			subcommands[i].help);
}
