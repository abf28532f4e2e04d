/* SPDX-License-Identifier: MIT */
#include "net/resource.h"

#include "net/call.h"

static int resource_request(const struct call *call)
{
	struct document none = {.status = 404, .text = "There is nothing of that name."};

	for (*call->verb = 0; call->offers[*call->verb] != NULL; ++*call->verb) {
		int result = call->offers[*call->verb]->fetch(call);

		if (result != FETCH_NOT_MINE)
			return result;
	}
	return say_document(call, &none, NULL);
}

const struct service resource_service = {
	.name = "resources",
	.summary = "asks the services for what a path names",
	.protocols = PROTOCOL_HTTP,
	.request = resource_request,
};
