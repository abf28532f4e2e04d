/* SPDX-License-Identifier: MIT */
/* What is said on standard error meanwhile. After cmocka.h, whose own words would be lost there:
 * nothing is asserted between the two. */
#ifndef UNIT_SAID_H
#define UNIT_SAID_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char said[1 << 16]; /* with a NUL */
static int said_to, said_before;

static inline void said_begin(void)
{
	said_to = memfd_create("said", MFD_CLOEXEC);
	said_before = dup(STDERR_FILENO);
	if (said_to < 0 || said_before < 0 || dup2(said_to, STDERR_FILENO) < 0)
		abort();
}

static inline const char *said_end(void)
{
	ssize_t len;

	dup2(said_before, STDERR_FILENO);
	close(said_before);
	len = pread(said_to, said, sizeof(said) - 1, 0);
	close(said_to);
	said[len > 0 ? len : 0] = '\0';
	return said;
}

#endif
