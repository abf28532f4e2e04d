/* SPDX-License-Identifier: MIT */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H
/* What has to be measured within a turn of the loop. */
#include <stdint.h>
#include <time.h>

static inline int64_t clock_read_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* The monotonic clock. */
static inline int64_t clock_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

/* Processor time of this thread; a system call. */
static inline int64_t clock_used_ns(void)
{
	return clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
}

#endif
