/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_SESSION_H
#define SERVICES_SESSION_H
/* Verbs of the service session that have a file of their own. Each returns as a verb does. */
#include "net/call.h"

int session_hello(const struct call *call);
int session_auth(const struct call *call);
int session_client(const struct call *call);
int session_command(const struct call *call);
int session_info(const struct call *call);

/* ---- what they share ---- */

/* "CODE reason" why a client may not have this name; NULL: it may. */
const char *client_name_refusal(const struct slice *name);

/* A pair of two texts. Returns 0, or -1 with ENOMEM. */
static inline int session_pair(const struct call *call, const char *name, const char *value)
{
	return say_text(call, name) < 0 ? -1 : say_text(call, value);
}

#endif
