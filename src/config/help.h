/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_HELP_H
#define CONFIG_HELP_H
/* What a configuration may hold, for people. */
#include <stdio.h>

#include "config/settings.h"

/* Print every kind of section of schema with its keys: type, range, default and what each is for;
 * within 80 columns. */
void help_keys(const struct settings_schema *schema, FILE *to);

#endif
