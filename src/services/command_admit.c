/* SPDX-License-Identifier: MIT */
/* Who may run the commands that are in force, and with what: of services/command.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/burst.h"
#include "core/log.h"
#include "core/stats.h"
#include "services/command.h"

static struct command *command_find(const struct slice *name)
{
	struct command *command = command_first();

	while (command != NULL && (strlen(command->section.name) != name->len ||
				   memcmp(command->section.name, name->data, name->len) != 0))
		command = command_next(command);
	return command;
}

bool command_is_allowed(const struct command *command, const struct peer *peer)
{
	return peer_is_listed(peer, &command->allow, &command->allow_users, &command->allow_groups);
}

void command_usage(const struct command *command, char *text, size_t size)
{
	size_t len = (size_t)snprintf(text, size, "%s", command->section.name);

	for (size_t i = 0; i < command->template.count && len < size; i++)
		len += (size_t)snprintf(text + len, size - len, " %s",
					command->template.parameters[i].name);
}

static void permission_refuse(const struct command *command, const struct peer *peer,
			      struct reason *error)
{
	const char *name = command->section.name;
	char text[PEER_TEXT_MAX];

	stats.refused_permission++;
	peer_print(peer, text);
	if (burst_takes("refused", "command", name, NULL))
		log_info("refused", log_text("command", name), log_text("peer", text));
	reason_set(error, "NOPERM command '%s' is not allowed for %s", name, text);
}

/* Log that a match was given up: a pattern that costs too much is for the administrator to mend. */
static void match_log(const struct command *command, const struct peer *peer, const char *reason)
{
	const char *name = command->section.name;
	char text[PEER_TEXT_MAX];

	if (burst_takes("match_given_up", "command", name, NULL))
		log_info("match_given_up", log_text("command", name),
			 log_text("peer", peer_print(peer, text)), log_text("reason", reason));
}

/* The argv for the arguments of command. Returns NULL with the error. */
static char **arguments_take(const struct command *command, const struct peer *peer,
			     const struct slice *values, size_t count, struct reason *error)
{
	char **argv, usage[256];
	struct reason reason;

	if (count != command->template.count) {
		command_usage(command, usage, sizeof(usage));
		reason_set(error, "ERR %zu arguments where %zu are wanted: %s", count,
			   command->template.count, usage);
		return NULL;
	}
	argv = template_fill(&command->template, values, &reason);
	if (argv != NULL)
		return argv;
	if (errno == ETIME)
		match_log(command, peer, reason.text);
	reason_set(error, "ERR %s: %s", command->section.name, reason.text);
	return NULL;
}

char **command_admit(const struct peer *peer, const struct slice *words, size_t count, bool piped,
		     struct command **found, struct reason *error)
{
	struct command *command = command_find(&words[0]);
	char text[SLICE_TEXT_MAX];

	*found = command;
	if (command == NULL)
		reason_set(error, "ERR there is no command '%s'; COMMANDS lists them",
			   slice_print(&words[0], text));
	else if (!command_is_allowed(command, peer))
		permission_refuse(command, peer, error);
	else if (piped && command->max_input == 0)
		reason_set(error, "ERR command '%s' takes no input: its max_input is 0",
			   command->section.name);
	else
		return arguments_take(command, peer, words + 1, count - 1, error);
	return NULL;
}
