/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_SECTION_H
#define CONFIG_SECTION_H
/*
 * A section of the configuration, [WORD] or [WORD NAME]: a struct of settings that begins with a
 * struct section, filled through the option table of its kind. What a file says wrongly is
 * collected as lines "FILE:LINE: key: reason".
 */
#include <bsd/sys/queue.h>

#include "config/option.h"

struct section;
struct settings;

struct section_kind {
	const char *word;
	const char *name; /* the one it must have; "": none; NULL: any */
	const struct option_def *options;
	size_t count;
	size_t size; /* of the struct that begins with struct section */
	/* What of it only makes sense together, when it has been read. NULL: nothing. */
	void (*check)(struct section *s, struct option_list *errors);
	/* What it asks for and this process will not get from the system as it is now, and what
	 * may not mean what it seems to; also where there are errors. It looks, and changes
	 * nothing; as the system may take its time over that, a reload has a child look. NULL:
	 * nothing. */
	void (*warn)(struct section *s, struct option_list *warnings);
	/* What the struct holds beside its options, also where those could not all be set. NULL:
	 * nothing. */
	void (*free)(struct section *s);
};

#define SECTION_TITLE_MAX 80 /* bytes */

struct section {
	TAILQ_ENTRY(section) entry;
	const struct section_kind *kind;
	struct settings *settings;  /* it belongs to them; who uses it holds a reference there */
	struct option_source *from; /* kind->count of them */
	char *name;
	const char *file; /* borrowed */
	int line;         /* of the title; 0: not in the file */
	bool again;       /* there is one of that title before; its keys are looked at, no more */
};

TAILQ_HEAD(section_list, section);

/* The settings of a kind with their defaults. Returns NULL with ENOMEM. */
struct section *section_new(const struct section_kind *kind, const char *name);
void section_free(struct section *s);
void sections_free(struct section_list *list);

/* "[WORD NAME]", as those of a kind are titled. */
void section_title(const struct section_kind *kind, char title[SECTION_TITLE_MAX]);

/* The field of a key, of its type. */
void *section_field(const struct section *s, size_t key);

/* The text of a value as configured or by default; NULL: neither. */
const char *section_text(const struct section *s, size_t key);

/* The next section of a kind from s on; NULL: none. */
struct section *section_of(struct section *s, const struct section_kind *kind);

void error_add(struct option_list *errors, const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* "FILE:LINE: key: KIND reason", at the line of a key, or of the title where the key is not given.
 */
void section_line(struct option_list *list, const struct section *s, size_t key, const char *kind,
		  const char *format, ...) __attribute__((format(printf, 5, 6)));
/* What must not be; */
#define section_error(errors, s, key, ...) section_line(errors, s, key, "", __VA_ARGS__)
/* and what a configuration that can be used says, and may not mean. */
#define section_warning(warnings, s, key, ...) \
	section_line(warnings, s, key, "warning: ", __VA_ARGS__)

#endif
