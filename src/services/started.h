/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_STARTED_H
#define SERVICES_STARTED_H
/*
 * A run that START begins and NEWS asks about, for callers that take one reply for each request.
 * Such a run belongs to its connection. Its output is kept until the caller asks for it; when much
 * is kept, no more is read from the job.
 */
#include "services/run.h"

/* The verb START. */
int started_start(const struct call *call);
/* The verb NEWS. */
int started_news(const struct call *call);
/* The daemon ends: let go of all. */
void started_stop(void);

#endif
