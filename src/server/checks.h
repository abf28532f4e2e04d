/* SPDX-License-Identifier: MIT */
#ifndef SERVER_CHECKS_H
#define SERVER_CHECKS_H
/* What listeners, protocols and services must have to go together; struct settings_schema. */
#include "config/settings.h"

/* What is right of a listener gets its wire, service, offers and specs. */
void settings_check(struct settings *s);

void settings_warn(struct settings *s);

#endif
