/* SPDX-License-Identifier: MIT */
/* What every client of a protocol with names may ask: the verbs by which the clients of Redis
 * introduce themselves, answered as Redis does. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <stdlib.h>
#include <string.h>

#include "net/conn.h"
#include "net/resp.h"
#include "net/verb.h"
#include "services/registry.h"

static int session_ping(struct conn *c, const struct request *req)
{
	if (req->argc == 1)
		return resp_status(&c->out, "PONG");
	return resp_bulk(&c->out, req->argv[1].data, req->argv[1].len);
}

static int session_echo(struct conn *c, const struct request *req)
{
	return resp_bulk(&c->out, req->argv[1].data, req->argv[1].len);
}

static int session_quit(struct conn *c, const struct request *req)
{
	conn_quit(c);
	return resp_status(&c->out, "OK");
}

static int pair(struct conn *c, const char *name, const char *value)
{
	if (resp_bulk(&c->out, name, strlen(name)) < 0)
		return -1;
	return resp_bulk(&c->out, value, strlen(value));
}

static int session_hello(struct conn *c, const struct request *req)
{
	if (req->argc > 1 && !slice_is(&req->argv[1], "2"))
		return resp_error(&c->out, "NOPROTO only version 2 of the protocol is spoken here");
	if (resp_array(&c->out, 6) < 0 || pair(c, "server", "pollard") < 0 ||
	    pair(c, "version", PACKAGE_VERSION) < 0 || resp_bulk(&c->out, "proto", 5) < 0)
		return -1;
	return resp_integer(&c->out, 2);
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

/* Name, arity (with the name; negative: at least), flags, first key, last key, step. */
static int command_describe(struct conn *c, const struct verb *v)
{
	int arity = v->min_args == v->max_args ? v->min_args + 1 : -(v->min_args + 1);

	if (resp_array(&c->out, 6) < 0 || resp_bulk(&c->out, v->name, strlen(v->name)) < 0 ||
	    resp_integer(&c->out, arity) < 0 || resp_array(&c->out, 0) < 0)
		return -1;
	for (int i = 0; i < 3; i++)
		if (resp_integer(&c->out, 0) < 0)
			return -1;
	return 0;
}

static int command_document(struct conn *c, const struct verb *v)
{
	if (resp_bulk(&c->out, v->name, strlen(v->name)) < 0 || resp_array(&c->out, 4) < 0 ||
	    pair(c, "summary", v->summary) < 0)
		return -1;
	return pair(c, "usage", v->usage);
}

static int commands_write(struct conn *c, int (*write)(struct conn *c, const struct verb *v))
{
	const struct service *const *offers = c->listener->conf->offers;

	for (; *offers != NULL; offers++)
		for (const struct verb *v = (*offers)->verbs; v != NULL && v->name != NULL; v++)
			if (write(c, v) < 0)
				return -1;
	return 0;
}

static int command_info(struct conn *c, const struct request *req)
{
	const struct verb *v;

	if (resp_array(&c->out, (size_t)req->argc - 2) < 0)
		return -1;
	for (int i = 2; i < req->argc; i++) {
		v = verb_find(c->listener->conf->offers, &req->argv[i]);
		if ((v != NULL ? command_describe(c, v) : resp_nil(&c->out)) < 0)
			return -1;
	}
	return 0;
}

static int session_command(struct conn *c, const struct request *req)
{
	size_t count = (size_t)command_count(c->listener->conf->offers);

	if (req->argc == 1)
		return resp_array(&c->out, count) < 0 ? -1 : commands_write(c, command_describe);
	if (slice_is(&req->argv[1], "COUNT"))
		return resp_integer(&c->out, (int64_t)count);
	if (slice_is(&req->argv[1], "INFO") && req->argc > 2)
		return command_info(c, req);
	if (slice_is(&req->argv[1], "DOCS"))
		return resp_array(&c->out, 2 * count) < 0 ? -1
							  : commands_write(c, command_document);
	return resp_error(&c->out, "ERR write COMMAND, COMMAND COUNT, COMMAND INFO name... or "
				   "COMMAND DOCS");
}

/* ---- CLIENT, CONFIG ---- */

#define CLIENT_NAME_MAX 64

static int client_name(struct conn *c, const struct slice *name)
{
	for (size_t i = 0; i < name->len; i++)
		if (name->data[i] <= ' ' || name->data[i] > '~' || i == CLIENT_NAME_MAX)
			return resp_error(&c->out,
					  "ERR a name is up to %d printable characters without "
					  "blanks",
					  CLIENT_NAME_MAX);
	free(c->name);
	c->name = NULL;
	if (name->len > 0 && (c->name = strndup(name->data, name->len)) == NULL)
		return -1;
	return resp_status(&c->out, "OK");
}

static int session_client(struct conn *c, const struct request *req)
{
	const struct slice *what = &req->argv[1];

	if (slice_is(what, "ID"))
		return resp_integer(&c->out, c->id);
	if (slice_is(what, "SETNAME") && req->argc == 3)
		return client_name(c, &req->argv[2]);
	if (slice_is(what, "GETNAME"))
		return c->name != NULL ? resp_bulk(&c->out, c->name, strlen(c->name))
				       : resp_nil(&c->out);
	if (slice_is(what, "SETINFO"))
		return resp_status(&c->out, "OK");
	return resp_error(&c->out, "ERR write CLIENT ID, SETNAME name, GETNAME or SETINFO");
}

/* redis-benchmark asks how Redis saves its data, and warns where there is no answer. */
static int session_config(struct conn *c, const struct request *req)
{
	if (!slice_is(&req->argv[1], "GET"))
		return resp_error(&c->out, "ERR the configuration cannot be changed from here");
	if (slice_is(&req->argv[2], "save"))
		return resp_array(&c->out, 2) < 0 ? -1 : pair(c, "save", "");
	if (slice_is(&req->argv[2], "appendonly"))
		return resp_array(&c->out, 2) < 0 ? -1 : pair(c, "appendonly", "no");
	return resp_array(&c->out, 0);
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
