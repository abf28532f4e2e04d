/* SPDX-License-Identifier: MIT */
#include "client/cli.h"

#include <err.h>
#include <getopt.h>

#define FIRST 1000     /* what getopt_long(3) returns for the first of a table; no letter is that */
#define HELP_COLUMN 24 /* where the text of an option begins */

const struct cli_option cli_help_option = {"help", 'h', NULL, "print this and exit"};

static void option_add(const struct cli_option *from, int value, struct option *to, char **letters)
{
	*to = (struct option){from->name, from->argument != NULL, NULL, value};
	if (from->letter == '\0')
		return;
	*(*letters)++ = from->letter;
	if (from->argument != NULL)
		*(*letters)++ = ':';
}

int cli_next(struct cli *cli, const char **argument)
{
	struct option options[CLI_OPTIONS_MAX + 2] = {{0}};
	char text[2 * CLI_OPTIONS_MAX + 3] = "+", *letters = text + !cli->mixed;
	int count = 0, value;

	for (; cli->options[count].name != NULL; count++)
		option_add(&cli->options[count], FIRST + count, &options[count], &letters);
	option_add(&cli_help_option, 'h', &options[count], &letters);
	*letters = '\0';
	if (!cli->begun)
		optind = 0; /* a new command line, for GNU */
	cli->begun = true;
	opterr = 0;
	value = getopt_long(cli->argc, cli->argv, text, options, NULL);
	*argument = optarg;
	if (value == -1)
		return CLI_END;
	if (value == 'h')
		return CLI_HELP;
	for (int i = 0; i < count; i++)
		if (value == FIRST + i || value == cli->options[i].letter)
			return i;
	return CLI_WRONG;
}

int cli_take(struct cli *cli)
{
	const char *argument;
	int option;

	while ((option = cli_next(cli, &argument)) >= 0)
		cli->given[option] = argument != NULL ? argument : "";
	return option;
}

char **cli_operands(const struct cli *cli)
{
	return cli->argv + optind;
}

int cli_count(const struct cli *cli)
{
	return cli->argc - optind;
}

int cli_value(const struct option_def *def, void *conf, const char *argument)
{
	struct reason reason;

	if (option_set(def, conf, argument, &reason) == 0)
		return 0;
	warnx("--%s: %s", def->name, reason.text);
	return -1;
}

static void option_help(const struct cli_option *option, FILE *to)
{
	int width = 0;

	if (option->letter != '\0')
		width += fprintf(to, "  -%c, --%s", option->letter, option->name);
	else
		width += fprintf(to, "      --%s", option->name);
	if (option->argument != NULL)
		width += fprintf(to, " %s", option->argument);
	if (width > HELP_COLUMN - 2)
		width = fprintf(to, "\n") - 1;
	fprintf(to, "%*s%s\n", HELP_COLUMN - width, "", option->help);
}

void cli_help(const struct cli_option *options, FILE *to)
{
	for (; options->name != NULL; options++)
		option_help(options, to);
	option_help(&cli_help_option, to);
}
