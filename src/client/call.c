/* SPDX-License-Identifier: MIT */
/* pollcat ADDRESS call */
#include "client/io.h"
#include "client/json.h"
#include "client/print.h"
#include "client/subcommand.h"

#include <err.h>
#include <stdlib.h>
#include <unistd.h>

struct call {
	bool json;
	struct print print;
	struct json_reply reply;
	struct buf out;
};

static int event_add(struct call *c, const struct reply_event *event)
{
	if (!c->json)
		return print_event(&c->print, event, &c->out);
	if (json_event(&c->reply, event, &c->out) < 0)
		return -1;
	return reply_whole(event) ? json_raw(&c->out, "\n") : 0;
}

/* Print what the event means, at once, as a reply may be larger than memory. Returns 0, or -1 with
 * the reason said. */
static int put(struct call *c, const struct reply_event *event)
{
	if (event_add(c, event) < 0) {
		warn("reply");
		return -1;
	}
	return io_output(&c->out);
}

/* Print one reply. Returns the exit status. */
static int print_reply(struct talk *t, struct call *c)
{
	struct reply_event e;
	bool refused = false;

	do {
		if (talk_next(t, &e) < 0)
			return EXIT_BROKEN;
		refused = e.type == REPLY_ERROR && e.depth == 0;
		if (refused && !c->json)
			talk_print_error(t, &e);
		else if (put(c, &e) < 0)
			return EXIT_BROKEN;
	} while (!reply_whole(&e));
	return refused ? EXIT_BROKEN : EXIT_SUCCESS;
}

enum {
	OPTION_JSON,
};

const struct cli_option call_options[] = {
	{"json", '\0', NULL, "print the reply as JSON, for programs"},
	{NULL, '\0', NULL, NULL},
};

int call_run(struct talk *t, const struct cli *cli)
{
	struct call c = {
		.json = cli->given[OPTION_JSON] != NULL,
		.print.readable = isatty(STDOUT_FILENO),
	};
	int status;

	if (talk_open(t) < 0 || talk_ask(t, (const char *const *)cli_operands(cli)) < 0)
		return EXIT_BROKEN;
	status = print_reply(t, &c);
	buf_free(&c.out);
	return status;
}
