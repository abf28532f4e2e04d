/* SPDX-License-Identifier: MIT */
#include "net/verb.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "net/call.h"

const struct verb *verb_find(const struct service *const *offers, const struct slice *name)
{
	for (; *offers != NULL; offers++)
		for (const struct verb *v = (*offers)->verbs; v != NULL && v->name != NULL; v++)
			if (strlen(v->name) == name->len &&
			    strncasecmp(v->name, name->data, name->len) == 0)
				return v;
	return NULL;
}

static int verb_request(const struct call *call)
{
	const struct verb *verb = verb_find(call->offers, &call->argv[0]);
	char name[SLICE_TEXT_MAX];

	slice_print(&call->argv[0], name);
	if (verb == NULL)
		return say_error(call, "ERR unknown command '%s'; COMMAND lists those there are",
				 name);
	if (call->argc - 1 < verb->min_args || call->argc - 1 > verb->max_args)
		return say_error(call,
				 "ERR wrong number of arguments for '%s' command; write %s %s",
				 name, verb->name, verb->usage);
	return verb->call(call);
}

/* ---- subcommands ---- */

static int subcommands_say(const struct call *call, const struct verb *table)
{
	char line[256];
	size_t count = 0;

	while (table[count].name != NULL)
		count++;
	if (say_list(call, count) < 0)
		return -1;
	for (; table->name != NULL; table++) {
		snprintf(line, sizeof(line), "%s %s -- %s", table->name, table->usage,
			 table->summary);
		if (say_status(call, line) < 0)
			return -1;
	}
	return 0;
}

int verb_subcommand(const struct call *call, const struct verb *table)
{
	char name[SLICE_TEXT_MAX], text[SLICE_TEXT_MAX];
	const struct verb *v = table;

	if (slice_is(&call->argv[1], "HELP"))
		return subcommands_say(call, table);
	while (v->name != NULL && !slice_is(&call->argv[1], v->name))
		v++;
	slice_print(&call->argv[0], name);
	slice_print(&call->argv[1], text);
	if (v->name == NULL)
		return say_error(call, "ERR unknown subcommand '%s'. Try %s HELP.", text, name);
	if (call->argc - 2 < v->min_args || call->argc - 2 > v->max_args)
		return say_error(call, "ERR wrong number of arguments for '%s %s'; write %s %s %s",
				 name, text, name, v->name, v->usage);
	return v->call(call);
}

const struct service verb_service = {
	.name = "verbs",
	.summary = "finds the verb that a request names",
	.protocols = PROTOCOL_RESP,
	.request = verb_request,
};
