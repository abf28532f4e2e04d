/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H
/*
 * Typed settings by table: "key = text" becomes a field of a struct. A key is one line
 *	OPT(name, type, default, range, flags, help)
 * of a .def file, which makes the field (opt_TYPE name) and the table entry. A type whose values
 * are one of some words has a list of these, each a line
 *	WORD(CONSTANT, "word")
 * of which OPTION_CONSTANT makes the constant of an enum, and OPTION_WORDS the parser's table.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/reason.h"

#define OPTION_FIELD_MAX 32 /* bytes */

struct option_def;

struct option_word {
	int value;        /* the constant */
	const char *text; /* NULL ends a list */
};

struct option_type {
	const char *name;
	/* Parse text into *field, of def's key. Returns 0, or -1 with the reason. */
	int (*parse)(const struct option_def *def, const char *text, void *field,
		     struct reason *reason);
	void (*free)(void *field); /* NULL: nothing to free */
	size_t size;               /* of a field that is freed; at most OPTION_FIELD_MAX */
	/* Whether parse() gets the quotes: they keep words of the text together. Without this,
	 * quotes may stand around the whole text, and are taken off before. */
	bool words;
	const struct option_word *choices; /* of one of some words; NULL: another type */
};

/* What is said of a key. */
enum {
	OPTION_REQUIRED = 1, /* must be given, and has no default */
	OPTION_RESTART = 2,  /* a reload cannot change the value */
	OPTION_FOLLOWED = 4, /* names files, whose content a dump holds already */
};

/* One key. */
struct option_def {
	const char *name;
	const struct option_type *type;
	size_t offset;        /* of the field, in bytes from the beginning of its struct */
	const char *fallback; /* default, as text; NULL: none */
	const char *range;    /* "MIN..MAX"; of a path, how many bytes at most; or "" */
	unsigned flags;       /* OPTION_REQUIRED, ... */
	const char *help;     /* one line, for people */
};

/* Where the value of a key comes from. */
struct option_source {
	char *text; /* as it is written, owned; NULL: the key is not given */
	const char *file;
	int line;
	bool wrong; /* an error is noted for the key: do not judge it, or miss it, as well */
};

struct option_list {
	char **items; /* owned, and each item */
	uint32_t count;
	bool incomplete; /* memory ran out: an item is missing */
};

/* One key "PREFIX.name" of a map. */
struct option_pair {
	char *name;
	char *value; /* the text, without quotes around it */
	struct option_source from;
};

struct option_map {
	struct option_pair *items; /* owned */
	size_t count;
	bool incomplete; /* a pair that was an error is missing */
};

typedef bool opt_bool;
typedef int opt_int;
typedef unsigned opt_mode;
typedef size_t opt_size;
typedef int64_t opt_duration; /* milliseconds */
typedef char *opt_text;
typedef char *opt_path;  /* absolute; of the bytes that the range allows, or else the kernel */
typedef char *opt_words; /* the text with its quotes, for option_split() */
typedef struct option_list opt_list;
typedef struct option_map opt_map;

extern const struct option_type option_bool, option_int, option_mode, option_size, option_duration,
	option_text, option_path, option_words, option_list, option_map;

#define OPTION_CONSTANT(constant, text) constant,
#define OPTION_CHOICE(constant, text) {constant, text},

/* Define the type option_NAME, whose values are the words of LIST(WORD), for the file that has this
 * line. A field holds the constant of a word: opt_NAME is an enum, or int. */
#define OPTION_WORDS(name_, list)                                                \
	static const struct option_type option_##name_ = {                       \
		.name = "word",                                                  \
		.parse = option_word_parse,                                      \
		.choices = (const struct option_word[]){list(OPTION_CHOICE){0}}, \
	}

/* Write the words of a type: "a|b|c". */
#define OPTION_CHOICES_MAX 128 /* bytes */
void option_choices_print(const struct option_type *type, char text[OPTION_CHOICES_MAX]);

/* The parse() of a type that OPTION_WORDS has defined: *field, an int or an enum, becomes the
 * constant of the word. */
int option_word_parse(const struct option_def *def, const char *text, void *field,
		      struct reason *reason);

/* The rest of a table entry after its type: OPT() pastes the type itself, because "bool" is a
 * macro and would not survive being handed on. */
#define OPTION_REST(fallback_, range_, flags_, help_) \
	.fallback = fallback_, .range = range_, .flags = flags_, .help = help_

/* Set the field of a key in conf to what text means. Returns 0, or -1 with the reason and the field
 * as it was. */
int option_set(const struct option_def *def, void *conf, const char *text, struct reason *reason)
	__attribute__((warn_unused_result));

/* Free what the fields of count keys hold in conf. */
void option_free(const struct option_def *defs, size_t count, void *conf);

/* The advice where somebody has written a list with commas. */
#define OPTION_COMMAS "blanks stand between items, no commas"

/* Take the quotes off that stand around a text, if any. Returns a copy, for free(), or NULL with
 * the reason. */
char *option_unquote(const char *text, struct reason *reason);
/* Split text at blanks, but not between quotes, which are taken off. Returns 0, or -1 with the
 * reason and an empty list. */
int option_split(struct option_list *list, const char *text, struct reason *reason)
	__attribute__((warn_unused_result));
/* As option_split(), for a value that is a list: one item at least, and no commas between items. */
int option_items(struct option_list *list, const char *text, struct reason *reason)
	__attribute__((warn_unused_result));
/* Add item, from malloc(3), which is taken; NULL counts as memory that ran out. Returns 0, or -1
 * with ENOMEM and the list incomplete. */
int option_list_add(struct option_list *list, char *item);
/* Free all items; the list is empty then. */
void option_list_free(struct option_list *list);

/* Returns the pair of that name, or NULL. */
const struct option_pair *option_map_find(const struct option_map *map, const char *name);
/* Add a pair, whose value is from->text; name and *from are copied, but from->file is borrowed.
 * Returns 0, or -1 with the reason. */
int option_map_add(struct option_map *map, const char *name, const struct option_source *from,
		   struct reason *reason) __attribute__((warn_unused_result));

#endif
