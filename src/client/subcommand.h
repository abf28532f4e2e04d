/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_SUBCOMMAND_H
#define CLIENT_SUBCOMMAND_H
/*
 * What pollcat does with a server of the protocol resp, beside plain conversation: one row
 * and one function each.
 */
#include "client/cli.h"
#include "client/talk.h"

#include <stdio.h>

/* Exit statuses. */
enum {
	EXIT_BROKEN = 1, /* it could not be done; the conversation could not start, or broke */
	EXIT_USAGE = 2,
	EXIT_RUN_BROKEN = 255, /* run: as ssh(1), so that it differs from the command's own */
};

struct subcommand {
	const char *name;
	const char *operands;
	int operands_min, operands_max;
	const char *help; /* one line */
	const struct cli_option *options;
	bool mixed; /* as struct cli; not where an operand can be somebody else's option */
	/* What is typed stands for the arguments of this verb, and is completed as those are; "":
	 * it begins with a verb of its own; NULL: nothing is completed. */
	const char *verb;
	/* Do it; the options are taken, and there are as many operands as there may be. Returns the
	 * exit status; t is not connected yet, and afterwards closed, and what broke it is said. */
	int (*run)(struct talk *t, const struct cli *cli);
};

/* Returns NULL after the last. */
const struct subcommand *subcommand_at(size_t i);

/* Returns NULL if there is none of this name. */
const struct subcommand *subcommand_find(const char *name);

/* Take its command line, and do what it says. timeout_ms: to connect, and for the server's silence;
 * 0: as long as it takes. Returns the exit status. */
int subcommand_run(const struct subcommand *s, const struct addr_spec *server, int64_t timeout_ms,
		   int argc, char **argv);

void subcommand_list(FILE *to);

/* What the table is made of. */
extern const struct cli_option call_options[], commands_options[], get_options[], ls_options[],
	run_options[];
int call_run(struct talk *t, const struct cli *cli);
int commands_run(struct talk *t, const struct cli *cli);
int get_run(struct talk *t, const struct cli *cli);
int ls_run(struct talk *t, const struct cli *cli);
int run_run(struct talk *t, const struct cli *cli);

#endif
