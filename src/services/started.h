/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_STARTED_H
#define SERVICES_STARTED_H
/*
 * A run that START begins and NEWS asks about, for callers who take one reply for each request. It
 * belongs to its connection, and its output is kept until it is asked for: while a caller takes its
 * time no more of it is read.
 */
#include "services/run.h"

/* Whether the caller has as many already as it may. */
bool started_is_refused(const struct call *call);
/* Answer the START of a run that waits, runs or has failed to. Takes run. Returns as a verb does.
 */
int started_say(const struct call *call, struct run *run);
/* Keep output. */
void started_keep(struct run *run, enum job_stream stream, const char *data, size_t len);
/* NEWS. */
int started_news(const struct call *call);
/* The daemon ends. */
void started_stop(void);

#endif
