/* SPDX-License-Identifier: MIT */
/* pollcat ADDRESS ls [-l] [GLOB] */
#include "client/escape.h"
#include "client/remote_file.h"
#include "client/scan.h"
#include "client/subcommand.h"

#include <err.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct ls {
	const char *glob; /* NULL: all */
	bool details;
	bool escaped;
	bool refused;     /* the details of some file */
	struct buf names; /* of one page, each with its NUL */
};

static int output_flush(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	warn("standard output");
	return -1;
}

static void print_name(const struct ls *ls, const char *name)
{
	char *escaped = ls->escaped ? escape_string(name, strlen(name)) : NULL;

	if (!ls->escaped)
		puts(name);
	else
		puts(escaped != NULL ? escaped : "?"); /* no memory */
	free(escaped);
}

/* Size and time, or what stands for them. */
static void print_details(const struct remote_file *file)
{
	time_t mtime = (time_t)file->mtime;
	char when[32] = "-";
	struct tm tm;

	if (file->state != REMOTE_FOUND) {
		printf("%14s  %-16s  ", "-", "-");
		return;
	}
	if (localtime_r(&mtime, &tm) != NULL)
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
	printf("%14" PRId64 "  %-16s  ", file->size, when);
}

static bool is_folder(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && name[len - 1] == '/';
}

/* Ask for the details of all names of the page, then print them as they come. */
static int page_print(struct talk *t, struct ls *ls)
{
	const char *name, *names, *end;
	struct remote_file file;

	if (buf_len(&ls->names) == 0)
		return 0;
	names = buf_data(&ls->names);
	end = names + buf_len(&ls->names);
	for (name = names; name < end; name += strlen(name) + 1)
		if (!is_folder(name) && remote_file_ask(t, name) < 0)
			return -1;
	for (name = names; name < end; name += strlen(name) + 1) {
		file = (struct remote_file){.state = REMOTE_MISSING};
		if (!is_folder(name) && remote_file_take(t, &file) < 0)
			return -1;
		if (file.state == REMOTE_REFUSED)
			ls->refused = true;
		print_details(&file);
		print_name(ls, name);
	}
	buf_consume(&ls->names, buf_len(&ls->names));
	return 0;
}

static int name_take(void *arg, const char *name)
{
	struct ls *ls = arg;

	if (!ls->details) {
		print_name(ls, name);
		return 0;
	}
	if (buf_add(&ls->names, name, strlen(name) + 1) == 0)
		return 0;
	warn("names");
	return -1;
}

static int list(struct talk *t, struct ls *ls)
{
	struct scan scan = SCAN_START;

	do {
		if (scan_page(t, &scan, ls->glob, name_take, ls) < 0)
			return -1;
		if (page_print(t, ls) < 0 || output_flush() < 0)
			return -1;
	} while (!scan_ended(&scan));
	return 0;
}

static int options_parse(struct ls *ls, int argc, char **argv)
{
	static const struct option options[] = {
		{"long", no_argument, NULL, 'l'},
		{NULL, 0, NULL, 0},
	};
	int option;

	optind = 0; /* a new command line, for GNU */
	opterr = 0;
	while ((option = getopt_long(argc, argv, "l", options, NULL)) != -1) {
		if (option != 'l')
			return -1;
		ls->details = true;
	}
	if (argc - optind > 1)
		return -1;
	ls->glob = argv[optind];
	return 0;
}

int ls_run(struct talk *t, int argc, char **argv)
{
	struct ls ls = {.escaped = isatty(STDOUT_FILENO)};
	int result;

	if (options_parse(&ls, argc, argv) < 0)
		return subcommand_misused(argv[0]);
	result = talk_open(t) < 0 ? -1 : list(t, &ls);
	buf_free(&ls.names);
	return result < 0 || ls.refused ? EXIT_BROKEN : EXIT_SUCCESS;
}
