/* SPDX-License-Identifier: MIT */
/* pollcat ADDRESS get */
#include "client/digest.h"
#include "client/io.h"
#include "client/part.h"
#include "client/progress.h"
#include "client/remote_file.h"
#include "client/subcommand.h"

#include <err.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES_MAX 5 /* of a file that changes between two requests */

struct get {
	struct talk *talk;
	const char *name;   /* on the server */
	const char *target; /* here; NULL: standard output */
	bool resume;
	bool verify;
	struct remote_file remote;
	struct part part;
	int64_t done; /* bytes, with those of an earlier run */
	struct progress progress;
};

/* How a step ended that can be taken again. */
enum outcome {
	FAILED = -1, /* the reason is said, or in the talk */
	DONE,
	STALE, /* the file changed on the server */
};

static int put(struct get *g, const char *data, size_t len)
{
	if (g->target != NULL && part_add(&g->part, data, len) < 0)
		return -1;
	if (g->target == NULL && io_write_all(STDOUT_FILENO, data, len) < 0) {
		warn("standard output");
		return -1;
	}
	g->done += (int64_t)len;
	progress_update(&g->progress, g->done);
	return 0;
}

/* Take the bytes as they come; the reply has begun. */
static enum outcome body_take(struct get *g)
{
	struct reply_event e;

	for (;;) {
		if (talk_next(g->talk, &e) < 0)
			return FAILED;
		if (e.type == REPLY_BULK_END)
			return DONE;
		if (put(g, e.data, e.len) < 0)
			return FAILED;
	}
}

static enum outcome body_refused(struct get *g, const struct reply_event *event)
{
	if (event->len >= 5 && memcmp(event->data, "STALE", 5) == 0)
		return STALE;
	talk_print_error(g->talk, event);
	return FAILED;
}

/* Fetch what lacks, if the file is still the one that was asked about. */
static enum outcome rest_fetch(struct get *g)
{
	struct reply_event e;
	enum outcome outcome;
	char first[24];

	snprintf(first, sizeof(first), "%" PRId64, g->done);
	talk_allow(g->talk, TALK_ANY); /* its length is compared */
	if (talk_ask(g->talk, (const char *const[]){"GETRANGE", g->name, first, "-1",
						    g->remote.etag, NULL}) < 0 ||
	    talk_next(g->talk, &e) < 0)
		return FAILED;
	if (e.type == REPLY_NIL)
		return STALE; /* it is gone; to ask again will tell */
	if (e.type == REPLY_ERROR)
		return body_refused(g, &e);
	if (e.type != REPLY_BULK || e.number != g->remote.size - g->done) {
		talk_unexpected(g->talk);
		return FAILED;
	}
	if (g->target != NULL || !isatty(STDOUT_FILENO))
		progress_start(&g->progress, g->done, g->remote.size);
	outcome = body_take(g);
	progress_end(&g->progress, g->done);
	return outcome;
}

/* Learn what there is to fetch. */
static int remote_ask(struct get *g)
{
	if (remote_file_ask(g->talk, g->name) < 0 || remote_file_take(g->talk, &g->remote) < 0)
		return -1;
	if (g->remote.state == REMOTE_MISSING)
		warnx("%s: there is no such file on the server", g->name);
	return g->remote.state == REMOTE_FOUND ? 0 : -1;
}

/* Go on where an earlier run ended, or begin. */
static int part_prepare(struct get *g)
{
	bool same = part_is_of(&g->part, g->remote.etag);

	if (g->resume && same && g->part.size <= g->remote.size) {
		g->done = g->part.size;
		return 0;
	}
	if (g->resume && g->part.size > 0)
		warnx("%s changed on the server: its part of %" PRId64 " bytes is discarded",
		      g->name, g->part.size);
	g->done = 0;
	return part_restart(&g->part, g->remote.etag);
}

static enum outcome attempt(struct get *g)
{
	if (remote_ask(g) < 0)
		return FAILED;
	if (g->target != NULL && g->part.path == NULL && part_open(&g->part, g->target) < 0)
		return FAILED;
	if (g->target != NULL && part_prepare(g) < 0)
		return FAILED;
	/* an empty file too: it may be one that does not tell its size */
	return g->done == 0 || g->done < g->remote.size ? rest_fetch(g) : DONE;
}

static int fetch(struct get *g)
{
	enum outcome outcome = STALE;

	for (int i = 0; i < TRIES_MAX && outcome == STALE; i++) {
		outcome = attempt(g);
		if (outcome == STALE && g->done == 0)
			warnx("%s changed on the server: starting anew", g->name);
	}
	if (outcome == STALE)
		warnx("%s changes too often", g->name);
	return outcome == DONE ? 0 : -1;
}

