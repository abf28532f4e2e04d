/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_SCAN_H
#define SERVICES_SCAN_H
/*
 * SCAN: names in a folder, some at a time. The cursor is a place in the order of listing.h, and the
 * end of an epoch of kept.h, so a scan gives each name that is there throughout exactly once, on
 * any file system, for any client at any time. A request for which no listing is kept reads the
 * whole folder, for a bounded time each turn; the names that it found and did not give are kept for
 * the next request.
 */
#include "services/beneath.h"

/* Answer a call of SCAN, now or in a task. root: NULL where nothing is served. Returns 0, or -1
 * with ENOMEM. */
int scan_reply(const struct call *call, struct beneath *root) __attribute__((warn_unused_result));

/* The daemon ends; nobody scans. */
void scan_stop(void);

#endif
