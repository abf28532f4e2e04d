/* SPDX-License-Identifier: MIT */
#ifndef SETTINGS_H
#define SETTINGS_H
/*
 * The configuration: INI files, read with inih, as sections. It is whole or it is not there: a
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
	struct section section;
#define OPT(key, type, ...) opt_##type key;
#include "daemon.def"
#undef OPT
};

struct settings {
	struct daemon_conf *daemon;   /* in sections too */
	struct section_list sections; /* as read; who uses one takes it out */
	struct option_list files;     /* that were read */
	struct option_list errors;    /* "FILE:LINE: key: reason" */
	struct option_list warnings;  /* "FILE:LINE: key: warning: reason"; without errors only */
};

/* Read path. Returns the settings, with errors.count > 0 if they must not be used; or NULL with
 * ENOMEM. */
struct settings *settings_load(const char *path);
void settings_free(struct settings *settings);

/* The listener after conf, or the first; NULL: none. */
struct listener_conf *settings_listener(const struct settings *settings,
					const struct listener_conf *conf);

/* Write the effective settings, defaults included, as an INI file. */
void settings_dump(const struct settings *settings, FILE *to);

#endif
