/* SPDX-License-Identifier: MIT */
/* The command line of pollcat, nothing else. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "client/address.h"
#include "client/completion.h"
#include "client/converse.h"
#include "client/io.h"
#include "client/ping.h"
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
	OPTION_TIMEOUT,
	OPTION_VERSION,
};

static const struct cli_option options[] = {
	{"complete", '\0', "LINE", "print what the last word of LINE may become"},
	{"completion", '\0', "SHELL", "print what completes pollcat in bash, fish or zsh"},
	{"newline", 'n', NULL, "send each typed line with a newline"},
	{"resp", 'R', NULL, "the protocol is resp: typed lines are requests"},
	{"timeout", 't', "DURATION", "wait so long to connect, and for each answer"},
	{"version", 'V', NULL, "print the version and exit"},
	{NULL, '\0', NULL, NULL},
};

struct command_line {
	const char *address; /* NULL: none given */
	bool newline;
	bool resp;
	opt_duration timeout; /* milliseconds; 0: none */
	int argc;             /* the subcommand and its arguments */
	char **argv;
};

static const struct option_def timeout_value = {
	"timeout", &option_duration, offsetof(struct command_line, timeout), NULL, "1ms..24h", 0,
	NULL,
};

static void help(void)
{
	puts("usage: pollcat [OPTION...] ADDRESS [SUBCOMMAND [ARG...]]\n"
	     "       pollcat ping [OPTION...] HOST\n"
	     "\n"
	     "ADDRESS is HOST:PORT, [IPV6]:PORT, tcp:HOST:PORT, udp:HOST:PORT or unix:PATH,\n"
	     "or a name from ~/.config/pollcat; left out, it is that of POLLCAT_ADDRESS.\n");
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

/* Open /dev/null for standard descriptors that are closed, which the socket would get otherwise. In
 * place of output it is opened only for reading: an answer that goes nowhere is an error. */
static void standard_descriptors_open(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_RDWR : O_RDONLY) < 0)
			exit(EXIT_BROKEN);
}

/* Returns the exit status: this one, or EXIT_BROKEN where what was printed could not be written. */
static int output_end(int status)
{
	return io_flush() < 0 ? EXIT_BROKEN : status;
}

static void option_take(struct command_line *line, int option, const char *argument)
{
	switch (option) {
	case OPTION_COMPLETE:
		exit(output_end(completion_words(options, argument)));
	case OPTION_COMPLETION:
		exit(output_end(completion_script(argument)));
	case OPTION_NEWLINE:
		line->newline = true;
		break;
	case OPTION_RESP:
		line->resp = true;
		break;
	case OPTION_TIMEOUT:
		if (cli_value(&timeout_value, line, argument) < 0)
			exit(EXIT_USAGE);
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

/* Take options, up to the first operand; argv[0] is passed over. Returns what is left of argv. */
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

static bool is_ping(const char *operand)
{
	return strcmp(operand, "ping") == 0;
}

/* Options may stand before and after the address; what comes after a subcommand is its own. */
static void command_line_parse(struct command_line *line, int argc, char **argv)
{
	char *name = argv[0];

	line->address = getenv("POLLCAT_ADDRESS");
	argv = options_take(line, &argc, argv);
	if (argc > 0 && !is_ping(argv[0]) && subcommand_find(argv[0]) == NULL) {
		line->address = argv[0];
		argv[0] = name; /* what messages begin with */
		argv = options_take(line, &argc, argv);
	}
	line->argc = argc;
	line->argv = argv;
}

/* Returns true, with the reason said, if there are options that only a prompt can have. */
static bool is_for_prompt(const struct command_line *line)
{
	if (!line->newline && !line->resp)
		return false;
	warnx("-n and -R are for the prompt; leave them out with %s", line->argv[0]);
	return true;
}

/* Run the subcommand. Returns the exit status. */
static int subcommand(const struct command_line *line, const struct addr_spec *spec)
{
	const struct subcommand *s = subcommand_find(line->argv[0]);

	if (s == NULL) {
		warnx("no subcommand '%s'; see pollcat --help", line->argv[0]);
		return EXIT_USAGE;
	}
	if (is_for_prompt(line))
		return EXIT_USAGE;
	return output_end(subcommand_run(s, spec, line->timeout, line->argc, line->argv));
}

/* Returns the exit status. */
static int ping(const struct command_line *line)
{
	struct cli cli = {
		.options = ping_options, .argv = line->argv, .argc = line->argc, .mixed = true};

	if (is_for_prompt(line))
		return EXIT_USAGE;
	return ping_run(&cli, line->timeout);
}

/* Returns the exit status. */
static int no_address(const struct command_line *line)
{
	if (line->argc == 0)
		return misused();
	warnx("%s needs an address: pollcat ADDRESS %s, or POLLCAT_ADDRESS in the environment",
	      line->argv[0], line->argv[0]);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	struct command_line line = {0};
	struct reason reason;
	struct addr_spec spec;

	standard_descriptors_open();
	signal(SIGPIPE, SIG_IGN);
	setlocale(LC_CTYPE, ""); /* editing needs to know what a character is */
	command_line_parse(&line, argc, argv);
	if (line.argc > 0 && is_ping(line.argv[0]))
		return ping(&line);
	if (line.address == NULL || line.address[0] == '\0')
		return no_address(&line);
	if (address_parse(&spec, line.address, &reason) < 0) {
		warnx("%s", reason.text);
		return EXIT_USAGE;
	}
	if (line.argc > 0)
		return subcommand(&line, &spec);
	if (line.resp)
		return converse_in_requests(&spec, line.timeout);
	return converse(&spec, line.newline, line.timeout);
}
