/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_RUN_H
#define SERVICES_RUN_H
/*
 * One execution of a [command] for one caller: it waits for a place, starts, says what it has to
 * say and ends. Who has to wait is judged anew when its turn comes, by the configuration of then.
 */
#include "net/conn.h"

enum run_kind {
	RUN_WHOLE,  /* all that is said is said at the end */
	RUN_STREAM, /* output as it comes */
	RUN_PIPE,   /* and input, as the caller sends it */
};

/* Answer c, which asks for words: the name of a command and its arguments. Returns as a verb
 * does. */
int run_begin(struct conn *c, const struct slice *words, size_t count, enum run_kind kind);

#endif
