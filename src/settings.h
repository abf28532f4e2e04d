/* SPDX-License-Identifier: MIT */
#ifndef SETTINGS_H
#define SETTINGS_H
/*
 * The configuration: INI files, read with inih, as sections. It is whole or it is not there: a
 * file with an error gives none, and all its errors. Reading it opens no socket.
 */
#include <stdio.h>
#include <sys/resource.h>

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
	char *text; /* where settings_load() has read it; not terminated */
	size_t len;
	dev_t dev; /* of what it has read */
	ino_t ino; /* likewise */
};

struct settings_files {
	struct settings_file *items;
	size_t count;
	size_t bytes; /* of all texts */
};

struct parser { /* where the reading stands */
	struct settings *settings;
	const char *file; /* owned by settings->files */
	const char *rest; /* of what there is of its text, up to end */
	const char *end;
	int line;
	char word[64];           /* the first of the line handed to inih, or what of it fits */
	bool expects_key;        /* that line must come back as a key */
	bool indented;           /* it begins with blanks */
	bool continues;          /* the line before was to go on in this one */
	bool in_section;         /* a title has been seen */
	struct section *section; /* NULL: unknown, its keys are passed over */
};

struct settings {
	struct daemon_conf *daemon;   /* in sections too */
	struct section_list sections; /* as read; who uses one takes it out */
	struct index by_name;         /* the sections there were, by what is between the brackets */
	struct settings_files files;  /* in the order of reading */
	struct option_list errors;    /* "FILE:LINE: key: reason" */
	struct option_list warnings;  /* "FILE:LINE: key: warning: reason" */
	bool pipes;                   /* the first file may come through a pipe */
	bool piped;                   /* it has, which cannot be done again */
	struct parser parser;
};

#define SETTINGS_BYTES_MAX (4 << 20) /* of all files */
#define SETTINGS_LINE_MAX 8192       /* bytes, where inih takes so much */

/* Read path, or standard input where that is "-", and what it includes; through a pipe up to its
 * end, and a signal may end the process until then. Returns the settings, with errors.count > 0 if
 * they must not be used; or NULL with ENOMEM. Users and groups are asked for, which blocks
 * (net/names.h). */
struct settings *settings_load(const char *path);
/* The same of a file that is there to be read again, no pipe. */
struct settings *settings_load_again(const char *path);
void settings_free(struct settings *settings);

/* The same where somebody else reads, piece by piece: none yet, or NULL with ENOMEM; */
struct settings *settings_new(void);
/* a file begins: 0, or -1 with ENOMEM; */
int settings_file(struct settings *s, const char *path) __attribute__((warn_unused_result));
/* more of its text, whole lines; */
void settings_text(struct settings *s, const char *text, size_t len);
/* and that was all: as settings_load(). */
struct settings *settings_end(struct settings *s);

/* Leave so many errors that a log can take them, and say how many more there are. */
void settings_errors_shorten(struct option_list *errors);

/* The listener after conf, or the first; NULL: none. */
struct listener_conf *settings_listener(const struct settings *settings,
					const struct listener_conf *conf);

/* How many clients there can be with so many descriptors; max_clients where they are enough, which
 * those of settings_descriptors() are. */
unsigned settings_clients(const struct settings *settings, rlim_t descriptors);
rlim_t settings_descriptors(const struct settings *settings);

/* Write the effective settings, defaults included, as an INI file. */
void settings_dump(const struct settings *settings, FILE *to);

#endif
