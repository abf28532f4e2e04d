/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_INCLUDE_H
#define CONFIG_INCLUDE_H
/* The files of a configuration: the first, and those that it includes, each once. */
#include "config/settings.h"

/* Read path, or standard input where path is "-", and the files that it includes. A pipe is read to
 * its end, and a signal may end the process until then. Returns a reference to the settings, with
 * errors.count > 0 if they must not be used; or NULL with ENOMEM. May block: types of users and
 * groups ask for names. */
struct settings *settings_load(const char *path, const struct settings_schema *schema);
/* As settings_load(), but path is no pipe, the texts of the files are kept, and the warnings are
 * only those of sections, which look at what the system has; reader_warn() adds the others. */
struct settings *settings_load_again(const char *path, const struct settings_schema *schema);

#endif
