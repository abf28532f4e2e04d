/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_RUN_H
#define SERVICES_RUN_H
/*
 * One execution of a [command] for one caller: a run waits for a place, starts a job, says its
 * output and how it ended. A run that had to wait is judged anew when its turn comes, by the
 * configuration in force then.
 */
#include "net/conn.h"
#include "process/job.h"
#include "process/places.h"
#include "services/command.h"
#include "services/run_input.h"
#include "services/run_log.h"
#include "services/run_output.h"

enum run_kind {
	RUN_WHOLE,   /* RUN: all output at the end */
	RUN_STREAM,  /* STREAM: output as it comes */
	RUN_PIPE,    /* PIPE: output as it comes, and input, as the caller sends it */
	RUN_STARTED, /* what has come when the caller asks for it, services/started.h */
};

/*
 * Where a run stands. It goes one way:
 *
 *	RUN_WAITS --- run_start() ---> RUN_RUNS --- run_ended() ---> RUN_ENDED
 *	    |                                                            ^
 *	    +------- run_give_up(): error says why there is no job ------+
 */
enum run_state {
	RUN_WAITS, /* for a place: words has what was asked for */
	RUN_RUNS,  /* there is a job: command has what it runs */
	RUN_ENDED, /* the job has ended, or there was none; the caller may still have to be told */
};

struct run {
	struct task task;
	struct job job;
	struct slot slot;
	struct places *places;   /* a reference */
	struct slice *words;     /* owned; NULL: the run did not have to wait, or waits no more */
	size_t count;            /* of words */
	struct command *command; /* a reference; NULL: no job was started */
	struct conn *c;          /* NULL: the caller has gone */
	enum run_kind kind;
	enum run_state state;
	struct run_output output;
	struct run_input input; /* RUN_PIPE */
	struct run_log log;
	struct reason error; /* "CODE reason" to say in place of how it ended; or "" */
	/* ---- RUN_STARTED, services/started.h ---- */
	void (*heard)(struct run *run, enum job_stream stream, const char *data, size_t len);
	struct companion companion;
	struct deadline deadline; /* of a NEWS that waits */
	uint32_t number;
	bool asked; /* a NEWS is its task */
	bool due;   /* that is to be answered, whatever there is */
};

/* Answer a call with a run of words[0, count): the name of a command and its arguments. Returns 0,
 * or -1 with ENOMEM. */
int run_begin(const struct call *call, const struct slice *words, size_t count, enum run_kind kind);

/* ---- for services/started.c ---- */

/* As run_begin(), but a run that waits, runs, or has failed to run is in *admitted, for the
 * function that called this to answer with; NULL: the call is answered. */
int run_admit(const struct call *call, const struct slice *words, size_t count, enum run_kind kind,
	      struct run **admitted);
/* Say how a run has ended, or why it did not begin. Returns 0, or -1 with ENOMEM. */
int run_say_end(const struct call *call, struct run *run) __attribute__((warn_unused_result));
/* The caller of a run has gone. */
void run_abandon(struct run *run);
/* Free a run that has ended, or never began. */
void run_free(struct run *run);

#endif
