/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_TEMPLATE_H
#define SERVICES_TEMPLATE_H
/*
 * The argv of a command: words of the configuration with places for arguments that a caller gives.
 * Words are split as systemd splits ExecStart=: blanks separate, quotes group, nothing expands.
 * {NAME} stands for the argument NAME, as a word of its own or as part of one: an argument never
 * becomes two words, and there is no shell that could see it.
 */
#include "config/section.h"
#include "services/parameter.h"
#include "wire/protocol.h"

struct template
{
	struct option_list words;     /* as configured, with their places */
	struct parameter *parameters; /* in the order of the configuration, as callers give them */
	size_t count;                 /* of parameters */
};

/* Make a template of exec (NULL: an error is noted already) and the types of its parameters, which
 * are borrowed. An error of exec is added at exec_key of s, which is noted as wrong; an error of a
 * type at the line of that. template_free() is due in any case. */
void template_parse(struct template *t, const struct section *s, size_t exec_key, const char *exec,
		    const struct option_map *types, struct option_list *errors);
void template_free(struct template *t);

/* The argv for values[0, t->count): one allocation, for free(). Returns NULL with the reason,
 * for the caller; errno is ETIME where a match was given up, which an administrator should hear of.
 */
char **template_fill(const struct template *t, const struct slice *values, struct reason *reason);

#endif
