/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_INCLUDE_H
#define CONFIG_INCLUDE_H
/* The files of a configuration: the first, and those that it includes, each once. */
#include "config/settings.h"

/* Read path, or standard input where that is "-", and what it includes, into s. */
void settings_read(struct settings *s, const char *path);

#endif
