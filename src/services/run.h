/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_RUN_H
#define SERVICES_RUN_H
/*
 * One execution of a [command] for one caller: a run waits for a place, starts a job, says its
 * output and how it ended. A run that had to wait is judged anew when its turn comes, by the
 * configuration in force then.
 */
#include "net/call.h"

enum run_kind {
	RUN_WHOLE,  /* RUN: all output at the end */
	RUN_STREAM, /* STREAM: output as it comes */
	RUN_PIPE,   /* PIPE: output as it comes, and input, as the caller sends it */
};

/* Answer a call with a run of words[0, count): the name of a command and its arguments. Returns 0,
 * or -1 with ENOMEM. */
int run_begin(const struct call *call, const struct slice *words, size_t count, enum run_kind kind);

#endif
