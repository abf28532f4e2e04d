/* SPDX-License-Identifier: MIT */
/* What every client of a protocol with names may ask: the verbs by which the clients of Redis
 * introduce themselves, with the replies of Redis. */
#include "services/session.h"

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

/* There is one database. */
static int session_select(const struct call *call)
{
	int64_t number;

	if (!slice_integer(&call->argv[1], &number))
		return say_error(call, "ERR value is not an integer or out of range");
	if (number != 0)
		return say_error(call, "ERR DB index is out of range");
	return say_status(call, "OK");
}

/* Nothing is ever written, so whoever asks to read only, or no more only that, has it so. */
static int session_readonly(const struct call *call)
{
	return say_status(call, "OK");
}

/* ---- CONFIG ---- */

/* What clients ask: redis-benchmark how data is saved, redis-cli how many databases there are. */
static const struct {
	const char *name, *value;
} config_values[] = {
	{"save", ""},
	{"appendonly", "no"},
	{"databases", "1"},
};

#define CONFIG_VALUES (sizeof(config_values) / sizeof(config_values[0]))

static bool config_is_asked(const struct call *call, const char *name)
{
	for (int i = 2; i < call->argc; i++)
		if (slice_is(&call->argv[i], name) || slice_is(&call->argv[i], "*"))
			return true;
	return false;
}

static int config_get(const struct call *call)
{
	size_t count = 0;

	for (size_t i = 0; i < CONFIG_VALUES; i++)
		count += config_is_asked(call, config_values[i].name);
	if (say_pairs(call, count) < 0)
		return -1;
	for (size_t i = 0; i < CONFIG_VALUES; i++)
		if (config_is_asked(call, config_values[i].name) &&
		    session_pair(call, config_values[i].name, config_values[i].value) < 0)
			return -1;
	return 0;
}

static int session_config(const struct call *call)
{
	static const struct verb table[] = {
		{"GET", "name...", "what a client of Redis looks for", 1, REQUEST_ARGS_MAX,
		 config_get},
		{.name = NULL},
	};

	return verb_subcommand(call, table);
}

/* ---- its verbs ---- */

static const struct verb session_verbs[] = {
	{"PING", "[text]", "says PONG, or the text", 0, 1, session_ping},
	{"ECHO", "text", "says the text", 1, 1, session_echo},
	{"QUIT", "", "ends the connection", 0, REQUEST_ARGS_MAX, session_quit},
	{"HELLO", "[version] [AUTH user password] [SETNAME name]",
	 "who answers, and in which "
	 "version of the protocol",
	 0, REQUEST_ARGS_MAX, session_hello},
	{"AUTH", "[user] password", "there are no passwords: who is user default is let in", 1,
	 REQUEST_ARGS_MAX, session_auth},
	{"SELECT", "number", "chooses the one database there is, 0", 1, 1, session_select},
	{"READONLY", "", "reads only, as everybody does", 0, 0, session_readonly},
	{"READWRITE", "", "the same", 0, 0, session_readonly},
	{"INFO", "[section...]", "what monitors of Redis ask", 0, REQUEST_ARGS_MAX, session_info},
	{"COMMAND", "[COUNT | LIST | INFO name... | DOCS name...]", "lists what can be asked", 0,
	 REQUEST_ARGS_MAX, session_command},
	{"CLIENT", "ID | INFO | LIST | SETNAME name | GETNAME | SETINFO attribute value",
	 "the connection itself", 1, REQUEST_ARGS_MAX, session_client},
	{"CONFIG", "GET name...", "for clients of Redis that ask", 1, REQUEST_ARGS_MAX,
	 session_config},
	{.name = NULL},
};

const struct service service_session = {
	.name = "session",
	.summary = "PING, COMMAND and such, on every resp listener",
	.protocols = PROTOCOL_RESP,
	.verbs = session_verbs,
};
