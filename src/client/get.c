/* SPDX-License-Identifier: MIT */
/* pollcat ADDRESS get */
#include "client/digest.h"
#include "client/escape.h"
#include "client/io.h"
#include "client/part.h"
#include "client/progress.h"
#include "client/remote_file.h"
#include "client/subcommand.h"
#include "client/target.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define TRIES_MAX 5 /* attempts at a file that changes between two requests */

struct options {
	const char *output; /* NULL: where the names say */
	bool resume;
	bool verify;
	size_t count; /* of files */
};

/* One file. */
struct get {
	struct talk *talk;
	const struct options *options;
	const char *name;   /* on the server */
	const char *target; /* here; NULL: standard output */
	struct remote_file remote;
	struct part part;
	bool grows;   /* the file has grown since it was asked about: what was there is fetched */
	int64_t done; /* bytes, with those of an earlier run */
	char digest[DIGEST_LEN + 1]; /* of a file that has been verified, else "" */
	struct progress progress;
};

/* How an attempt has ended. */
enum outcome {
	FAILED = -1, /* the reason is said, or in the talk */
	DONE,
	STALE, /* the file changed on the server */
};

/* Write bytes where they go to. Returns 0, or -1 with the reason said. */
static int put(struct get *g, const char *data, size_t len)
{
	if (g->target != NULL && part_add(&g->part, data, len) < 0)
		return -1;
	if (g->target == NULL && io_write_all(STDOUT_FILENO, data, len) < 0) {
		io_write_failed("standard output");
		return -1;
	}
	g->done += (int64_t)len;
	progress_update(&g->progress, g->done);
	return 0;
}

/* Take the bytes of a reply that has begun, as they come. */
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

/* Ask for what lacks, if the file is still the one that was asked about. */
static int rest_ask(struct get *g)
{
	const char *tag = g->grows ? g->remote.id : g->remote.etag;
	char first[24], last[24] = "-1";

	snprintf(first, sizeof(first), "%" PRId64, g->done);
	if (g->grows)
		snprintf(last, sizeof(last), "%" PRId64, g->remote.size - 1);
	talk_allow(g->talk, TALK_ANY); /* the length of the reply is compared */
	return talk_ask(g->talk,
			(const char *const[]){"GETRANGE", g->name, first, last, tag, NULL});
}

/* Fetch what is missing, if the file is still the one that was asked about. */
static enum outcome rest_fetch(struct get *g)
{
	struct reply_event e;
	enum outcome outcome;

	if (rest_ask(g) < 0 || talk_next(g->talk, &e) < 0)
		return FAILED;
	if (e.type == REPLY_NIL)
		return STALE; /* the file is gone: the next attempt says so */
	if (e.type == REPLY_ERROR)
		return body_refused(g, &e);
	if (g->grows && e.type == REPLY_BULK && e.number < g->remote.size - g->done)
		return talk_skip(g->talk, &e) < 0 ? FAILED : STALE; /* and was cut off */
	if (e.type != REPLY_BULK || e.number != g->remote.size - g->done) {
		talk_unexpected(g->talk, &e, "what lacks of the file");
		return FAILED;
	}
	if (g->target != NULL || !isatty(STDOUT_FILENO))
		progress_start(&g->progress, g->options->count > 1 ? g->name : NULL, g->done,
			       g->remote.size);
	outcome = body_take(g);
	progress_end(&g->progress, g->done);
	return outcome;
}

/* Learn what there is to fetch. Returns 0, or -1 with the reason said, or in the talk. */
static int remote_ask(struct get *g)
{
	if (remote_file_ask(g->talk, g->name) < 0 || remote_file_take(g->talk, &g->remote) < 0)
		return -1;
	if (g->remote.state == REMOTE_MISSING)
		escape_warnx("%s: there is no such file on the server", g->name);
	return g->remote.state == REMOTE_FOUND ? 0 : -1;
}

/* Go on where an earlier run ended, or begin. */
static int part_prepare(struct get *g)
{
	bool same = part_is_of(&g->part, g->remote.etag);

	if (g->options->resume && same && g->part.size <= g->remote.size) {
		g->done = g->part.size;
		return 0;
	}
	if (g->options->resume && g->part.size > 0)
		escape_warnx("%s changed on the server: its part of %" PRId64 " bytes is discarded",
			     g->name, g->part.size);
	g->done = 0;
	return part_restart(&g->part, g->remote.etag);
}

static bool has_grown(const struct remote_file *then, const struct remote_file *now)
{
	return now->id[0] != '\0' && strcmp(then->id, now->id) == 0 && now->size > then->size;
}

/* Of a file that grows, a log, the bytes that are there now are good: they are the first ones of
 * whatever it will be. */
static enum outcome attempt(struct get *g)
{
	const struct remote_file before = g->remote; /* "" where this is the first */

	if (remote_ask(g) < 0)
		return FAILED;
	g->grows = has_grown(&before, &g->remote);
	if (before.etag[0] != '\0' && g->done == 0 && !g->grows)
		escape_warnx("%s changed on the server: starting anew", g->name);
	if (g->target != NULL && g->part.path == NULL && part_open(&g->part, g->target) < 0)
		return FAILED;
	if (g->target != NULL && part_prepare(g) < 0)
		return FAILED;
	/* Ask for an empty file, too: it may be one that does not tell its size. */
	return g->done == 0 || g->done < g->remote.size ? rest_fetch(g) : DONE;
}

