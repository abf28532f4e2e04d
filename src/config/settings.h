/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H
/*
 * The configuration: INI files, read with inih, as sections of the kinds that a schema has. It is
 * whole or it is not there: a file with an error gives none, and all its errors. Each reading is a
 * generation, which owns its sections; who uses one of them holds a reference to all.
 */
#include <stdio.h>
#include <sys/types.h>

#include "config/section.h"
#include "core/index.h"

struct settings;

/* What a configuration may hold. */
struct settings_schema {
	/* NULL ends them. Of the first, which has no name, there is a section in any case: the
	 * root. Its key with OPTION_FOLLOWED, a list, names further files. */
	const struct section_kind *const *kinds;
	/* Of what has been read, also with errors: what does not go together, an error; */
	void (*check)(struct settings *s);
	/* and, after that, what will not work as it is written, a warning. */
	void (*warn)(struct settings *s);
};

struct settings_file { /* owns both */
	char *path;
	char *text; /* where settings_load_again() has read it; not terminated */
	size_t len;
	dev_t dev; /* of what it has read */
	ino_t ino; /* likewise */
};

struct settings_files {
	struct settings_file *items;
	size_t count;
	size_t bytes; /* of all texts */
};

struct settings {
	const struct settings_schema *schema;
	struct section *root;         /* in sections too */
	struct section_list sections; /* in the order of reading */
	struct index by_name;         /* by what is between the brackets; while they are read */
	struct settings_files files;  /* in the order of reading */
	struct option_list errors;    /* "FILE:LINE: key: reason" */
	struct option_list warnings;  /* "FILE:LINE: key: warning: reason" */
	bool pipes;                   /* the first file may come through one; no text is kept */
	bool piped;                   /* it has, which cannot be done again */
	unsigned refs;
};

#define SETTINGS_BYTES_MAX (4 << 20) /* of all files */
#define SETTINGS_LINE_MAX 8192       /* bytes, where inih takes so much */

/* One without a file yet, or NULL with ENOMEM. */
struct settings *settings_new(const struct settings_schema *schema);
/* What is made has one reference, the maker's; the last one that goes frees it. NULL: nothing. */
struct settings *settings_ref(struct settings *s);
void settings_unref(struct settings *s);

/* The generation in force, borrowed; NULL: none yet. */
struct settings *settings_in_force(void);
/* Takes the reference; that of the generation before goes. NULL: none is in force any more. */
void settings_put_in_force(struct settings *s);

/* Put a new section among the others, to be found by key. Returns NULL with ENOMEM. */
struct section *section_add(struct settings *settings, const struct section_kind *kind,
			    const char *key, const char *name);

/* Leave so many errors that a log can take them, and say how many more there are. */
void settings_errors_shorten(struct option_list *errors);

/* Write the effective settings, defaults included, as an INI file. */
void settings_dump(const struct settings *settings, FILE *to);

#endif
