/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_STARTED_H
#define SERVICES_STARTED_H
/*
 * A run that START begins and NEWS asks about, for callers who take one reply for each request. It
 * belongs to its connection, and its output is kept until it is asked for: while a caller takes its
 * time no more of it is read.
 */
#include "services/run.h"

/* START. */
int started_start(const struct call *call);
/* NEWS. */
int started_news(const struct call *call);
/* The daemon ends. */
void started_stop(void);

#endif