static int remote_digest(struct get *g, char *hex)
{
	struct reply_event e;

	if (talk_ask(g->talk, (const char *const[]){"SHA256", g->name, NULL}) < 0 ||
	    talk_next(g->talk, &e) < 0)
		return -1;
	if (e.type == REPLY_ERROR) {
		talk_print_error(g->talk, &e);
		return -1;
	}
	if (talk_string(g->talk, &e, hex, DIGEST_LEN + 1) < 0)
		return -1;
	return digest_is_one(hex) ? 0 : talk_unexpected(g->talk);
}

/* Compare with the server's digest; both are made at the same time. */
static int verify(struct get *g)
{
	char here[DIGEST_LEN + 1], there[DIGEST_LEN + 1];
	struct digest digest;
	int result;

	if (digest_start(&digest, g->part.path) < 0) {
		warn("sha256sum");
		return -1;
	}
	result = remote_digest(g, there);
	if (digest_finish(&digest, here) < 0) {
		warnx("sha256sum failed");
		return -1;
	}
	if (result < 0 || strcasecmp(here, there) == 0)
		return result;
	warnx("%s: its SHA-256 is %s, the server says %s: discarded", g->name, here, there);
	part_remove(&g->part);
	g->part.size = 0;
	return -1;
}

static int finish(struct get *g)
{
	if (g->target == NULL)
		return 0;
	if (g->verify && verify(g) < 0)
		return -1;
	return part_finish(&g->part);
}

/* What has come is of use to --resume. */
static void part_leave(struct get *g)
{
	if (g->part.fd < 0)
		return;
	talk_print_reason(g->talk);
	if (g->part.size > 0)
		warnx("%s is kept: --resume goes on from there", g->part.path);
	else
		part_remove(&g->part);
}

/* Returns the exit status. */
static int transfer(struct get *g)
{
	int result = talk_open(g->talk);

	if (result == 0)
		result = fetch(g);
	if (result == 0)
		result = finish(g);
	if (result < 0)
		part_leave(g);
	part_close(&g->part);
	return result < 0 ? EXIT_BROKEN : EXIT_SUCCESS;
}

/* Choose where the file goes to. Returns 0, or -1 with the reason said. */
static int target_choose(struct get *g, const char *output)
{
	const char *slash = strrchr(g->name, '/');
	struct stat st;

	g->target = output != NULL ? output : slash != NULL ? slash + 1 : g->name;
	if (strcmp(g->target, "") == 0 || strcmp(g->target, ".") == 0 ||
	    strcmp(g->target, "..") == 0 || g->target[strlen(g->target) - 1] == '/') {
		warnx("'%s' names no file: choose one with -o FILE", output ? output : g->name);
		return -1;
	}
	if (stat(g->target, &st) == 0 && !S_ISREG(st.st_mode)) {
		warnx("%s is there and no regular file: choose another with -o FILE, or -o -",
		      g->target);
		return -1;
	}
	return 0;
}

enum {
	OPTION_OUTPUT,
	OPTION_RESUME,
	OPTION_VERIFY,
};

const struct cli_option get_options[] = {
	{"output", 'o', "FILE", "save it as FILE; -: standard output"},
	{"resume", '\0', NULL, "go on where an earlier download ended"},
	{"verify", '\0', NULL, "compare the SHA-256 with the server's"},
	{NULL, '\0', NULL, NULL},
};

/* Returns CLI_END, or what else ends the command line. */
static int options_parse(struct get *g, struct cli *cli, const char **output)
{
	const char *argument;
	int option;

	while ((option = cli_next(cli, &argument)) >= 0) {
		switch (option) {
		case OPTION_OUTPUT:
			*output = argument;
			break;
		case OPTION_RESUME:
			g->resume = true;
			break;
		case OPTION_VERIFY:
			g->verify = true;
		}
	}
	if (option == CLI_END && cli_count(cli) != 1)
		return CLI_WRONG;
	g->name = cli_operands(cli)[0];
	return option;
}

int get_run(struct talk *t, struct cli *cli)
{
	struct get g = {.talk = t, .part.fd = -1};
	const char *output = NULL;
	int option = options_parse(&g, cli, &output);

	if (option != CLI_END)
		return subcommand_explain(cli, option);
	if (output == NULL || strcmp(output, "-") != 0) {
		if (target_choose(&g, output) < 0)
			return EXIT_USAGE;
	} else if (g.resume || g.verify) {
		warnx("--resume and --verify need a file, not -o -");
		return EXIT_USAGE;
	}
	return transfer(&g);
}
