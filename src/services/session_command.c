/* SPDX-License-Identifier: MIT */
/* COMMAND: what can be asked, as Redis lists its own commands. */
#include <string.h>

#include "net/verb.h"
#include "services/session.h"

/* What is said of a verb. Returns 0, or -1 with ENOMEM. */
typedef int verb_say(const struct call *call, const struct service *service, const struct verb *v);

static size_t verbs_count(const struct service *const *offers)
{
	size_t count = 0;

	for (; *offers != NULL; offers++)
		for (const struct verb *v = (*offers)->verbs; v != NULL && v->name != NULL; v++)
			count++;
	return count;
}

static int verbs_say(const struct call *call, verb_say *say)
{
	const struct service *const *offers = call->offers;

	for (; *offers != NULL; offers++)
		for (const struct verb *v = (*offers)->verbs; v != NULL && v->name != NULL; v++)
			if (say(call, *offers, v) < 0)
				return -1;
	return 0;
}

static int name_say(const struct call *call, const struct service *service, const struct verb *v)
{
	return say_text(call, v->name);
}

/* Say a verb as COMMAND of Redis does: its name, arity (with the name; negative: at least so many),
 * flags, first key, last key, step. */
static int verb_describe(const struct call *call, const struct service *service,
			 const struct verb *v)
{
	int arity = v->min_args == v->max_args ? v->min_args + 1 : -(v->min_args + 1);

	if (say_list(call, 6) < 0 || say_text(call, v->name) < 0 || say_integer(call, arity) < 0 ||
	    say_list(call, 0) < 0)
		return -1;
	for (int i = 0; i < 3; i++)
		if (say_integer(call, 0) < 0)
			return -1;
	return 0;
}

/* ---- DOCS ---- */

/* Cut off the first argument of a usage: a word, or what stands in brackets; where there are
 * alternatives, the whole usage. */
static struct slice argument_next(const char **usage)
{
	const char *at = *usage + strspn(*usage, " "), *begin = at;
	int depth = 0;

	if (strstr(at, " | ") != NULL && *at != '[')
		at += strlen(at);
	for (; *at != '\0' && (*at != ' ' || depth > 0); at++)
		depth += (*at == '[') - (*at == ']');
	*usage = at;
	return (struct slice){begin, (size_t)(at - begin)};
}

/* Take the brackets and dots off, which Redis says by flags. */
static struct slice argument_bare(struct slice s, bool *optional, bool *multiple)
{
	*optional = s.len > 2 && s.data[0] == '[';
	if (*optional)
		s = (struct slice){s.data + 1, s.len - 2};
	*multiple = s.len > 3 && memcmp(s.data + s.len - 3, "...", 3) == 0;
	if (*multiple)
		s.len -= 3;
	return s;
}

static int argument_say(const struct call *call, struct slice s)
{
	bool optional, multiple;

	s = argument_bare(s, &optional, &multiple);
	if (say_pairs(call, 3) < 0 || say_text(call, "name") < 0 ||
	    say_bytes(call, s.data, s.len) < 0 || session_pair(call, "type", "string") < 0 ||
	    say_text(call, "flags") < 0 || say_list(call, (size_t)optional + multiple) < 0)
		return -1;
	if (optional && say_status(call, "optional") < 0)
		return -1;
	return multiple ? say_status(call, "multiple") : 0;
}

static int arguments_say(const struct call *call, const char *usage)
{
	size_t count = 0;

	for (const char *at = usage; argument_next(&at).len > 0;)
		count++;
	if (say_text(call, "arguments") < 0 || say_list(call, count) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (argument_say(call, argument_next(&usage)) < 0)
			return -1;
	return 0;
}

/* redis-cli takes it for granted that there is a group. */
static int verb_document(const struct call *call, const struct service *service,
			 const struct verb *v)
{
	if (say_text(call, v->name) < 0 || say_pairs(call, 4) < 0 ||
	    session_pair(call, "summary", v->summary) < 0 ||
	    session_pair(call, "since", "1.0.0") < 0 ||
	    session_pair(call, "group", service->name) < 0)
		return -1;
	return arguments_say(call, v->usage);
}

/* ---- the subcommands ---- */

static const struct service *verb_service_of(const struct service *const *offers,
					     const struct slice *name)
{
	while (verb_find((const struct service *const[]){*offers, NULL}, name) == NULL)
		offers++;
	return *offers;
}

/* Say what say() says of each verb that is named. */
static int named_say(const struct call *call, verb_say *say, bool nil)
{
	for (int i = 2; i < call->argc; i++) {
		const struct slice *name = &call->argv[i];
		const struct verb *v = verb_find(call->offers, name);
		int result = 0;

		if (v != NULL)
			result = say(call, verb_service_of(call->offers, name), v);
		else if (nil)
			result = say_nil(call);
		if (result < 0)
			return -1;
	}
	return 0;
}

static int command_count(const struct call *call)
{
	return say_integer(call, (int64_t)verbs_count(call->offers));
}

static int command_list(const struct call *call)
{
	return say_list(call, verbs_count(call->offers)) < 0 ? -1 : verbs_say(call, name_say);
}

static int command_describe(const struct call *call)
{
	return say_list(call, verbs_count(call->offers)) < 0 ? -1 : verbs_say(call, verb_describe);
}

static int command_info(const struct call *call)
{
	if (call->argc == 2)
		return command_describe(call);
	return say_list(call, (size_t)call->argc - 2) < 0 ? -1
							  : named_say(call, verb_describe, true);
}

static int command_docs(const struct call *call)
{
	size_t count = 0;

	for (int i = 2; i < call->argc; i++)
		count += verb_find(call->offers, &call->argv[i]) != NULL;
	if (say_pairs(call, call->argc > 2 ? count : verbs_count(call->offers)) < 0)
		return -1;
	return call->argc > 2 ? named_say(call, verb_document, false)
			      : verbs_say(call, verb_document);
}

int session_command(const struct call *call)
{
	static const struct verb table[] = {
		{"COUNT", "", "how many there are", 0, 0, command_count},
		{"LIST", "", "their names", 0, 0, command_list},
		{"INFO", "[name...]", "name and number of arguments", 0, REQUEST_ARGS_MAX,
		 command_info},
		{"DOCS", "[name...]", "what each does, and with what", 0, REQUEST_ARGS_MAX,
		 command_docs},
		{.name = NULL},
	};

	return call->argc == 1 ? command_describe(call) : verb_subcommand(call, table);
}
