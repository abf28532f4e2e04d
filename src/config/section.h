/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_SECTION_H
#define CONFIG_SECTION_H
/*
 * A section of the configuration, [WORD] or [WORD NAME]: a struct of settings that begins with a
 * struct section, filled through the table of keys of its kind. Errors of a file are collected as
 * lines "FILE:LINE: key: reason".
 */
#include <bsd/sys/queue.h>

#include "config/option.h"

struct section;
struct settings;

struct section_kind {
	const char *word;
	const char *name; /* the NAME that it must have; "": none; NULL: any */
	const struct option_def *options;
	size_t count; /* of options */
	size_t size;  /* of the struct that begins with struct section */
	/* Add errors of values that only make sense together, once all of the section has been
	 * read. NULL: none. */
	void (*check)(struct section *s, struct option_list *errors);
	/* Add warnings of values that this process will not get from the system as it is now, or
	 * that may not mean what they seem to; also where there are errors. Changes nothing; but
	 * the system may take its time over a look, so a reload has a child call this. NULL: none.
	 */
	void (*warn)(struct section *s, struct option_list *warnings);
	/* Free what the struct holds beside its options, also where those could not all be set.
	 * NULL: nothing. */
	void (*free)(struct section *s);
};

#define SECTION_TITLE_MAX 80 /* bytes */

struct section {
	TAILQ_ENTRY(section) entry;
	const struct section_kind *kind;
	struct settings *settings;  /* the owner; whoever uses a section holds a reference there */
	struct option_source *from; /* where the values come from, kind->count of them */
	char *name;                 /* owned; "": none */
	const char *file;           /* with the title; borrowed */
	int line;                   /* of the title; 0: there is none, all values are defaults */
	bool again; /* a title that was there before, which is an error; only its keys are checked
		     */
};

TAILQ_HEAD(section_list, section);

/* Make a section of a kind, with all defaults; name is copied. Returns NULL with ENOMEM. */
struct section *section_new(const struct section_kind *kind, const char *name);
/* NULL: nothing to do. */
void section_free(struct section *s);
void sections_free(struct section_list *list);

/* Write how sections of a kind are titled: "[WORD NAME]". */
void section_title(const struct section_kind *kind, char title[SECTION_TITLE_MAX]);

/* The field of a key, by its number; what is there is of the key's type. */
void *section_field(const struct section *s, size_t key);

/* The text of a value, as configured or by default; NULL: neither. */
const char *section_text(const struct section *s, size_t key);

/* The first section of a kind in the list of s, from s on; NULL: none. */
struct section *section_of(struct section *s, const struct section_kind *kind);

/* Add "FILE:LINE: reason"; line 0: "FILE: reason". */
void error_add(struct option_list *errors, const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Add "FILE:LINE: key: KIND reason", at the line of a key, or of the title where the key is not
 * given.
 */
void section_line(struct option_list *list, const struct section *s, size_t key, const char *kind,
		  const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Add an error: the configuration cannot be used. */
#define section_error(errors, s, key, ...) section_line(errors, s, key, "", __VA_ARGS__)
/* Add a warning: the configuration can be used, but may not do what was meant. */
#define section_warning(warnings, s, key, ...) \
	section_line(warnings, s, key, "warning: ", __VA_ARGS__)

#endif
