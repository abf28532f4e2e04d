/* SPDX-License-Identifier: MIT */
/* pollcat ADDRESS ls */
#include "client/escape.h"
#include "client/io.h"
#include "client/json.h"
#include "client/remote_file.h"
#include "client/scan.h"
#include "client/subcommand.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NAMES_MAX (64U << 20) /* bytes that are sorted at one time */
#define ASKED_MAX 1000        /* requests STAT on their way at one time */
#define OUTPUT_BYTES 65536    /* written at one time */

struct ls {
	struct talk *talk;
	bool details;     /* --long */
	bool json;        /* --json */
	bool escaped;     /* output is a terminal */
	bool refused;     /* the server has refused the details of a file */
	bool in_parts;    /* there are more names than can be sorted at one time */
	size_t listed;    /* names printed */
	struct buf names; /* found and not yet printed, each with its NUL */
	struct buf out;
};

/* ---- one name ---- */

static bool is_folder(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && name[len - 1] == '/';
}

static int name_add(struct ls *ls, const char *name)
{
	int result = ls->escaped ? escape_text(&ls->out, name, strlen(name))
				 : buf_add(&ls->out, name, strlen(name));

	return result < 0 ? -1 : buf_add(&ls->out, "\n", 1);
}

/* Add size and time of a file; of a folder, and where the server tells none, dashes. */
static int details_add(struct ls *ls, const struct remote_file *file)
{
	char when[32] = "-", size[24] = "-", text[80];
	time_t mtime = (time_t)file->mtime;
	struct tm tm;

	if (file->state == REMOTE_FOUND) {
		snprintf(size, sizeof(size), "%" PRId64, file->size);
		if (localtime_r(&mtime, &tm) != NULL)
			strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
	}
	snprintf(text, sizeof(text), "%14s  %-16s  ", size, when);
	return buf_add(&ls->out, text, strlen(text));
}

static int json_details_add(struct buf *out, const struct remote_file *file)
{
	if (file->state != REMOTE_FOUND)
		return json_raw(out, ",\"size\":null,\"mtime\":null,\"etag\":null}");
	if (json_raw(out, ",\"size\":") < 0 || json_integer(out, file->size) < 0 ||
	    json_raw(out, ",\"mtime\":") < 0 || json_integer(out, file->mtime) < 0 ||
	    json_raw(out, ",\"etag\":") < 0 || json_string(out, file->etag, strlen(file->etag)) < 0)
		return -1;
	return json_raw(out, "}");
}

static int json_add(struct ls *ls, const char *name, const struct remote_file *file)
{
	struct buf *out = &ls->out;

	if (json_raw(out, ls->listed > 0 ? ",\n{\"name\":" : "[{\"name\":") < 0 ||
	    json_string(out, name, strlen(name)) < 0 ||
	    json_raw(out, is_folder(name) ? ",\"type\":\"folder\"" : ",\"type\":\"file\"") < 0)
		return -1;
	return json_details_add(out, file);
}

static int entry_add(struct ls *ls, const char *name, const struct remote_file *file)
{
	if (ls->json)
		return json_add(ls, name, file);
	if (ls->details && details_add(ls, file) < 0)
		return -1;
	return name_add(ls, name);
}

static int entry_print(struct ls *ls, const char *name, const struct remote_file *file)
{
	if (entry_add(ls, name, file) < 0) {
		escape_warnx("%s: %m", name);
		return -1;
	}
	ls->listed++;
	return buf_len(&ls->out) < OUTPUT_BYTES ? 0 : io_output(&ls->out);
}

/* ---- all names ---- */

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Returns the names in their order, an array for free() whose strings are borrowed from ls; or NULL
 * with the reason said. */
static const char **names_sort(const struct ls *ls, size_t *count)
{
	const char *first = buf_data(&ls->names), *end = first + buf_len(&ls->names), **names;

	*count = 0;
	for (const char *name = first; name < end; name += strlen(name) + 1)
		++*count;
	names = calloc(*count, sizeof(names[0]));
	if (names == NULL) {
		warn("names");
		return NULL;
	}
	*count = 0;
	for (const char *name = first; name < end; name += strlen(name) + 1)
		names[(*count)++] = name;
	qsort(names, *count, sizeof(names[0]), by_bytes);
	return names;
}

/* Ask for the details of count names, then print each as its details come. */
static int group_print(struct ls *ls, const char *const *names, size_t count)
{
	bool asks = ls->details || ls->json;
	struct remote_file file;

	for (size_t i = 0; asks && i < count; i++)
		if (!is_folder(names[i]) && remote_file_ask(ls->talk, names[i]) < 0)
			return -1;
	for (size_t i = 0; i < count; i++) {
		file = (struct remote_file){.state = REMOTE_MISSING};
		if (asks && !is_folder(names[i]) && remote_file_take(ls->talk, &file) < 0)
			return -1;
		if (file.state == REMOTE_REFUSED)
			ls->refused = true;
		if (entry_print(ls, names[i], &file) < 0)
			return -1;
	}
	return 0;
}

