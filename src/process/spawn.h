/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_SPAWN_H
#define PROCESS_SPAWN_H
/*
 * Start a program, as posix_spawn(3) does, at a cost that does not grow with the descriptors that
 * are open. A copy of 10,000 of them for a child that closes all but three takes several times as
 * long as all the rest: here the child begins with the daemon's own table, CLONE_FILES, and leaves
 * it with CLOSE_RANGE_UNSHARE, which copies only what is below a limit, close_range(2). What the
 * child needs is brought there, to descriptors that are held for this since the start.
 */
#include <sys/types.h>

#include "process/job.h"

/* Call early, when low descriptors are free. Returns 0, or -1 with errno. */
int spawn_open(void);
void spawn_close(void);

/* Run spec as the leader of a process group of its own, with no signal blocked or ignored, and
 * ends as its stdout and stderr. Returns 0 with *pidfd, the caller's; or -1 with errno and *step,
 * and there is no process. */
int spawn(const struct job_spec *spec, const int ends[2], pid_t *pid, int *pidfd,
	  enum job_step *step) __attribute__((warn_unused_result));

#endif