static int fetch(struct get *g)
{
	enum outcome outcome = STALE;

	for (int i = 0; i < TRIES_MAX && outcome == STALE; i++)
		outcome = attempt(g);
	if (outcome == STALE)
		escape_warnx("%s changes too often", g->name);
	return outcome == DONE ? 0 : -1;
}

static int remote_digest(struct get *g, char *hex)
{
	struct reply_event e;

	if (talk_ask(g->talk, (const char *const[]){"SHA256", g->name, NULL}) < 0 ||
	    talk_reply(g->talk, &e) < 0)
		return -1;
	if (talk_string(g->talk, &e, hex, DIGEST_LEN + 1, "a SHA-256") < 0)
		return -1;
	return digest_is_one(hex) ? 0
				  : talk_unexpected_string(g->talk, hex, strlen(hex), "a SHA-256");
}

/* Compare the digest with the server's; both are made at the same time. Returns 0, or -1 with the
 * reason said, or in the talk. */
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
	if (result < 0)
		return -1;
	if (strcasecmp(here, there) == 0) {
		memcpy(g->digest, here, sizeof(here));
		return 0;
	}
	escape_warnx("%s: its SHA-256 is %s, the server says %s: %s of %" PRId64
		     " bytes is discarded",
		     g->name, here, there, g->part.path, g->part.size);
	part_remove(&g->part);
	g->part.size = 0;
	return -1;
}

static void verified_say(const struct get *g)
{
	char *name = escape_string(g->name, strlen(g->name));
	char *target = escape_string(g->target, strlen(g->target));

	fprintf(stderr, "%s: verified, SHA-256 %s, saved as %s\n", name != NULL ? name : "?",
		g->digest, target != NULL ? target : "?");
	free(name);
	free(target);
}

static int finish(struct get *g)
{
	if (g->target == NULL)
		return 0;
	if (g->options->verify && verify(g) < 0)
		return -1;
	if (part_finish(&g->part) < 0)
		return -1;
	if (g->options->verify)
		verified_say(g);
	return 0;
}

/* A file has failed: keep what has come of it for --resume. */
static void part_leave(struct get *g)
{
	if (g->part.fd < 0)
		return;
	talk_print_reason(g->talk);
	if (g->part.size > 0)
		escape_warnx("%s is kept: --resume goes on from there", g->part.path);
	else
		part_remove(&g->part);
}

/* Connect, unless we are between two replies: a file that failed may have left the conversation in
 * the middle of one. */
static int reconnect(struct talk *t)
{
	if (talk_idle(t))
		return 0;
	talk_print_reason(t);
	talk_reset(t);
	return talk_open(t);
}

/* Fetch one file. Returns 0, or -1 with the reason said, or in the talk. */
static int transfer(struct get *g)
{
	int result = fetch(g);

	if (result == 0)
		result = finish(g);
	if (result < 0)
		part_leave(g);
	part_close(&g->part);
	return result;
}

/* Fetch all files. One that fails does not keep the others from being fetched; a server that is
 * gone does. Returns the exit status. */
static int transfer_all(struct talk *t, const struct options *options, const struct target *targets)
{
	int status = EXIT_SUCCESS;

	for (size_t i = 0; i < options->count; i++) {
		struct get g = {
			.talk = t,
			.options = options,
			.name = targets[i].name,
			.target = targets[i].path,
			.part.fd = -1,
		};

		if (reconnect(t) < 0)
			return EXIT_BROKEN;
		if (transfer(&g) < 0)
			status = EXIT_BROKEN;
	}
	return status;
}

/* Nothing is fetched before it is clear where every file goes to. Returns the exit status. */
static int get_all(struct talk *t, const struct options *options, struct target *targets)
{
	if (targets_choose(targets, options->count, options->output) < 0)
		return EXIT_USAGE;
	if (target_is_standard(options->output) && (options->resume || options->verify)) {
		warnx("--resume and --verify need a file, not -o -");
		return EXIT_USAGE;
	}
	return transfer_all(t, options, targets);
}

/* ---- the command line ---- */

enum {
	OPTION_OUTPUT,
	OPTION_RESUME,
	OPTION_VERIFY,
};

const struct cli_option get_options[] = {
	{"output", 'o', "FILE", "save as FILE, or in a folder FILE/; -: standard output"},
	{"resume", '\0', NULL, "go on where an earlier download ended"},
	{"verify", '\0', NULL, "compare the SHA-256 with the server's"},
	{NULL, '\0', NULL, NULL},
};

/* Returns the exit status. */
static int get_files(struct talk *t, const struct options *options, char **names)
{
	struct target *targets = calloc(options->count, sizeof(targets[0]));
	int status;

	if (targets == NULL) {
		warn("names");
		return EXIT_BROKEN;
	}
	for (size_t i = 0; i < options->count; i++)
		targets[i].name = names[i];
	status = get_all(t, options, targets);
	targets_free(targets, options->count);
	free(targets);
	return status;
}

int get_run(struct talk *t, const struct cli *cli)
{
	const struct options options = {
		.output = cli->given[OPTION_OUTPUT],
		.resume = cli->given[OPTION_RESUME] != NULL,
		.verify = cli->given[OPTION_VERIFY] != NULL,
		.count = (size_t)cli_count(cli),
	};

	return get_files(t, &options, cli_operands(cli));
}
