/* SPDX-License-Identifier: MIT */
/* The command line of pollcat, nothing else. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "client/completion.h"
#include "client/converse.h"
#include "client/io.h"
#include "client/subcommand.h"

#include <err.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	OPTION_COMPLETE,
	OPTION_COMPLETION,
	OPTION_NEWLINE,
	OPTION_RESP,
	OPTION_VERSION,
};

static const struct cli_option options[] = {
	{"complete", '\0', "LINE", "print what the last word of LINE may become"},
	{"completion", '\0', "SHELL", "print what completes pollcat in bash, fish or zsh"},
	{"newline", 'n', NULL, "send each typed line with a newline"},
	{"resp", 'R', NULL, "the server's protocol is resp: typed lines are requests"},
	{"version", 'V', NULL, "print the version and exit"},
	{NULL, '\0', NULL, NULL},
};

struct command_line {
	const char *address; /* NULL: none given */
	bool newline;
	bool resp;
	int argc; /* the subcommand and its arguments */
	char **argv;
};

static void help(void)
{
	puts("usage: pollcat [OPTION...] ADDRESS [SUBCOMMAND [ARG...]]\n"
	     "\n"
	     "ADDRESS is HOST:PORT, [IPV6]:PORT, tcp:HOST:PORT, udp:HOST:PORT or unix:PATH.\n");
	cli_help(options, stdout);
	puts("\nSubcommands, where the server's protocol is resp:\n");
	subcommand_list(stdout);
	puts("\npollcat ADDRESS SUBCOMMAND --help tells more of each.");
}

static int misused(void)
{
	fputs("usage: pollcat [OPTION...] ADDRESS [SUBCOMMAND [ARG...]]; see pollcat --help\n",
	      stderr);
	return EXIT_USAGE;
}

/* A closed standard descriptor would be given to the socket. What stands for output cannot be
 * written to: an answer that goes nowhere is an error. */
static void standard_descriptors_open(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_RDWR : O_RDONLY) < 0)
			exit(EXIT_BROKEN);
}

/* Without a transport it is TCP. Returns 0, or -1 with the reason in reason[size]. */
static int address_parse(struct addr_spec *spec, const char *text, char *reason, size_t size)
{
	static const char *const prefixes[] = {"tcp:", "udp:", "unix:"};
	char tcp[ADDR_TEXT_MAX + 1];

	for (unsigned i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(text, prefixes[i], strlen(prefixes[i])) == 0)
			return addr_spec_parse(spec, text, reason, size);
	snprintf(tcp, sizeof(tcp), "tcp:%s", text); /* cut off, it is still refused as too long */
	return addr_spec_parse(spec, tcp, reason, size);
}

/* Returns the exit status, which is another where what was printed could not be. */
static int output_end(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	io_write_failed("standard output");
	return EXIT_BROKEN;
}

static void option_take(struct command_line *line, int option, const char *argument)
{
	switch (option) {
	case OPTION_COMPLETE:
		exit(output_end(completion_words(options, argument, address_parse)));
	case OPTION_COMPLETION:
		exit(output_end(completion_script(argument)));
	case OPTION_NEWLINE:
		line->newline = true;
		break;
	case OPTION_RESP:
		line->resp = true;
		break;
	case OPTION_VERSION:
		puts("pollcat " PACKAGE_VERSION);
		exit(output_end(EXIT_SUCCESS));
	case CLI_HELP:
		help();
		exit(output_end(EXIT_SUCCESS));
	default:
		exit(misused());
	}
}

/* Options, up to the first operand. Returns what is left, which argv[0] is not of. */
static char **options_take(struct command_line *line, int *argc, char **argv)
{
	struct cli cli = {.options = options, .argv = argv, .argc = *argc};
	const char *argument;
	int option;

	while ((option = cli_next(&cli, &argument)) != CLI_END)
		option_take(line, option, argument);
	*argc = cli_count(&cli);
	return cli_operands(&cli);
}

/* Options may stand after the address, but what follows a subcommand is its own. */
static void command_line_parse(struct command_line *line, int argc, char **argv)
{
	char *name = argv[0];

	argv = options_take(line, &argc, argv);
	if (argc > 0) {
		line->address = argv[0];
		argv[0] = name; /* as the messages have it */
		argv = options_take(line, &argc, argv);
	}
	line->argc = argc;
	line->argv = argv;
}

/* Returns the exit status. */
static int subcommand(const struct command_line *line, const struct addr_spec *spec)
{
	const struct subcommand *s = subcommand_find(line->argv[0]);

	if (s == NULL) {
		warnx("no subcommand '%s'; see pollcat --help", line->argv[0]);
		return EXIT_USAGE;
	}
	if (line->newline || line->resp) {
		warnx("-n and -R are for the prompt; leave them out with %s", s->name);
		return EXIT_USAGE;
	}
	return output_end(subcommand_run(s, spec, line->argc, line->argv));
}

int main(int argc, char **argv)
{
	struct command_line line = {0};
	struct addr_spec spec;
	char reason[512];

	standard_descriptors_open();
	signal(SIGPIPE, SIG_IGN);
	setlocale(LC_CTYPE, ""); /* editing needs to know what a character is */
	command_line_parse(&line, argc, argv);
	if (line.address == NULL)
		return misused();
	if (address_parse(&spec, line.address, reason, sizeof(reason)) < 0) {
		warnx("%s", reason);
		return EXIT_USAGE;
	}
	if (line.argc > 0)
		return subcommand(&line, &spec);
	if (line.resp)
		return converse_in_requests(&spec);
	return converse(&spec, line.newline);
}
