/* SPDX-License-Identifier: MIT */
#include "net/verb.h"

#include <string.h>
#include <strings.h>

#include "net/conn.h"
#include "net/resp.h"

const struct verb *verb_find(const struct service *const *offers, const struct slice *name)
{
	for (; *offers != NULL; offers++)
		for (const struct verb *v = (*offers)->verbs; v != NULL && v->name != NULL; v++)
			if (strlen(v->name) == name->len &&
			    strncasecmp(v->name, name->data, name->len) == 0)
				return v;
	return NULL;
}

static int verb_request(struct conn *c, const struct request *req)
{
	const struct verb *verb = verb_find(c->listener->conf->offers, &req->argv[0]);
	char name[SLICE_TEXT_MAX];

	if (verb == NULL)
		return resp_error(&c->out,
				  "ERR unknown command '%s'; COMMAND lists those there are",
				  slice_print(&req->argv[0], name));
	if (req->argc - 1 < verb->min_args || req->argc - 1 > verb->max_args)
		return resp_error(&c->out, "ERR wrong number of arguments; write %s %s", verb->name,
				  verb->usage);
	return verb->call(c, req);
}

const struct service verb_service = {
	.name = "verbs",
	.summary = "finds the verb that a request names",
	.protocols = PROTOCOL_RESP,
	.request = verb_request,
};
