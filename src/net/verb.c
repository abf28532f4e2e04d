/* SPDX-License-Identifier: MIT */
#include "net/verb.h"

#include <string.h>
#include <strings.h>

#include "net/call.h"

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
	const struct verb *v = NULL;
	unsigned at = 0;

	for (; *offers != NULL; offers++)
		for (v = (*offers)->verbs; v != NULL && v->name != NULL; v++, at++)
			if (strlen(v->name) == name->len &&
			    strncasecmp(v->name, name->data, name->len) == 0)
				goto found;
	v = NULL;
found:
	*place = at;
	return v;
}

const struct verb *verb_find(const struct service *const *offers, const struct slice *name)
{
	unsigned place;

	return verb_locate(offers, name, &place);
}

static int verb_request(const struct call *call)
{
	const struct verb *verb = verb_locate(call->offers, &call->argv[0], call->verb);
	char name[SLICE_TEXT_MAX];

	if (verb == NULL)
		return say_error(call, "ERR unknown command '%s'; COMMAND lists those there are",
				 slice_print(&call->argv[0], name));
	if (call->argc - 1 < verb->min_args || call->argc - 1 > verb->max_args)
		return say_error(call, "ERR wrong number of arguments; write %s %s", verb->name,
				 verb->usage);
	return verb->call(call);
}

const struct service verb_service = {
	.name = "verbs",
	.summary = "finds the verb that a request names",
	.protocols = PROTOCOL_RESP,
	.request = verb_request,
};
