/* SPDX-License-Identifier: MIT */
#ifndef SETTINGS_H
#define SETTINGS_H
/*
 * The configuration: INI files, read with inih, as sections. It is whole or it is not there: a
 * file with an error gives none, and all its errors. Reading it opens no socket.
 */
#include <stdio.h>

#include "core/index.h"
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

struct settings_file { /* owns both */
	char *path;
	char *text; /* not terminated */
	size_t len;
};

struct settings_files {
	struct settings_file *items;
	size_t count;
	size_t bytes; /* of all texts */
};

struct settings {
	struct daemon_conf *daemon;   /* in sections too */
	struct section_list sections; /* as read; who uses one takes it out */
	struct index by_name;         /* the sections there were, by what is between the brackets */
	struct settings_files files;  /* in the order of reading */
	struct option_list errors;    /* "FILE:LINE: key: reason" */
};

#define SETTINGS_BYTES_MAX (4 << 20) /* of all files */

/* Read path and what it includes. Returns the settings, with errors.count > 0 if they must not be
 * used; or NULL with ENOMEM. Users and groups are asked for, which blocks (net/names.h). */
struct settings *settings_load(const char *path);

/* The same of files that somebody else has read, path first, and taken here; errors are those of
 * that reading, taken too. */
struct settings *settings_parse(struct settings_files *files, struct option_list *errors);
void settings_free(struct settings *settings);

/* Takes text. Returns 0, or -1 with ENOMEM. */
int settings_files_add(struct settings_files *files, const char *path, char *text, size_t len)
	__attribute__((warn_unused_result));
void settings_files_free(struct settings_files *files);

/* Leave so many errors that a log can take them, and say how many more there are. */
void settings_errors_shorten(struct option_list *errors);

/* The listener after conf, or the first; NULL: none. */
struct listener_conf *settings_listener(const struct settings *settings,
					const struct listener_conf *conf);

/* Write the effective settings, defaults included, as an INI file. */
void settings_dump(const struct settings *settings, FILE *to);

#endif
