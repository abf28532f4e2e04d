/* SPDX-License-Identifier: MIT */
/* pollcat ADDRESS call */
#include "client/io.h"
#include "client/print.h"
#include "client/subcommand.h"

#include <err.h>
#include <stdlib.h>
#include <unistd.h>

/* Print what the event means at once: a reply may be larger than memory. */
static int put(struct print *p, const struct reply_event *event, struct buf *out)
{
	int result = print_event(p, event, out);

	if (result == 0 && buf_len(out) > 0)
		result = io_write_all(STDOUT_FILENO, buf_data(out), buf_len(out));
	if (result < 0)
		warn("standard output");
	else
		buf_consume(out, buf_len(out));
	return result;
}

/* Returns the exit status. */
static int print_reply(struct talk *t, struct buf *out)
{
	struct print p = {.readable = isatty(STDOUT_FILENO)};
	struct reply_event e;

	do {
		if (talk_next(t, &e) < 0)
			return EXIT_BROKEN;
		if (e.type == REPLY_ERROR && e.depth == 0) {
			talk_print_error(t, &e);
			return EXIT_BROKEN;
		}
		if (put(&p, &e, out) < 0)
			return EXIT_BROKEN;
	} while (!reply_whole(&e));
	return EXIT_SUCCESS;
}

int call_run(struct talk *t, struct cli *cli)
{
	struct buf out = {0};
	const char *argument;
	int option = cli_next(cli, &argument), status;

	if (option != CLI_END || cli_count(cli) == 0)
		return subcommand_explain(cli, option);
	if (talk_open(t) < 0 || talk_ask(t, (const char *const *)cli_operands(cli)) < 0)
		return EXIT_BROKEN;
	status = print_reply(t, &out);
	buf_free(&out);
	return status;
}
