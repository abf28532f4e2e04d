/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_DIGEST_H
#define SERVICES_DIGEST_H
/* SHA-256 of an open file: a child's work, coreutils' sha256sum, a few at a time. Some digests are
 * remembered, until their file changes. */
#include <sys/stat.h>

#include "net/conn.h"

/* Answer with the digest of fd, now or in a task. Takes fd, whose fstat(2) st is. Returns 0, or -1
 * with ENOMEM. */
int digest_reply(const struct call *call, int fd, const struct stat *st);

/* Make at most max (> 0) digests at one time, from now on. */
void digest_use(unsigned max);

#endif
