/* SPDX-License-Identifier: MIT */
#ifndef SETTINGS_READ_H
#define SETTINGS_READ_H
/* The files of a configuration: the first, and those that it includes, each once. */
#include "settings.h"

/* Read path, or standard input where that is "-", and what it includes, into s. */
void settings_read(struct settings *s, const char *path);

#endif
