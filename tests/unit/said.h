/* SPDX-License-Identifier: MIT */
/* What is said on standard error meanwhile. After cmocka.h, whose own words would be lost there:
 * nothing is asserted between the two. */
#ifndef UNIT_SAID_H
#define UNIT_SAID_H

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char said[1 << 16]; /* as much as a pipe holds, with a NUL */
static int said_from, said_before;

static inline void said_begin(void)
{
	int fds[2];

	said_before = dup(STDERR_FILENO);
	if (said_before < 0 || pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0 ||
	    dup2(fds[1], STDERR_FILENO) < 0)
		abort();
	close(fds[1]);
	said_from = fds[0];
}

static inline const char *said_end(void)
{
	ssize_t len = read(said_from, said, sizeof(said) - 1);

	dup2(said_before, STDERR_FILENO);
	close(said_before);
	close(said_from);
	said[len > 0 ? len : 0] = '\0';
	return said;
}

/* What an expression returns, an int; what it says is in said. */
#define SAYING(expression)                         \
	({                                         \
		said_begin();                      \
		const int said_got = (expression); \
		said_end();                        \
		said_got;                          \
	})

#endif
