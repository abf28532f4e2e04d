/* SPDX-License-Identifier: MIT */
#include "net/verb.h"

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

const struct service verb_service = {
	.name = "verbs",
	.summary = "finds the verb that a request names",
	.protocols = PROTOCOL_RESP,
	.request = verb_request,
};
