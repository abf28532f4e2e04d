/* SPDX-License-Identifier: MIT */
/*
 * Commands that the administrator has listed, each a [command NAME]. RUN waits for the end and
 * gives all output then, STREAM gives output as it comes, PIPE takes input besides; START begins
 * one and NEWS gives the output since. Arguments of a client become whole words of an argv, of
 * declared types; there is no shell.
 */
#include <bsd/string.h>

#include "net/conn.h"
#include "services/command.h"
#include "services/registry.h"
#include "services/started.h"

#define RUN_WORK 256 /* of conn_charge(): arguments are matched, a process may begin */

static int command_run(const struct call *call, enum run_kind kind)
{
	conn_charge(call->conn, RUN_WORK);
	return run_begin(call, call->argv + 1, (size_t)call->argc - 1, kind);
}

static int commands_run(const struct call *call)
{
	return command_run(call, RUN_WHOLE);
}

static int commands_stream(const struct call *call)
{
	return command_run(call, RUN_STREAM);
}

static int commands_start(const struct call *call)
{
	conn_charge(call->conn, RUN_WORK);
	return started_start(call);
}

static int commands_pipe(const struct call *call)
{
	return command_run(call, RUN_PIPE);
}

/* INPUT that no task takes: it was sent before its PIPE ended, or has none. There is no reply, for
 * a client that sent it in good faith would take that for the reply to its next request. */
static int commands_input(const struct call *call)
{
	return 0;
}

static int command_describe(const struct call *call, const struct command *command)
{
	char usage[256];

	command_usage(command, usage, sizeof(usage));
	if (command->max_input > 0)
		strlcat(usage, " < input", sizeof(usage));
	if (say_list(call, 3) < 0 || say_text(call, command->section.name) < 0 ||
	    say_text(call, usage) < 0)
		return -1;
	return say_text(call, command->description != NULL ? command->description : "");
}

static int commands_list(const struct call *call)
{
	struct command *command;
	size_t count = 0;

	for (command = command_first(); command != NULL; command = command_next(command))
		count += command_is_allowed(command, call->peer);
	if (say_list(call, count) < 0)
		return -1;
	for (command = command_first(); command != NULL; command = command_next(command))
		if (command_is_allowed(command, call->peer) && command_describe(call, command) < 0)
			return -1;
	return 0;
}

static void stop(void)
{
	started_stop();
	commands_stop();
}

static const struct verb commands_verbs[] = {
	{"COMMANDS", "", "name, usage and description of each command", 0, 0, commands_list},
	{"RUN", "name [argument...]", "runs a command; how it ended, and its output", 1,
	 REQUEST_ARGS_MAX, commands_run},
	{"STREAM", "name [argument...]", "the same, output as it comes", 1, REQUEST_ARGS_MAX,
	 commands_stream},
	{"START", "name [argument...]", "starts a command; its number, for NEWS", 1,
	 REQUEST_ARGS_MAX, commands_start},
	{"NEWS", "number", "what a started command has said since; waits up to 1 s for some", 1, 1,
	 started_news},
	{"PIPE", "name [argument...]", "as STREAM, with the input that INPUT gives", 1,
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
	.stop = stop,
};
