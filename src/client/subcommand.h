/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_SUBCOMMAND_H
#define CLIENT_SUBCOMMAND_H
/*
 * What pollcat does with a server of the protocol resp, beside plain conversation: one row
 * and one function each.
 */
#include "client/talk.h"

#include <stdio.h>

enum exit_status {
	EXIT_BROKEN = 1, /* it could not be done; the conversation could not start, or broke */
	EXIT_USAGE = 2,
	EXIT_RUN_BROKEN = 255, /* run: as ssh(1), so that it differs from the command's own */
};

struct subcommand {
	const char *name;
	const char *usage; /* its arguments */
	const char *help;  /* one line */
	int broken;        /* exit status when the conversation broke */
	/* argv[0] is the name, and a NULL is last. Returns the exit status; t is not connected
	 * yet, and closed afterwards. */
	int (*run)(struct talk *t, int argc, char **argv);
};

/* Returns NULL if there is none of this name. */
const struct subcommand *subcommand_find(const char *name);

/* Returns the exit status. */
int subcommand_run(const struct subcommand *s, const struct addr_spec *server, int argc,
		   char **argv);

/* Say how the subcommand is used. Returns EXIT_USAGE. */
int subcommand_misused(const char *name);

void subcommand_list(FILE *to);

/* The functions of the table. */
int call_run(struct talk *t, int argc, char **argv);
int get_run(struct talk *t, int argc, char **argv);
int ls_run(struct talk *t, int argc, char **argv);
int run_run(struct talk *t, int argc, char **argv);

#endif
