/* SPDX-License-Identifier: MIT */
#ifndef CORE_CLOSE_FROM_H
#define CORE_CLOSE_FROM_H
/* close_range(2) by its number: glibc has the function from 2.34 on, and a SYS_ name of only those
 * calls that its release knew. */
#include <linux/close_range.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Close all descriptors from fd on. flags: CLOSE_RANGE_UNSHARE, or 0. Returns 0, or -1 with errno.
 */
static inline int close_from(int fd, unsigned flags)
{
	return (int)syscall(__NR_close_range, (unsigned)fd, ~0U, flags);
}

#endif
