/* SPDX-License-Identifier: MIT */
/* pollcat ADDRESS commands */
#include "client/escape.h"
#include "client/io.h"
#include "client/json.h"
#include "client/subcommand.h"

#include <err.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPLY_BYTES (16 << 20) /* of the whole list */
#define TEXT_MAX 8193          /* bytes of one text, with a NUL: a line of the configuration */
#define USAGE_COLUMNS 32       /* a longer one has a line of its own */

/* What the server says of each command, in this order. */
enum {
	TEXT_NAME,
	TEXT_USAGE,
	TEXT_DESCRIPTION,
	TEXTS,
};

struct commands {
	char *(*texts)[TEXTS]; /* of each command; owned */
	size_t count, room;    /* commands that texts has, and has room for */
	int usage_columns;     /* of the widest usage that shares its line with a description */
	struct buf out;
};

/* ---- what there is ---- */

static char *text_take(struct talk *t)
{
	static const char expected[] = "a command's name, usage or description";
	char text[TEXT_MAX], *copy;

	if (talk_next_string(t, text, sizeof(text), expected) < 0)
		return NULL;
	copy = strdup(text);
	if (copy == NULL)
		talk_broke(t, "no memory for the list");
	return copy;
}

/* Take what the server says of one command. Values after the texts are of a later version. */
static int row_take(struct talk *t, struct commands *c)
{
	char **texts = c->texts[c->count];
	struct reply_event row;

	if (talk_next(t, &row) < 0)
		return -1;
	if (row.type != REPLY_ARRAY || row.number < TEXTS)
		return talk_unexpected(t, &row, "a command's name, usage and description");
	c->count++; /* a part of a row is freed, too */
	for (int i = 0; i < TEXTS; i++)
		if ((texts[i] = text_take(t)) == NULL)
			return -1;
	return talk_skip_values(t, row.number - TEXTS);
}

/* Have room for one row more. Returns 0, or -1 with the reason in the talk. */
static int rows_grow(struct talk *t, struct commands *c)
{
	size_t room = c->room > 0 ? 2 * c->room : 16;
	char *(*texts)[TEXTS];

	if (c->count < c->room)
		return 0;
	texts = reallocarray(c->texts, room, sizeof(texts[0]));
	if (texts == NULL)
		return talk_broke(t, "no memory for the list");
	memset(texts + c->count, 0, (room - c->count) * sizeof(texts[0]));
	c->texts = texts;
	c->room = room;
	return 0;
}

static int commands_take(struct talk *t, struct commands *c)
{
	struct reply_event e;

	talk_allow(t, REPLY_BYTES);
	if (talk_ask(t, (const char *const[]){"COMMANDS", NULL}) < 0 || talk_reply(t, &e) < 0)
		return -1;
	if (e.type != REPLY_ARRAY)
		return talk_unexpected(t, &e, "a list of commands");
	for (int64_t i = 0; i < e.number; i++)
		if (rows_grow(t, c) < 0 || row_take(t, c) < 0)
			return -1;
	return 0;
}

/* ---- how it is shown ---- */

static int json_add(struct commands *c, size_t i)
{
	static const char *const names[TEXTS] = {"name", "usage", "description"};
	const char *text;

	if (json_raw(&c->out, i > 0 ? ",\n{" : "{") < 0)
		return -1;
	for (int n = 0; n < TEXTS; n++) {
		text = c->texts[i][n];
		if (json_raw(&c->out, n > 0 ? "," : "") < 0 ||
		    json_string(&c->out, names[n], strlen(names[n])) < 0 ||
		    json_raw(&c->out, ":") < 0 || json_string(&c->out, text, strlen(text)) < 0)
			return -1;
	}
	return json_raw(&c->out, "}");
}

static int json_all(struct commands *c)
{
	if (json_raw(&c->out, "[") < 0)
		return -1;
	for (size_t i = 0; i < c->count; i++)
		if (json_add(c, i) < 0)
			return -1;
	return json_raw(&c->out, "]\n");
}

/* For a program: texts between tabs, just as the server has them. */
static int plain_all(struct commands *c)
{
	for (size_t i = 0; i < c->count; i++)
		for (int n = 0; n < TEXTS; n++)
			if (buf_add(&c->out, c->texts[i][n], strlen(c->texts[i][n])) < 0 ||
			    buf_add(&c->out, n + 1 < TEXTS ? "\t" : "\n", 1) < 0)
				return -1;
	return 0;
}

/* Make the texts fit for a terminal, and find out how wide the usages are. */
static int escape_all(struct commands *c)
{
	char *shown;
	int columns;

	for (size_t i = 0; i < c->count; i++) {
		for (int n = 0; n < TEXTS; n++) {
			shown = escape_string(c->texts[i][n], strlen(c->texts[i][n]));
			if (shown == NULL)
				return -1;
			free(c->texts[i][n]);
			c->texts[i][n] = shown;
		}
		columns = INT_MAX;
		escape_fit(c->texts[i][TEXT_USAGE], &columns);
		if (columns <= USAGE_COLUMNS && columns > c->usage_columns)
			c->usage_columns = columns;
	}
	return 0;
}

static int line_add(struct commands *c, const char *usage, const char *description)
{
	char blanks[USAGE_COLUMNS + 2];
	int columns = INT_MAX;

	memset(blanks, ' ', sizeof(blanks));
	escape_fit(usage, &columns);
	if (buf_add(&c->out, usage, strlen(usage)) < 0)
		return -1;
	if (description[0] == '\0')
		return buf_add(&c->out, "\n", 1);
	if (columns > c->usage_columns) {
		columns = 0;
		if (buf_add(&c->out, "\n", 1) < 0)
			return -1;
	}
	if (buf_add(&c->out, blanks, (size_t)(c->usage_columns + 2 - columns)) < 0 ||
	    buf_add(&c->out, description, strlen(description)) < 0)
		return -1;
	return buf_add(&c->out, "\n", 1);
}

/* For a person: usages, which begin with the names, and descriptions in columns. */
static int aligned_all(struct commands *c)
{
	if (escape_all(c) < 0)
		return -1;
	for (size_t i = 0; i < c->count; i++)
		if (line_add(c, c->texts[i][TEXT_USAGE], c->texts[i][TEXT_DESCRIPTION]) < 0)
			return -1;
	return 0;
}

static int commands_print(struct commands *c, bool json)
{
	int result = json ? json_all(c) : isatty(STDOUT_FILENO) ? aligned_all(c) : plain_all(c);

	if (result < 0) {
		warn("commands");
		return -1;
	}
	return io_output(&c->out);
}

static void commands_free(struct commands *c)
{
	for (size_t i = 0; i < c->count; i++)
		for (int n = 0; n < TEXTS; n++)
			free(c->texts[i][n]);
	free(c->texts);
	buf_free(&c->out);
}

/* ---- the command line ---- */

enum {
	OPTION_JSON,
};

const struct cli_option commands_options[] = {
	{"json", '\0', NULL, "print an array of objects, for programs"},
	{NULL, '\0', NULL, NULL},
};

int commands_run(struct talk *t, const struct cli *cli)
{
	struct commands c = {0};
	int result = talk_open(t) < 0 ? -1 : commands_take(t, &c);

	if (result == 0)
		result = commands_print(&c, cli->given[OPTION_JSON] != NULL);
	commands_free(&c);
	return result < 0 ? EXIT_BROKEN : EXIT_SUCCESS;
}
