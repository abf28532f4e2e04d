/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H
/*
 * The configuration: INI files, read with inih, as sections of the kinds that a schema has. With an
 * error anywhere, none of it may be used, and all errors are told. Each reading is a generation,
 * which owns its sections; whoever uses a section holds a reference to the generation.
 */
#include <stdio.h>
#include <sys/types.h>

#include "config/section.h"
#include "core/index.h"

struct settings;

/* What a configuration may hold. */
struct settings_schema {
	/* The kinds of sections; NULL ends them. Of the first kind, which has no NAME, there is one
	 * section in any case: the root. A key of it with OPTION_FOLLOWED, a list, names further
	 * files. */
	const struct section_kind *const *kinds;
	/* All is read, perhaps with errors: add errors of sections that do not go together. */
	void (*check)(struct settings *s);
	/* After check(): add warnings of what will not work as it is written. */
	void (*warn)(struct settings *s);
};

struct settings_file {
	char *path; /* owned */
	char *text; /* owned, not terminated; only where settings_load_again() has read the file */
	size_t len; /* bytes of text */
	dev_t dev;  /* of the file, where this process has read it */
	ino_t ino;  /* of the file, likewise */
};

struct settings_files {
	struct settings_file *items;
	size_t count;
	size_t bytes; /* of all texts */
};

struct settings {
	const struct settings_schema *schema;
	struct section *root;         /* the section of the first kind; in sections too */
	struct section_list sections; /* in the order of reading; owned */
	struct index by_name;         /* sections, by "WORD NAME"; empty once all is read */
	struct settings_files files;  /* in the order of reading */
	struct option_list errors;    /* "FILE:LINE: key: reason" */
	struct option_list warnings;  /* "FILE:LINE: key: warning: reason" */
	bool pipes; /* the first file may come through a pipe, and no text is kept */
	bool piped; /* the first file did come through a pipe, and cannot be read again */
	unsigned refs;
};

#define SETTINGS_BYTES_MAX (4 << 20) /* of all files */
#define SETTINGS_LINE_MAX 8192       /* bytes of a line, where inih takes so much */

/* Returns a reference to settings without a file yet, or NULL with ENOMEM. */
struct settings *settings_new(const struct settings_schema *schema);
/* Returns s, with one reference more. */
struct settings *settings_ref(struct settings *s);
/* Give a reference back; the last one frees. NULL: nothing to do. */
void settings_unref(struct settings *s);

/* The generation in force, borrowed; NULL: none. */
struct settings *settings_in_force(void);
/* Put s in force: takes the reference, and gives that to the generation before back. NULL: none is
 * in force any more. */
void settings_put_in_force(struct settings *s);

/* Make a section of settings, to be found by key, "WORD NAME". Returns it, borrowed, or NULL with
 * ENOMEM. */
struct section *section_add(struct settings *settings, const struct section_kind *kind,
			    const char *key, const char *name);

/* Leave so many errors that a log can take them, and say how many more there are. */
void settings_errors_shorten(struct option_list *errors);

/* Write the effective settings, defaults included, as one INI file without includes. */
void settings_dump(const struct settings *settings, FILE *to);

#endif
