/* SPDX-License-Identifier: MIT */
/* CLIENT: what a client may ask and say of its own connection; of other ones nothing is told. */
#include <stdio.h>

#include "net/conn.h"
#include "net/verb.h"
#include "services/session.h"

#define CLIENT_NAME_MAX 255

const char *client_name_refusal(const struct slice *name)
{
	for (size_t i = 0; i < name->len; i++)
		if (name->data[i] < '!' || name->data[i] > '~')
			return "ERR Client names cannot contain spaces, newlines or special "
			       "characters.";
	return name->len > CLIENT_NAME_MAX ? "ERR Client names have at most 255 bytes." : NULL;
}

static int client_id(const struct call *call)
{
	return say_integer(call, conn_id(call->conn));
}

/* The fields of Redis that have a meaning here, and some that its libraries expect. */
static int client_info(const struct call *call)
{
	const char *name = conn_name(call->conn);
	char text[CLIENT_NAME_MAX + 512], addr[PEER_TEXT_MAX];

	if (call->peer->sa.sa_family == AF_UNIX)
		snprintf(addr, sizeof(addr), "unix:0");
	else
		peer_print(call->peer, addr);
	snprintf(text, sizeof(text),
		 "id=%u addr=%s name=%s age=%jd idle=0 flags=N db=0 sub=0 psub=0 multi=-1 "
		 "cmd=client user=default redir=-1 resp=%d\n",
		 conn_id(call->conn), addr, name != NULL ? name : "",
		 (intmax_t)(conn_age_ms(call->conn) / 1000), say_version(call, 0));
	return say_text(call, text);
}

static int client_setname(const struct call *call)
{
	const struct slice *name = &call->argv[2];
	const char *refusal = client_name_refusal(name);

	if (refusal != NULL)
		return say_error(call, "%s", refusal);
	return conn_set_name(call->conn, name->data, name->len) < 0 ? -1 : say_status(call, "OK");
}

static int client_getname(const struct call *call)
{
	const char *name = conn_name(call->conn);

	return name != NULL ? say_text(call, name) : say_nil(call);
}

/* Libraries tell their name and version, which nobody here asks for. */
static int client_setinfo(const struct call *call)
{
	char text[SLICE_TEXT_MAX];

	if (!slice_is(&call->argv[2], "LIB-NAME") && !slice_is(&call->argv[2], "LIB-VER"))
		return say_error(call, "ERR Unrecognized option '%s'",
				 slice_print(&call->argv[2], text));
	return say_status(call, "OK");
}

int session_client(const struct call *call)
{
	static const struct verb table[] = {
		{"ID", "", "its number, which no other has had", 0, 0, client_id},
		{"INFO", "", "what is known of it", 0, 0, client_info},
		{"LIST", "", "the same; others are not told of", 0, REQUEST_ARGS_MAX, client_info},
		{"SETNAME", "name", "gives it a name", 1, 1, client_setname},
		{"GETNAME", "", "its name; nil: none", 0, 0, client_getname},
		{"SETINFO", "LIB-NAME|LIB-VER text", "taken, and forgotten", 2, 2, client_setinfo},
		{.name = NULL},
	};

	return verb_subcommand(call, table);
}
