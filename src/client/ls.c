/* SPDX-License-Identifier: MIT */
/* pollcat ADDRESS ls */
#include "client/escape.h"
#include "client/remote_file.h"
#include "client/scan.h"
#include "client/subcommand.h"

#include <err.h>
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

enum {
	OPTION_LONG,
};

const struct cli_option ls_options[] = {
	{"long", 'l', NULL, "print size and time of modification before each name"},
	{NULL, '\0', NULL, NULL},
};

/* Returns CLI_END, or what else ends the command line. */
static int options_parse(struct ls *ls, struct cli *cli)
{
	const char *argument;
	int option;

	while ((option = cli_next(cli, &argument)) == OPTION_LONG)
		ls->details = true;
	if (option == CLI_END && cli_count(cli) > 1)
		return CLI_WRONG;
	ls->glob = cli_operands(cli)[0];
	return option;
}

int ls_run(struct talk *t, struct cli *cli)
{
	struct ls ls = {.escaped = isatty(STDOUT_FILENO)};
	int option = options_parse(&ls, cli), result;

	if (option != CLI_END)
		return subcommand_explain(cli, option);
	result = talk_open(t) < 0 ? -1 : list(t, &ls);
	buf_free(&ls.names);
	return result < 0 || ls.refused ? EXIT_BROKEN : EXIT_SUCCESS;
}
