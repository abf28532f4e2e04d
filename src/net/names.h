/* SPDX-License-Identifier: MIT */
#ifndef NET_NAMES_H
#define NET_NAMES_H
/*
 * What users, groups and hosts are called, and the numbers that stand for them. To ask takes as
 * long as a name server likes, so the daemon asks before it serves only; for a reload, a child asks
 * (server/reading.h), and what it has found is brought here. Answers are kept until names_forget():
 * one reading of the configuration asks for a name once.
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
	char *error; /* why it has no value; NULL: it has */
	void *value;
	size_t size; /* bytes */
};

STAILQ_HEAD(name_list, name);

/* Returns the answer, until names_forget(); from the system where there is none yet. */
const struct name *names_ask(enum name_kind kind, const char *text);

/* Take an answer that somebody else got; error and value are copied. Returns 0, or -1 with ENOMEM.
 */
int names_add(enum name_kind kind, const char *text, const char *error, const void *value,
	      size_t size) __attribute__((warn_unused_result));

/* Ask nobody any more: what has no answer is an error. */
void names_close(void);

/* All answers there are. */
const struct name_list *names_all(void);

/* As at first: no answers, and the system is asked. */
void names_forget(void);

#endif
