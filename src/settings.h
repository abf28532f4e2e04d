/* SPDX-License-Identifier: MIT */
#ifndef SETTINGS_H
#define SETTINGS_H
/*
 * The configuration: INI files, read with inih, as structs. It is whole or it is not there: a
 * file with an error gives none, and all its errors. Reading it opens no socket.
 */
#include <stdio.h>

#include "net/listener.h"

enum {
#define OPT(key, ...) DAEMON_KEY_##key,
#include "daemon.def"
#undef OPT
	DAEMON_KEYS
};

struct daemon_conf {
#define OPT(key, type, ...) opt_##type key;
#include "daemon.def"
#undef OPT
	struct option_source from[DAEMON_KEYS];
	int line; /* of the section's title; 0: it has none */
	const char *file;
};

struct settings {
	struct daemon_conf daemon;
	TAILQ_HEAD(, listener_conf) listeners;
	struct option_list files;  /* that were read */
	struct option_list errors; /* "FILE:LINE: key: reason" */
};

extern const struct option_def daemon_options[DAEMON_KEYS];

/* Read path. Returns the settings, with errors.count > 0 if they must not be used; or NULL with
 * ENOMEM. */
struct settings *settings_load(const char *path);
void settings_free(struct settings *settings);

/* Write the effective settings, defaults included, as an INI file. */
void settings_dump(const struct settings *settings, FILE *to);

#endif
