/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_SUBCOMMAND_H
#define CLIENT_SUBCOMMAND_H
/*
 * What pollcat does with a server of the protocol resp, beside plain conversation: each subcommand
 * is one row and one function.
 */
#include "client/cli.h"
#include "client/talk.h"

#include <stdio.h>

/* Exit statuses. */
enum {
	EXIT_BROKEN = 1, /* it could not be done, or the conversation did not start, or broke */
	EXIT_USAGE = 2,  /* wrong use */
	EXIT_RUN_BROKEN = 255, /* EXIT_BROKEN of run, as ssh(1) has it: unlike a command's status */
};

struct subcommand {
	const char *name;
	const char *operands; /* for people */
	int operands_min, operands_max;
	const char *help; /* one line */
	const struct cli_option *options;
	bool mixed; /* as struct cli; not where an operand can be an option of somebody else */
	/* Operands are completed as the arguments of this verb; "": the first operand is a verb,
	 * whose arguments the others are; NULL: nothing is completed. */
	const char *verb;
	/* Do what the subcommand is for: options are taken, and the number of operands is right. t
	 * is not connected yet; afterwards it is closed, and its reason is said. Returns the exit
	 * status. */
	int (*run)(struct talk *t, const struct cli *cli);
};

/* Returns the subcommand in row i; NULL after the last. */
const struct subcommand *subcommand_at(size_t i);

/* Returns the subcommand of this name, or NULL. */
const struct subcommand *subcommand_find(const char *name);

/* Take the command line of a subcommand, and run it. timeout_ms: to connect, and for the server's
 * silence; 0: as long as it takes. Returns the exit status. */
int subcommand_run(const struct subcommand *s, const struct addr_spec *server, int64_t timeout_ms,
		   int argc, char **argv);

/* Print a line of help for each subcommand. */
void subcommand_list(FILE *to);

/* What the rows are made of. */
extern const struct cli_option call_options[], commands_options[], get_options[], ls_options[],
	run_options[];
int call_run(struct talk *t, const struct cli *cli);
int commands_run(struct talk *t, const struct cli *cli);
int get_run(struct talk *t, const struct cli *cli);
int ls_run(struct talk *t, const struct cli *cli);
int run_run(struct talk *t, const struct cli *cli);

#endif
