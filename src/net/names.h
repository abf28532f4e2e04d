/* SPDX-License-Identifier: MIT */
#ifndef NET_NAMES_H
#define NET_NAMES_H
/*
 * What the names of users, groups and hosts stand for. To ask the system takes as long as a name
 * server likes, so the daemon asks only before it serves; for a reload, a child asks
 * (server/reading.h), and its answers are brought here. Answers are kept until names_forget(): one
 * reading of the configuration asks for a name once.
 */
#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stddef.h>

enum name_kind {
	NAME_USER,  /* value: an id_t */
	NAME_GROUP, /* the same */
	NAME_HOST,  /* text: an address as addr_spec_parse() takes it; value: its struct addr[] */
};

struct name {
	STAILQ_ENTRY(name) entry;
	enum name_kind kind;
	char *text;
	char *error; /* why there is no value; NULL: there is one */
	void *value;
	size_t size; /* bytes of value */
};

STAILQ_HEAD(name_list, name);

/* Returns the answer about a name, never NULL, borrowed until names_forget(). The system is asked,
 * which can block, where there is none yet; but not after names_close(). */
const struct name *names_ask(enum name_kind kind, const char *text);

/* Keep an answer: error, or else value[0, size); all is copied. Returns 0, or -1 with ENOMEM. */
int names_add(enum name_kind kind, const char *text, const char *error, const void *value,
	      size_t size) __attribute__((warn_unused_result));

/* Do not ask the system any more: a name without an answer has an error. */
void names_close(void);

/* All answers that are kept, borrowed. */
const struct name_list *names_all(void);

/* Free all answers, and undo names_close(). */
void names_forget(void);

#endif
