/* SPDX-License-Identifier: MIT */
#ifndef SERVER_CHECKS_H
#define SERVER_CHECKS_H
/* What listeners, protocols and services must have to go together. */
#include "config/settings.h"

/* As struct settings_schema has check and warn. Each listener whose keys are right gets its wire,
 * service, offers and specs. */
void settings_check(struct settings *s);
void settings_warn(struct settings *s);

#endif
