/* SPDX-License-Identifier: MIT */
#ifndef SETTINGS_CHECK_H
#define SETTINGS_CHECK_H
/* What listeners, protocols and services must have to go together. */
#include "settings.h"

/* Add what is wrong to s->errors; what is right gets its wire, service, offers and specs. */
void listeners_check(struct settings *s);

/* Add to s->warnings what will not work as it is written, after listeners_check(). */
void settings_warn(struct settings *s);

#endif
