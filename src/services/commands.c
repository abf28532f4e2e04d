/* SPDX-License-Identifier: MIT */
/*
 * Commands that the administrator has listed, each a [command NAME]. RUN waits for the end and
 * gives all of it, STREAM gives output as it comes, PIPE takes input besides. What a caller gives
 * becomes whole words of an argv, of declared types; there is no shell.
 */
#include <bsd/string.h>
#include <string.h>

#include "net/conn.h"
#include "net/resp.h"
#include "services/command.h"
#include "services/registry.h"
#include "services/run.h"

#define RUN_WORK 256 /* of conn_charge(): arguments are matched, a process may begin */

static int command_run(struct conn *c, const struct request *req, enum run_kind kind)
{
	conn_charge(c, RUN_WORK);
	return run_begin(c, req->argv + 1, (size_t)req->argc - 1, kind);
}

static int commands_run(struct conn *c, const struct request *req)
{
	return command_run(c, req, RUN_WHOLE);
}

static int commands_stream(struct conn *c, const struct request *req)
{
	return command_run(c, req, RUN_STREAM);
}

static int commands_pipe(struct conn *c, const struct request *req)
{
	return command_run(c, req, RUN_PIPE);
}

/* Nothing takes it any more. Who has sent it before that was known could not tell a reply to it
 * from those that follow. */
static int commands_input(struct conn *c, const struct request *req)
{
	return 0;
}

static int text_say(struct buf *out, const char *text)
{
	return resp_bulk(out, text, strlen(text));
}

static int command_describe(struct buf *out, const struct command *command)
{
	char usage[256];

	command_usage(command, usage, sizeof(usage));
	if (command->max_input > 0)
		strlcat(usage, " < input", sizeof(usage));
	if (resp_array(out, 3) < 0 || text_say(out, command->section.name) < 0 ||
	    text_say(out, usage) < 0)
		return -1;
	return text_say(out, command->description != NULL ? command->description : "");
}

static int commands_list(struct conn *c, const struct request *req)
{
	struct command *command;
	size_t count = 0;

	for (command = command_first(); command != NULL; command = command_next(command))
		count += command_is_allowed(command, c);
	if (resp_array(&c->out, count) < 0)
		return -1;
	for (command = command_first(); command != NULL; command = command_next(command))
		if (command_is_allowed(command, c) && command_describe(&c->out, command) < 0)
			return -1;
	return 0;
}

static const struct verb commands_verbs[] = {
	{"COMMANDS", "", "name, usage and description of each command", 0, 0, commands_list},
	{"RUN", "name [argument...]", "runs a command; how it ended, and its output", 1,
	 REQUEST_ARGS_MAX, commands_run},
	{"STREAM", "name [argument...]", "the same, output as it comes", 1, REQUEST_ARGS_MAX,
	 commands_stream},
	{"PIPE", "name [argument...]", "the same, with the input that INPUT gives", 1,
	 REQUEST_ARGS_MAX, commands_pipe},
	{"INPUT", "[data...]", "input of a PIPE, none: its end; has no reply", 0, REQUEST_ARGS_MAX,
	 commands_input},
	{.name = NULL},
};

const struct service service_commands = {
	.name = "commands",
	.summary = "runs commands that are listed",
	.protocols = PROTOCOL_RESP,
	.flags = SERVICE_PRIVILEGED,
	.verbs = commands_verbs,
	.section = &command_kind,
	.prepare = commands_prepare,
	.use = commands_use,
	.stop = commands_stop,
};
