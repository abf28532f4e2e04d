/* SPDX-License-Identifier: MIT */
#include "services/command.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "process/job.h"
#include "process/program.h"
#include "services/shell.h"

enum {
#define OPT(key, ...) COMMAND_KEY_##key,
#include "services/commands.def"
#undef OPT
	COMMAND_KEYS
};

OPTION_WORDS(on_disconnect, ON_DISCONNECT_WORDS);

static const struct option_def command_options[COMMAND_KEYS] = {
#define OPT(key, kind, ...) \
	{#key, &option_##kind, offsetof(struct command, key), OPTION_REST(__VA_ARGS__)},
#include "services/commands.def"
#undef OPT
};

static struct settings *commands; /* the generation whose commands are in force; NULL: none */

/* ---- the section ---- */

static void command_free(struct section *s)
{
	struct command *command = container_of(s, struct command, section);

	template_free(&command->template);
	for (size_t i = 0; command->envp != NULL && command->envp[i] != NULL; i++)
		free(command->envp[i]);
	free(command->envp);
	places_unref(command->places); /* of a command that never was in force */
}

/* Let go of what a command in force has beside its settings, which others may keep for long. */
static void command_release(struct command *command)
{
	places_unref(command->places);
	command->places = NULL;
	deadline_queue_free(&command->timeouts);
}

struct command *command_ref(struct command *command)
{
	settings_ref(command->section.settings);
	command->refs++;
	return command;
}

void command_unref(struct command *command)
{
	if (--command->refs == 0)
		command_release(command);
	settings_unref(command->section.settings);
}

static void command_check(struct section *s, struct option_list *errors)
{
	struct command *command = container_of(s, struct command, section);

	template_parse(&command->template, s, COMMAND_KEY_exec, command->exec, &command->arg,
		       errors);
}

/* ---- what this process cannot do for a command ---- */

/* A warning of command at KEY. */
#define COMMAND_WARNING(warnings, command, key, ...) \
	section_warning(warnings, &(command)->section, COMMAND_KEY_##key, __VA_ARGS__)

static void privilege_warn(const struct command *command, const char *program,
			   struct option_list *warnings)
{
	switch (program_privilege(program)) {
	case PROGRAM_PLAIN:
		return;
	case PROGRAM_SET_ID_HELD:
		COMMAND_WARNING(warnings, command, exec,
				"%.200s is set-user-ID or set-group-ID, which has no effect here "
				"(NoNewPrivileges=); the drop-in sudo.conf changes that",
				program);
		return;
	case PROGRAM_CAPS_HELD:
		COMMAND_WARNING(warnings, command, exec,
				"%.200s is to have capabilities that are kept from it here "
				"(NoNewPrivileges=, CapabilityBoundingSet=); the drop-in ping.conf "
				"gives those of ping(8)",
				program);
		return;
	case PROGRAM_SET_USER_ID:
		if (command->timeout > 0 && geteuid() != 0)
			COMMAND_WARNING(warnings, command, timeout,
					"%.200s is set-user-ID: what has become another user "
					"for good, as sudo(8) does, cannot be ended from here",
					program);
	}
}

static const char *const shell_advice[SHELL_SIGNS] = {
	[SHELL_OPERATOR] = "is an argument like any other, as there is no shell; pipes and "
			   "redirections belong in a script (in quotes it is meant)",
	[SHELL_VARIABLE] = "stays as it is, as there is no shell; write the value itself (in "
			   "single quotes it is meant)",
	[SHELL_MACRO] = "stays as it is; in exec, {NAME} is what a caller gives, with arg.NAME",
	[SHELL_ESCAPE] = "has a backslash in it, which escapes nothing; put quotes into the other "
			 "kind of quotes",
	[SHELL_PATTERN] = "stays as it is, as there is no shell that finds files (in quotes it is "
			  "meant)",
};

/* Warn of {NAME}, which is for exec, and of what a shell or a monitoring system would replace. */
static void env_warn(const struct command *command, struct option_list *warnings)
{
	char place[80], signs[SHELL_SIGNS][SHELL_TEXT_MAX];

	for (size_t i = 0; i < command->env.count; i++) {
		const struct option_pair *env = &command->env.items[i];

		for (size_t j = 0; j < command->arg.count; j++) {
			snprintf(place, sizeof(place), "{%s}", command->arg.items[j].name);
			if (strstr(env->value, place) != NULL)
				error_add(warnings, env->from.file, env->from.line,
					  "env.%s: warning: %s stands for an argument in exec only",
					  env->name, place);
		}
		shell_signs(env->from.text, signs);
		for (size_t j = SHELL_VARIABLE; j <= SHELL_MACRO; j++)
			if (signs[j][0] != '\0')
				error_add(warnings, env->from.file, env->from.line,
					  "env.%s: warning: '%s' %s", env->name, signs[j],
					  shell_advice[j]);
	}
}

static void shell_warn(const struct command *command, struct option_list *warnings)
{
	char signs[SHELL_SIGNS][SHELL_TEXT_MAX];

	shell_signs(command->exec, signs);
	for (size_t i = 0; i < SHELL_SIGNS; i++)
		if (signs[i][0] != '\0')
			COMMAND_WARNING(warnings, command, exec, "'%s' %s", signs[i],
					shell_advice[i]);
}

static void exec_warn(const struct command *command, struct option_list *warnings)
{
	const char *program = command->template.words.items[0];
	struct reason reason;

	if (program_is_refused(program, &reason))
		COMMAND_WARNING(warnings, command, exec, "%s", reason.text);
	else
		privilege_warn(command, program, warnings);
	shell_warn(command, warnings);
}

static void arg_warn(const struct command *command, struct option_list *warnings)
{
	struct reason reason;

	for (size_t i = 0; i < command->template.count; i++) {
		const struct parameter *p = &command->template.parameters[i];
		const struct option_source *from = &command->arg.items[i].from;
		bool is_list = p->type == PARAMETER_ENUM && p->text != NULL &&
			       strchr(p->text, '|') == NULL && strpbrk(p->text, " \t,") != NULL;

		if (is_list)
			error_add(warnings, from->file, from->line,
				  "arg.%s: warning: '%.100s' is one word; words have | between "
				  "them",
				  p->name, p->text);
		if (p->type == PARAMETER_PATH && p->text != NULL &&
		    folder_is_refused(p->text, &reason))
			error_add(warnings, from->file, from->line, "arg.%s: warning: %s", p->name,
				  reason.text);
	}
}

static void command_warn(struct section *s, struct option_list *warnings)
{
	const struct command *command = container_of(s, struct command, section);
	struct reason reason;

	if (command->exec != NULL && !s->from[COMMAND_KEY_exec].wrong)
		exec_warn(command, warnings);
	arg_warn(command, warnings);
	if (folder_is_refused(command->cwd, &reason))
		COMMAND_WARNING(warnings, command, cwd, "%s", reason.text);
	if (command->nice > 0 && !program_may_be_nice())
		COMMAND_WARNING(warnings, command, nice,
				"has no effect here, setpriority(2) is not allowed "
				"(SystemCallFilter=); the drop-in nice.conf allows it");
	env_warn(command, warnings);
}

void command_reach_warn(struct section *s, bool local, bool network, struct option_list *warnings)
{
	const struct command *command = container_of(s, struct command, section);
	bool has_users = command->allow_users.count > 0;
	bool has_names = has_users || command->allow_groups.count > 0;
	bool has_networks = command->allow.count > 0;

	if (s->from[COMMAND_KEY_allow].wrong || s->from[COMMAND_KEY_allow_users].wrong ||
	    s->from[COMMAND_KEY_allow_groups].wrong)
		return;
	if ((has_names && local) || (has_networks && network))
		return;
	if (has_networks)
		COMMAND_WARNING(warnings, command, allow,
				"names nobody who gets here; no listener of commands is on tcp:");
	if (has_names)
		section_warning(warnings, s,
				has_users ? COMMAND_KEY_allow_users : COMMAND_KEY_allow_groups,
				"names nobody who gets here; no listener of commands is on unix:");
}

const struct section_kind command_kind = {
	.word = "command",
	.options = command_options,
	.count = COMMAND_KEYS,
	.size = sizeof(struct command),
	.check = command_check,
	.warn = command_warn,
	.free = command_free,
};

/* ---- commands in force ---- */

static struct command *command_of(struct section *s)
{
	s = section_of(s, &command_kind);
	return s != NULL ? container_of(s, struct command, section) : NULL;
}

static struct command *command_first_of(const struct settings *settings)
{
	return settings != NULL ? command_of(TAILQ_FIRST(&settings->sections)) : NULL;
}

struct command *command_first(void)
{
	return command_first_of(commands);
}

struct command *command_next(const struct command *command)
{
	return command_of(TAILQ_NEXT(&command->section, entry));
}

/* ---- a new generation ---- */

/* Make a clean environment, with what env.NAME says. Returns NULL with ENOMEM. */
static char **environment_make(const struct command *command)
{
	static const char *const clean[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LANG=C.UTF-8"};
	const struct option_map *env = &command->env;
	char **envp = calloc(env->count + 3, sizeof(*envp));
	size_t count = 0;
	bool failed = envp == NULL;

	for (size_t i = 0; !failed && i < 2; i++) {
		char name[8] = "";

		memcpy(name, clean[i], strcspn(clean[i], "="));
		if (option_map_find(env, name) == NULL)
			failed = (envp[count++] = strdup(clean[i])) == NULL;
	}
	for (size_t i = 0; !failed && i < env->count; i++)
		failed = asprintf(&envp[count++], "%s=%s", env->items[i].name,
				  env->items[i].value) < 0;
	if (!failed)
		return envp;
	while (envp != NULL && count > 0)
		free(envp[--count]);
	free(envp);
	return NULL;
}

int commands_prepare(struct settings *settings, struct reason *reason)
{
	struct command *command = command_first_of(settings);

	for (; command != NULL; command = command_next(command)) {
		command->places = places_named(command->section.name);
		command->envp = environment_make(command);
		if (command->places == NULL || command->envp == NULL)
			return reason_set(reason, "out of memory");
	}
	return 0;
}

static void commands_free(struct settings *settings)
{
	struct command *command = command_first_of(settings), *next;

	for (; command != NULL; command = next) {
		next = command_next(command);
		command_unref(command);
	}
	settings_unref(settings);
}

void commands_stop(void)
{
	commands_free(commands);
	commands = NULL;
}

/* Put the commands of settings in force. */
static void commands_take(struct settings *settings)
{
	struct command *command;

	commands = settings_ref(settings);
	for (command = command_first(); command != NULL; command = command_next(command)) {
		command_ref(command);
		job_timeouts_init(&command->timeouts, command->timeout);
	}
}

/* Set the limits of the commands in force. Those of the generation before that are gone get places
 * for all, so that each run that waits has its turn, and its caller is told. */
static void places_limit(const struct settings *old)
{
	struct command *command = command_first_of(old);

	for (; command != NULL; command = command_next(command))
		slots_limit(&command->places->slots, UINT_MAX, 0);
	for (command = command_first(); command != NULL; command = command_next(command))
		slots_limit(&command->places->slots, (unsigned)command->max_running,
			    (unsigned)command->max_waiting);
}

/* All is in force before any run that waits has its turn. Only runs of the generation before wait,
 * so only the places of its commands are served. */
void commands_use(struct settings *settings)
{
	struct settings *old = commands;
	struct command *command;

	commands_take(settings);
	places_limit(old);
	for (command = command_first_of(old); command != NULL; command = command_next(command))
		slots_serve(&command->places->slots);
	commands_free(old);
}
