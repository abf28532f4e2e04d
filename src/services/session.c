/* SPDX-License-Identifier: MIT */
/* What every client of a protocol with names may ask: the verbs by which the clients of Redis
 * introduce themselves, with the replies of Redis. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "net/conn.h"
#include "net/verb.h"
#include "services/registry.h"

static int session_ping(const struct call *call)
{
	if (call->argc == 1)
		return say_status(call, "PONG");
	return say_bytes(call, call->argv[1].data, call->argv[1].len);
}

static int session_echo(const struct call *call)
{
	return say_bytes(call, call->argv[1].data, call->argv[1].len);
}

static int session_quit(const struct call *call)
{
	conn_quit(call->conn);
	return say_status(call, "OK");
}

static int pair(const struct call *call, const char *name, const char *value)
{
	if (say_text(call, name) < 0)
		return -1;
	return say_text(call, value);
}

static int session_hello(const struct call *call)
{
	if (call->argc > 1 && !slice_is(&call->argv[1], "2"))
		return say_error(call, "NOPROTO only version 2 of the protocol is spoken here");
	if (say_pairs(call, 3) < 0 || pair(call, "server", "pollard") < 0 ||
	    pair(call, "version", PACKAGE_VERSION) < 0 || say_text(call, "proto") < 0)
		return -1;
	return say_integer(call, 2);
}

/* ---- COMMAND ---- */

static int command_count(const struct service *const *offers)
{
	int count = 0;

	for (; *offers != NULL; offers++)
		for (const struct verb *v = (*offers)->verbs; v != NULL && v->name != NULL; v++)
			count++;
	return count;
}

/* Say a verb as COMMAND of Redis does: its name, arity (with the name; negative: at least so many),
 * flags, first key, last key, step. */
static int command_describe(const struct call *call, const struct verb *v)
{
	int arity = v->min_args == v->max_args ? v->min_args + 1 : -(v->min_args + 1);

	if (say_list(call, 6) < 0 || say_text(call, v->name) < 0 || say_integer(call, arity) < 0 ||
	    say_list(call, 0) < 0)
		return -1;
	for (int i = 0; i < 3; i++)
		if (say_integer(call, 0) < 0)
			return -1;
	return 0;
}

static int command_document(const struct call *call, const struct verb *v)
{
	if (say_text(call, v->name) < 0 || say_pairs(call, 2) < 0 ||
	    pair(call, "summary", v->summary) < 0)
		return -1;
	return pair(call, "usage", v->usage);
}

static int commands_write(const struct call *call,
			  int (*write)(const struct call *call, const struct verb *v))
{
	const struct service *const *offers = call->offers;

	for (; *offers != NULL; offers++)
		for (const struct verb *v = (*offers)->verbs; v != NULL && v->name != NULL; v++)
			if (write(call, v) < 0)
				return -1;
	return 0;
}

static int command_info(const struct call *call)
{
	const struct verb *v;

	if (say_list(call, (size_t)call->argc - 2) < 0)
		return -1;
	for (int i = 2; i < call->argc; i++) {
		v = verb_find(call->offers, &call->argv[i]);
		if ((v != NULL ? command_describe(call, v) : say_nil(call)) < 0)
			return -1;
	}
	return 0;
}

static int session_command(const struct call *call)
{
	size_t count = (size_t)command_count(call->offers);

	if (call->argc == 1)
		return say_list(call, count) < 0 ? -1 : commands_write(call, command_describe);
	if (slice_is(&call->argv[1], "COUNT"))
		return say_integer(call, (int64_t)count);
	if (slice_is(&call->argv[1], "INFO") && call->argc > 2)
		return command_info(call);
	if (slice_is(&call->argv[1], "DOCS"))
		return say_pairs(call, count) < 0 ? -1 : commands_write(call, command_document);
	return say_error(call, "ERR write COMMAND, COMMAND COUNT, COMMAND INFO name... or "
			       "COMMAND DOCS");
}

/* ---- CLIENT, CONFIG ---- */

#define CLIENT_NAME_MAX 64

static int client_name(const struct call *call, const struct slice *name)
{
	for (size_t i = 0; i < name->len; i++)
		if (name->data[i] <= ' ' || name->data[i] > '~' || i == CLIENT_NAME_MAX)
			return say_error(call,
					 "ERR a name is up to %d printable characters without "
					 "blanks",
					 CLIENT_NAME_MAX);
	if (conn_set_name(call->conn, name->data, name->len) < 0)
		return -1;
	return say_status(call, "OK");
}

static int session_client(const struct call *call)
{
	const struct slice *what = &call->argv[1];
	const char *name = conn_name(call->conn);

	if (slice_is(what, "ID"))
		return say_integer(call, conn_id(call->conn));
	if (slice_is(what, "SETNAME") && call->argc == 3)
		return client_name(call, &call->argv[2]);
	if (slice_is(what, "GETNAME"))
		return name != NULL ? say_text(call, name) : say_nil(call);
	if (slice_is(what, "SETINFO"))
		return say_status(call, "OK");
	return say_error(call, "ERR write CLIENT ID, SETNAME name, GETNAME or SETINFO");
}

/* redis-benchmark asks how Redis saves its data, and warns where there is no answer. */
static int session_config(const struct call *call)
{
	if (!slice_is(&call->argv[1], "GET"))
		return say_error(call, "ERR the configuration cannot be changed from here");
	if (slice_is(&call->argv[2], "save"))
		return say_pairs(call, 1) < 0 ? -1 : pair(call, "save", "");
	if (slice_is(&call->argv[2], "appendonly"))
		return say_pairs(call, 1) < 0 ? -1 : pair(call, "appendonly", "no");
	return say_pairs(call, 0);
}

static const struct verb session_verbs[] = {
	{"PING", "[text]", "says PONG, or the text", 0, 1, session_ping},
	{"ECHO", "text", "says the text", 1, 1, session_echo},
	{"QUIT", "", "ends the connection", 0, 0, session_quit},
	{"HELLO", "[2]", "says who answers", 0, REQUEST_ARGS_MAX, session_hello},
	{"COMMAND", "[COUNT | INFO name... | DOCS]", "lists what can be asked", 0, REQUEST_ARGS_MAX,
	 session_command},
	{"CLIENT", "ID | SETNAME name | GETNAME | SETINFO attribute value", "the connection itself",
	 1, 3, session_client},
	{"CONFIG", "GET name", "for clients of Redis that ask", 2, 2, session_config},
	{.name = NULL},
};

const struct service service_session = {
	.name = "session",
	.summary = "PING, COMMAND and such, on every resp listener",
	.protocols = PROTOCOL_RESP,
	.verbs = session_verbs,
};
