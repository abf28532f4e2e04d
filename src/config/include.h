/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_INCLUDE_H
#define CONFIG_INCLUDE_H
/* The files of a configuration: the first, and those that it includes, each once. */
#include "config/settings.h"

/* Read path, or standard input where that is "-", and what it includes; through a pipe up to its
 * end, and a signal may end the process until then. Returns the settings, with errors.count > 0 if
 * they must not be used; or NULL with ENOMEM. Types of values may ask others, which blocks: those
 * of users and groups do. */
struct settings *settings_load(const char *path, const struct settings_schema *schema);
/* The same of a file that is there to be read again, no pipe; its text is kept. Its warnings are
 * those of its sections, which look at what the system has; the others are for reader_warn(). */
struct settings *settings_load_again(const char *path, const struct settings_schema *schema);

#endif
