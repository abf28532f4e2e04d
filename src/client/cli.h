/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_CLI_H
#define CLIENT_CLI_H
/*
 * A command line by table: one line for an option makes its parser, its line of the help and its
 * completion. Every table has -h and --help besides.
 */
#include "config/option.h"

#include <stdbool.h>
#include <stdio.h>

struct cli_option {
	const char *name;     /* --NAME; NULL ends the table */
	char letter;          /* '\0': none */
	const char *argument; /* what the help calls its argument; NULL: the option has none */
	const char *help;     /* one line */
};

#define CLI_OPTIONS_MAX 16 /* of one table */

enum {
	CLI_END = -1,
	CLI_HELP = -2,
	CLI_WRONG = -3, /* an option that is not in the table, or lacks its argument */
};

struct cli {
	const struct cli_option *options;
	char **argv; /* argv[0] is the name in messages; NULL last */
	int argc;
	bool mixed; /* options may stand after operands, which are moved to the end of argv */
	bool begun; /* cli_next() has been called */
	/* By cli_take(): the argument of each option, by index; "": it has none; NULL: not given.
	 */
	const char *given[CLI_OPTIONS_MAX];
};

/* Take the next option. Returns its index in the table, and *argument, borrowed from argv, or NULL;
 * or CLI_END, CLI_HELP or CLI_WRONG. */
int cli_next(struct cli *cli, const char **argument);

/* Take all options into given; of one that is given several times, the last. Returns CLI_END, or
 * what else ended the command line. */
int cli_take(struct cli *cli) __attribute__((warn_unused_result));

/* After CLI_END: argv from the first operand on. */
char **cli_operands(const struct cli *cli);
/* After CLI_END: how many operands there are. */
int cli_count(const struct cli *cli);

/* The option --help, which every table has besides. */
extern const struct cli_option cli_help_option;

/* Give conf's field the value of an option. Returns 0, or -1 with the reason said. */
int cli_value(const struct option_def *def, void *conf, const char *argument)
	__attribute__((warn_unused_result));

/* Print the help of each option of a table, within 80 columns. */
void cli_help(const struct cli_option *options, FILE *to);

#endif
