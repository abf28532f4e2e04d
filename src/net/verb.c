/* SPDX-License-Identifier: MIT */
#include "net/verb.h"

#include <stdio.h>

#include "net/call.h"

/* The name of v is in capitals. Most differ in their first letter, so that this is quicker than to
 * ask for their length. */
static bool verb_is(const struct verb *v, const struct slice *name)
{
	for (size_t i = 0; i < name->len; i++) {
		char c = name->data[i];

		if (v->name[i] == '\0' || v->name[i] != (c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c))
			return false;
	}
	return v->name[name->len] == '\0';
}

/* The verb at place. */
static const struct verb *verb_at(const struct service *const *offers, unsigned place)
{
	for (; *offers != NULL; offers++)
		for (const struct verb *v = (*offers)->verbs; v != NULL && v->name != NULL; v++)
			if (place-- == 0)
				return v;
	return NULL;
}

const char *verb_name(const struct service *const *offers, unsigned place)
{
	const struct verb *verb = verb_at(offers, place);

	if (verb != NULL)
		return verb->name;
	return place == 0 || verb_at(offers, place - 1) != NULL ? VERB_OTHER : NULL;
}

/* The verb, and its place; where there is none, that of VERB_OTHER. */
static const struct verb *verb_locate(const struct service *const *offers, const struct slice *name,
				      unsigned *place)
{
	*place = 0;
	for (; *offers != NULL; offers++)
		for (const struct verb *v = (*offers)->verbs; v != NULL && v->name != NULL;
		     v++, ++*place)
			if (verb_is(v, name))
				return v;
	return NULL;
}

const struct verb *verb_find(const struct service *const *offers, const struct slice *name)
{
	unsigned place;

	return verb_locate(offers, name, &place);
}

static int count_refuse(const struct call *call, const struct verb *verb)
{
	char name[SLICE_TEXT_MAX];

	return say_error(call, "ERR wrong number of arguments for '%s' command; write %s %s",
			 slice_print(&call->argv[0], name), verb->name, verb->usage);
}

static int verb_request(const struct call *call)
{
	const struct verb *verb = verb_locate(call->offers, &call->argv[0], call->verb);
	char name[SLICE_TEXT_MAX];

	if (verb == NULL)
		return say_error(call, "ERR unknown command '%s'; COMMAND lists those there are",
				 slice_print(&call->argv[0], name));
	if (call->argc - 1 < verb->min_args || call->argc - 1 > verb->max_args)
		return count_refuse(call, verb);
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
