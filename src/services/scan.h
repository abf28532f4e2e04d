/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_SCAN_H
#define SERVICES_SCAN_H
/*
 * SCAN: names in a folder, some at a time. The cursor is a place in the order of listing.h, so a
 * scan gives each name that is there throughout exactly once, on any file system, for any client at
 * any time. Each request that nothing is remembered for reads the whole folder, a bounded time each
 * turn; what it found and did not give is kept for the next.
 */
#include "services/beneath.h"

/* root: NULL where nothing is served. Returns 0, or -1 with ENOMEM. */
int scan_reply(const struct call *call, struct beneath *root) __attribute__((warn_unused_result));

/* The daemon ends; nobody scans. */
void scan_stop(void);

#endif
