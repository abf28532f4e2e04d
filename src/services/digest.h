/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_DIGEST_H
#define SERVICES_DIGEST_H
/* SHA-256 of an open file: a child's work, coreutils' sha256sum, a few at a time. What has not
 * changed since is remembered. */
#include <sys/stat.h>

#include "net/conn.h"

/* Answer with the digest, now or later. Takes fd, whose fstat(2) st is. Returns 0, or -1. */
int digest_reply(const struct call *call, int fd, const struct stat *st);

/* At most max at one time. */
void digest_use(unsigned max);

#endif
