/* SPDX-License-Identifier: MIT */
/* The command line of pollard, nothing else. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <bsd/stdlib.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/help.h"
#include "config/include.h"
#include "core/order.h"
#include "net/names.h"
#include "server/reading.h"
#include "server/schema.h"
#include "server/server.h"
#include "services/registry.h"
#include "wire/protocols.h"

#ifndef CONFIG_FILE
#define CONFIG_FILE "/etc/pollard/pollard.ini"
#endif

static const char usage[] =
	"usage: pollard [-c FILE] [--check [--strict] | --dump | --resolve]\n"
	"       pollard --list [keys] | --reload PID\n"
	"\n"
	"Answers on the sockets that FILE names; runs in the foreground.\n"
	"\n"
	"  -c, --config FILE  the configuration; - is standard input\n"
	"                     (" CONFIG_FILE ")\n"
	"      --check        name all errors of the configuration; touch nothing\n"
	"      --strict       warnings of --check are errors\n"
	"      --dump         print the configuration in force, defaults included\n"
	"      --resolve      print its files and what stands for its names, for a reload\n"
	"      --list         print the services and protocols there are\n"
	"      --list keys    print what a configuration may hold, with defaults\n"
	"      --reload PID   have the daemon PID reload, and wait for the outcome\n"
	"  -V, --version      print the version\n"
	"  -h, --help         print this\n"
	"\n"
	"SIGHUP reloads, SIGTERM finishes what is owed and ends, SIGUSR1 logs counters.\n"
	"Exit status: 0 stopped or fine, 1 errors in the configuration, 2 wrong use,\n"
	"3 a socket cannot be bound, 4 the system refuses what is needed, 5 the system\n"
	"failed later on.\n";

enum mode {
	MODE_RUN,
	MODE_CHECK,
	MODE_DUMP,
	MODE_RESOLVE,
	MODE_LIST,
	MODE_RELOAD,
	MODE_VERSION,
	MODE_HELP,
};

struct command_line {
	const char *path, *pid_text;
	enum mode mode;
	bool strict, keys;
};

/* Returns status, or EXIT_SYSTEM where what was printed could not be written. */
static enum exit_status output_end(enum exit_status status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	perror("pollard: standard output");
	return EXIT_SYSTEM;
}

static enum exit_status check(const struct command_line *line)
{
	struct settings *settings = settings_load(line->path, daemon_schema());
	enum exit_status status = EXIT_OK;

	if (settings == NULL) {
		fprintf(stderr, "pollard: out of memory\n");
		return EXIT_SYSTEM;
	}
	for (size_t i = 0; i < settings->errors.count; i++)
		fprintf(stderr, "%s\n", settings->errors.items[i]);
	for (size_t i = 0; i < settings->warnings.count && line->mode == MODE_CHECK; i++)
		fprintf(stderr, "%s\n", settings->warnings.items[i]);
	if (settings->errors.count > 0 || (line->strict && settings->warnings.count > 0))
		status = EXIT_CONFIG;
	else if (line->mode == MODE_DUMP)
		settings_dump(settings, stdout);
	else
		printf("%s: no errors\n", line->path);
	settings_unref(settings);
	names_forget();
	return output_end(status);
}

static enum exit_status resolve(const char *path)
{
	if (reading_write(path, STDOUT_FILENO) == 0)
		return EXIT_OK;
	perror("pollard: standard output");
	return EXIT_SYSTEM;
}

static enum exit_status list(bool keys)
{
	if (keys) {
		help_keys(daemon_schema(), stdout);
		return output_end(EXIT_OK);
	}
	printf("services:\n");
	for (size_t i = 0; services[i] != NULL; i++)
		printf("  %-10s %s\n", services[i]->name, services[i]->summary);
	printf("protocols:\n");
	for (size_t i = 0; protocols[i] != NULL; i++)
		printf("  %-10s %s\n", protocols[i]->name, protocols[i]->summary);
	return output_end(EXIT_OK);
}

static enum exit_status reload(const char *pid_text)
{
	const char *error;
	struct reason reason;
	pid_t pid = (pid_t)strtonum(pid_text, 1, INT_MAX, &error);

	if (error != NULL) {
		fprintf(stderr, "pollard: --reload: '%s' is not the number of a process\n",
			pid_text);
		return EXIT_USAGE;
	}
	switch (order_reload(pid, &reason)) {
	case ORDER_DONE:
		return EXIT_OK;
	case ORDER_REFUSED:
		fprintf(stderr, "pollard: the daemon goes on as it was; its log says why\n");
		return EXIT_CONFIG;
	case ORDER_FAILED:
		break;
	}
	fprintf(stderr, "pollard: --reload: %s\n", reason.text);
	return EXIT_SYSTEM;
}

/* Returns 0 with *line; or -1 where the command line is wrong, and what is wrong said. */
static int options_read(int argc, char **argv, struct command_line *line)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, MODE_CHECK},
		{"strict", no_argument, NULL, 's'},
		{"dump", no_argument, NULL, MODE_DUMP},
		{"resolve", no_argument, NULL, MODE_RESOLVE},
		{"list", no_argument, NULL, MODE_LIST},
		{"reload", required_argument, NULL, MODE_RELOAD},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
		if (option == '?')
			return -1;
		if (option == 'c')
			line->path = optarg;
		else if (option == 's')
			line->strict = true;
		else
			line->mode = option == 'V'   ? MODE_VERSION
				     : option == 'h' ? MODE_HELP
						     : (enum mode)option;
		if (option == MODE_RELOAD)
			line->pid_text = optarg;
	}
	if (line->mode == MODE_LIST && optind < argc && strcmp(argv[optind], "keys") == 0) {
		line->keys = true;
		optind++;
	}
	if (optind < argc)
		fprintf(stderr, "pollard: unexpected argument '%s'\n", argv[optind]);
	else if (line->strict && line->mode != MODE_CHECK)
		fprintf(stderr, "pollard: --strict goes with --check\n");
	else
		return 0;
	return -1;
}

/* Open /dev/null for standard descriptors that are closed, so that no socket takes their numbers.
 */
static int standard_descriptors(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0) {
			perror("pollard: /dev/null");
			return -1;
		}
	return 0;
}

int main(int argc, char **argv)
{
	struct command_line line = {.path = CONFIG_FILE, .mode = MODE_RUN};

	if (standard_descriptors() < 0)
		return EXIT_SYSTEM;
	if (options_read(argc, argv, &line) < 0) {
		fprintf(stderr, "pollard: try 'pollard --help'\n");
		return EXIT_USAGE;
	}
	switch (line.mode) {
	case MODE_CHECK:
	case MODE_DUMP:
		return check(&line);
	case MODE_RESOLVE:
		return resolve(line.path);
	case MODE_LIST:
		return list(line.keys);
	case MODE_RELOAD:
		return reload(line.pid_text);
	case MODE_VERSION:
		printf("pollard %s\n", PACKAGE_VERSION);
		return output_end(EXIT_OK);
	case MODE_HELP:
		printf("%s", usage);
		return output_end(EXIT_OK);
	case MODE_RUN:
		break;
	}
	return server_run(line.path);
}
