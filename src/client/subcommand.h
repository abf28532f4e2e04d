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

enum exit_status {
	EXIT_BROKEN = 1, /* it could not be done; the conversation could not start, or broke */
	EXIT_USAGE = 2,
	EXIT_RUN_BROKEN = 255, /* run: as ssh(1), so that it differs from the command's own */
};

struct subcommand {
	const char *name;
	const char *operands;
	const char *help; /* one line */
	const struct cli_option *options;
	bool mixed; /* as struct cli; not where an operand can be somebody else's option */
	int broken; /* exit status when the conversation broke */
	/* Take the options and do it. Returns the exit status; t is not connected yet, and closed
	 * afterwards. */
	int (*run)(struct talk *t, struct cli *cli);
};

/* Returns NULL if there is none of this name. */
const struct subcommand *subcommand_find(const char *name);

/* Returns the exit status. */
int subcommand_run(const struct subcommand *s, const struct addr_spec *server, int argc,
		   char **argv);

/* What remains where cli_next() gives no option of the table: print the help, or how the subcommand
 * is used. Returns the exit status. */
int subcommand_explain(const struct cli *cli, int option);

void subcommand_list(FILE *to);

/* What the table is made of. */
extern const struct cli_option get_options[], ls_options[], run_options[];
int call_run(struct talk *t, struct cli *cli);
int get_run(struct talk *t, struct cli *cli);
int ls_run(struct talk *t, struct cli *cli);
int run_run(struct talk *t, struct cli *cli);

#endif
