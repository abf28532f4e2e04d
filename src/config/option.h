/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H
/*
 * Typed settings by table: "key = text" becomes a field of a struct. A key is one line
 *	OPT(name, type, default, range, flags, help)
 * of a .def file, which makes the field (opt_TYPE name) and the table entry. A type of a word has a
 * list of those it may be, each a line
 *	WORD(CONSTANT, "word")
 * of which OPTION_CONSTANT makes the constant, of an enum, and OPTION_WORDS what is parsed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/reason.h"

#define OPTION_FIELD_MAX 32 /* bytes */

struct option_def;

struct option_word {
	int value;
	const char *text; /* NULL ends a list */
};

struct option_type {
	const char *name;
	/* Parse text into *field. Returns 0, or -1 with the reason. */
	int (*parse)(const struct option_def *def, const char *text, void *field,
		     struct reason *reason);
	void (*free)(void *field); /* NULL: nothing to free */
	size_t size;               /* of a field that is freed; at most OPTION_FIELD_MAX */
	bool words; /* quotes keep its words together; those of other types are around the text */
	const struct option_word *choices; /* of a word; NULL: it is none */
};

enum {
	OPTION_REQUIRED = 1, /* has no default */
	OPTION_RESTART = 2,  /* a reload cannot change it */
	OPTION_FOLLOWED = 4, /* names files, whose content a dump holds already */
};

struct option_def {
	const char *name;
	const struct option_type *type;
	size_t offset;
	const char *fallback; /* default, as text */
	const char *range;    /* "MIN..MAX", of a path its bytes at most, or "" */
	unsigned flags;
	const char *help;
};

/* Where a key's value came from, as it is written there; text NULL: not given. */
struct option_source {
	char *text;
	const char *file;
	int line;
	bool wrong; /* what was given, or meant, is an error already */
};

struct option_list {
	char **items;
	uint32_t count;
	bool incomplete; /* memory ran out */
};

/* Keys "PREFIX.name", each with a text. */
struct option_pair {
	char *name;
	char *value; /* without the quotes around it */
	struct option_source from;
};

struct option_map {
	struct option_pair *items;
	size_t count;
	bool incomplete; /* a pair was an error already */
};

typedef bool opt_bool;
typedef int opt_int;
typedef unsigned opt_mode;
typedef size_t opt_size;
typedef int64_t opt_duration; /* milliseconds */
typedef char *opt_text;
typedef char *opt_path;  /* absolute; the range is its bytes at most, or what the kernel takes */
typedef char *opt_words; /* with its quotes, for option_split() */
typedef struct option_list opt_list;
typedef struct option_map opt_map;

extern const struct option_type option_bool, option_int, option_mode, option_size, option_duration,
	option_text, option_path, option_words, option_list, option_map;

#define OPTION_CONSTANT(constant, text) constant,
#define OPTION_CHOICE(constant, text) {constant, text},

/* The type option_NAME, of the words of LIST(WORD), for the file that has this line. Its field
 * holds the constant of a word: opt_NAME is an enum, or int. */
#define OPTION_WORDS(name_, list)                                                \
	static const struct option_type option_##name_ = {                       \
		.name = "word",                                                  \
		.parse = option_word_parse,                                      \
		.choices = (const struct option_word[]){list(OPTION_CHOICE){0}}, \
	}

/* "a|b|c" */
#define OPTION_CHOICES_MAX 128 /* bytes */
void option_choices_print(const struct option_type *type, char text[OPTION_CHOICES_MAX]);

/* As the type has it: the constant of a word becomes an int, or an enum. */
int option_word_parse(const struct option_def *def, const char *text, void *field,
		      struct reason *reason);

/* The rest of a table entry after its type: OPT() pastes the type itself, because "bool" is a
 * macro and would not survive being handed on. */
#define OPTION_REST(fallback_, range_, flags_, help_) \
	.fallback = fallback_, .range = range_, .flags = flags_, .help = help_

/* Give conf's field its value. Returns 0, or -1 with the reason and the field as it was. */
int option_set(const struct option_def *def, void *conf, const char *text, struct reason *reason)
	__attribute__((warn_unused_result));

void option_free(const struct option_def *defs, size_t count, void *conf);

/* What a list with commas is met with. */
#define OPTION_COMMAS "blanks stand between items, no commas"

/* A text without the quotes around it, in memory of its own. Returns NULL with the reason. */
char *option_unquote(const char *text, struct reason *reason);
/* Words of text between blanks; quotes keep together what is between them, and go. Returns 0, or
 * -1 with the reason and an empty list. */
int option_split(struct option_list *list, const char *text, struct reason *reason)
	__attribute__((warn_unused_result));
/* The same for items of a list: one at least, and no commas between them. */
int option_items(struct option_list *list, const char *text, struct reason *reason)
	__attribute__((warn_unused_result));
/* Takes item; NULL counts as memory that ran out. Returns 0, or -1 with ENOMEM. */
int option_list_add(struct option_list *list, char *item);
void option_list_free(struct option_list *list);

/* Returns NULL where there is none of that name. */
const struct option_pair *option_map_find(const struct option_map *map, const char *name);
/* Add a pair; where it comes from is copied but for the file, borrowed. Returns 0, or -1 with the
 * reason. */
int option_map_add(struct option_map *map, const char *name, const struct option_source *from,
		   struct reason *reason) __attribute__((warn_unused_result));

#endif
