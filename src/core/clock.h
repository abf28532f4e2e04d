/* SPDX-License-Identifier: MIT */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H
/* Time measured within a turn of the loop, where loop_now_ms() stands still. */
#include <stdint.h>
#include <time.h>

/* Nanoseconds of a clock of clock_gettime(2). */
static inline int64_t clock_read_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Nanoseconds of the monotonic clock; as a rule without a system call, vdso(7). */
static inline int64_t clock_ns(void)
{
	return clock_read_ns(CLOCK_MONOTONIC);
}

/* Nanoseconds of processor time that this thread has used; a system call. */
static inline int64_t clock_used_ns(void)
{
	return clock_read_ns(CLOCK_THREAD_CPUTIME_ID);
}

#endif
