/* SPDX-License-Identifier: MIT */
/* pollcat ADDRESS ls [-l] [GLOB] */
#include "client/escape.h"
#include "client/remote_file.h"
#include "client/subcommand.h"

#include <err.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CURSOR_MAX 32       /* bytes, with a NUL */
#define NAME_MAX_BYTES 4097 /* with a NUL: PATH_MAX, and the "/" of a folder */
#define PAGE_MAX (8U << 20) /* bytes of names in one reply; COUNT is but a hint */

struct ls {
	const char *glob; /* NULL: all */
	bool details;
	bool escaped;
	bool refused; /* the details of some file */
	char cursor[CURSOR_MAX];
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
	struct buf text = {0};

	if (!ls->escaped)
		puts(name);
	else if (escape_text(&text, name, strlen(name)) == 0)
		printf("%.*s\n", (int)buf_len(&text), buf_data(&text));
	buf_free(&text);
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
	const char *name, *names = buf_data(&ls->names), *end = names + buf_len(&ls->names);
	struct remote_file file;

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

static int name_take(struct talk *t, struct ls *ls)
{
	char name[NAME_MAX_BYTES];

	if (talk_next_string(t, name, sizeof(name)) < 0)
		return -1;
	if (!ls->details) {
		print_name(ls, name);
		return 0;
	}
	if (buf_len(&ls->names) + sizeof(name) > PAGE_MAX)
		return talk_unexpected(t);
	if (buf_add(&ls->names, name, strlen(name) + 1) == 0)
		return 0;
	warn("names");
	return -1;
}

static int page_ask(struct talk *t, const struct ls *ls)
{
	const char *argv[] = {"SCAN", ls->cursor, "COUNT", "1000", "MATCH", ls->glob, NULL};

	if (ls->glob == NULL)
		argv[4] = NULL;
	return talk_ask(t, argv);
}

/* The reply to SCAN: the next cursor, then names. */
static int page_take(struct talk *t, struct ls *ls)
{
	struct reply_event e;

	if (talk_next(t, &e) < 0)
		return -1;
	if (e.type == REPLY_ERROR) {
		talk_print_error(&e);
		return -1;
	}
	if (e.type != REPLY_ARRAY || e.number != 2)
		return talk_unexpected(t);
	if (talk_next_string(t, ls->cursor, sizeof(ls->cursor)) < 0 || talk_next(t, &e) < 0)
		return -1;
	if (e.type != REPLY_ARRAY)
		return talk_unexpected(t);
	for (int64_t i = 0; i < e.number; i++)
		if (name_take(t, ls) < 0)
			return -1;
	return 0;
}

static int list(struct talk *t, struct ls *ls)
{
	do {
		if (page_ask(t, ls) < 0 || page_take(t, ls) < 0)
			return -1;
		if (page_print(t, ls) < 0 || output_flush() < 0)
			return -1;
	} while (strcmp(ls->cursor, "0") != 0);
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
	struct ls ls = {.cursor = "0", .escaped = isatty(STDOUT_FILENO)};
	int result;

	if (options_parse(&ls, argc, argv) < 0)
		return subcommand_misused(argv[0]);
	result = talk_open(t) < 0 ? -1 : list(t, &ls);
	buf_free(&ls.names);
	return result < 0 || ls.refused ? EXIT_BROKEN : EXIT_SUCCESS;
}