static int names_print(struct ls *ls)
{
	const char **names;
	size_t count = 0;
	int result = 0;

	if (buf_len(&ls->names) == 0)
		return 0;
	names = names_sort(ls, &count);
	if (names == NULL)
		return -1;
	for (size_t i = 0; i < count && result == 0; i += ASKED_MAX)
		result = group_print(ls, names + i, count - i < ASKED_MAX ? count - i : ASKED_MAX);
	free(names);
	buf_consume(&ls->names, buf_len(&ls->names));
	return result;
}

/* ---- what is found ---- */

static int name_take(void *arg, const char *name)
{
	struct ls *ls = arg;

	if (buf_add(&ls->names, name, strlen(name) + 1) == 0)
		return 0;
	warn("names");
	return -1;
}

/* Memory has a bound: beyond NAMES_MAX, print the names there are, sorted among themselves. */
static int part_print(struct ls *ls)
{
	if (buf_len(&ls->names) < NAMES_MAX)
		return 0;
	if (!ls->in_parts)
		warnx("more than %u MiB of names: they are sorted in parts", NAMES_MAX >> 20);
	ls->in_parts = true;
	return names_print(ls);
}

/* Find the names that match glob; NULL: all. */
static int names_find(struct ls *ls, const char *glob)
{
	struct scan scan = SCAN_START;

	do {
		if (scan_page(ls->talk, &scan, glob, name_take, ls) < 0 || part_print(ls) < 0)
			return -1;
	} while (!scan_ended(&scan));
	return 0;
}

static bool nothing_found(const struct ls *ls)
{
	return ls->listed == 0 && buf_len(&ls->names) == 0;
}

/* Find a file, or an empty folder, which is found only as a name in the folder around it. Returns
 * 0, or -1 with the reason said. */
static int name_find(struct ls *ls, const char *name, size_t len)
{
	bool must_be_folder = name[len] == '/';
	char *plain = strndup(name, len);
	int result;

	if (plain == NULL) {
		escape_warnx("%s: %m", name);
		return -1;
	}
	result = names_find(ls, plain);
	free(plain);
	if (result < 0)
		return -1;
	if (!nothing_found(ls) && is_folder(buf_data(&ls->names))) {
		buf_consume(&ls->names, buf_len(&ls->names));
		return 0;
	}
	if (!nothing_found(ls) && !must_be_folder)
		return 0;
	buf_consume(&ls->names, buf_len(&ls->names));
	escape_warnx("%s: there is no such %s on the server", name,
		     must_be_folder ? "folder" : "file or folder");
	return -1;
}

/* Find what is in the folder of that name; or the file of that name. */
static int folder_find(struct ls *ls, const char *name)
{
	size_t len = strlen(name);
	char *inside;
	int result;

	while (len > 1 && name[len - 1] == '/')
		len--;
	if (asprintf(&inside, "%.*s/", (int)len, name) < 0) {
		escape_warnx("%s: %m", name);
		return -1;
	}
	result = names_find(ls, inside);
	free(inside);
	return result < 0 || !nothing_found(ls) ? result : name_find(ls, name, len);
}

/* Whether the server takes text for a pattern: only what comes after the last slash can be one. */
static bool is_glob(const char *text)
{
	const char *slash = strrchr(text, '/');

	return strpbrk(slash != NULL ? slash : text, "*?[\\") != NULL;
}

static int list(struct ls *ls, const char *what)
{
	int result;

	if (what == NULL || is_glob(what))
		result = names_find(ls, what);
	else
		result = folder_find(ls, what);
	if (result == 0 && what != NULL && is_glob(what) && nothing_found(ls)) {
		escape_warnx("%s: nothing on the server matches", what);
		result = -1;
	}
	return result < 0 ? -1 : names_print(ls);
}

static int list_end(struct ls *ls)
{
	if (!ls->json)
		return 0;
	if (json_raw(&ls->out, ls->listed > 0 ? "]\n" : "[]\n") == 0)
		return 0;
	warn("names");
	return -1;
}

/* ---- the command line ---- */

enum {
	OPTION_JSON,
	OPTION_LONG,
};

const struct cli_option ls_options[] = {
	{"json", '\0', NULL, "print an array of objects, for programs"},
	{"long", 'l', NULL, "print size and time of modification before each name"},
	{NULL, '\0', NULL, NULL},
};

int ls_run(struct talk *t, const struct cli *cli)
{
	struct ls ls = {
		.talk = t,
		.details = cli->given[OPTION_LONG] != NULL,
		.json = cli->given[OPTION_JSON] != NULL,
		.escaped = isatty(STDOUT_FILENO),
	};
	int result = talk_open(t) < 0 ? -1 : list(&ls, cli_operands(cli)[0]);

	if (result == 0)
		result = list_end(&ls);
	if (io_output(&ls.out) < 0)
		result = -1;
	buf_free(&ls.names);
	buf_free(&ls.out);
	return result < 0 || ls.refused ? EXIT_BROKEN : EXIT_SUCCESS;
}
