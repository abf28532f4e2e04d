/* SPDX-License-Identifier: MIT */
/* How clients introduce themselves: HELLO and AUTH, refused with the words of Redis. There are no
 * passwords; so, as in a Redis without one, everybody is the user "default". */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "net/conn.h"
#include "services/session.h"

static const char wrong_pass[] = "WRONGPASS invalid username-password pair or user is disabled.";

/* What HELLO asks for, beside the version. */
struct hello {
	const struct slice *user; /* NULL: nothing is said of it */
	const struct slice *name; /* likewise */
};

/* Take an option of HELLO, argv[at] and its arguments. Returns how many words these are; 0: it is
 * no option. */
static int hello_option(const struct call *call, int at, struct hello *hello)
{
	if (slice_is(&call->argv[at], "AUTH") && at + 2 < call->argc) {
		hello->user = &call->argv[at + 1];
		return 3;
	}
	if (slice_is(&call->argv[at], "SETNAME") && at + 1 < call->argc) {
		hello->name = &call->argv[at + 1];
		return 2;
	}
	return 0;
}

static int hello_say(const struct call *call)
{
	if (say_pairs(call, 7) < 0 || session_pair(call, "server", "pollard") < 0 ||
	    session_pair(call, "version", PACKAGE_VERSION) < 0 || say_text(call, "proto") < 0 ||
	    say_integer(call, say_version(call, 0)) < 0 || say_text(call, "id") < 0 ||
	    say_integer(call, conn_id(call->conn)) < 0 ||
	    session_pair(call, "mode", "standalone") < 0 ||
	    session_pair(call, "role", "master") < 0 || say_text(call, "modules") < 0)
		return -1;
	return say_list(call, 0);
}

/* Do what HELLO asks for, and answer. A HELLO that is refused changes nothing. */
static int hello_answer(const struct call *call, int version, const struct hello *hello)
{
	const char *refusal = hello->name != NULL ? client_name_refusal(hello->name) : NULL;

	if (hello->user != NULL && !slice_is(hello->user, "default"))
		return say_error(call, "%s", wrong_pass);
	if (refusal != NULL)
		return say_error(call, "%s", refusal);
	if (hello->name != NULL &&
	    conn_set_name(call->conn, hello->name->data, hello->name->len) < 0)
		return -1;
	say_version(call, version);
	return hello_say(call);
}

int session_hello(const struct call *call)
{
	struct hello hello = {.user = NULL};
	char text[SLICE_TEXT_MAX];
	int64_t version = 0;
	int words;

	if (call->argc > 1 && !slice_integer(&call->argv[1], &version))
		return say_error(call, "ERR Protocol version is not an integer or out of range");
	if (call->argc > 1 && version != 2 && version != 3)
		return say_error(call, "NOPROTO unsupported protocol version");
	for (int at = 2; at < call->argc; at += words) {
		words = hello_option(call, at, &hello);
		if (words == 0)
			return say_error(call, "ERR Syntax error in HELLO option '%s'",
					 slice_print(&call->argv[at], text));
	}
	return hello_answer(call, (int)version, &hello);
}

int session_auth(const struct call *call)
{
	if (call->argc > 3)
		return say_error(call, "ERR syntax error");
	if (call->argc == 2)
		return say_error(call, "ERR AUTH <password> called without any password configured "
				       "for the default user. Are you sure your configuration is "
				       "correct?");
	if (!slice_is(&call->argv[1], "default"))
		return say_error(call, "%s", wrong_pass);
	return say_status(call, "OK");
}
