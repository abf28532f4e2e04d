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
#include <stdbool.h>
#include <sys/types.h>

struct spawn_spec {        /* borrowed */
	char *const *argv; /* argv[0] is an absolute path; there is no shell */
	char *const *envp; /* the whole environment */
	const char *cwd;   /* NULL: / */
	int stdin_fd;      /* -1: /dev/null */
	bool piped;        /* its stdin is a pipe instead, see job_write() */
	int nice;          /* added to the daemon's, 0 .. 19, where the system lets it */
};

/* Of a start; what has failed where there is no job. */
enum spawn_step {
	SPAWN_SETUP, /* pipes, the process itself */
	SPAWN_CHDIR, /* to its cwd */
	SPAWN_EXEC,  /* execve(2) */
};

/* Call early, when low descriptors are free. Returns 0, or -1 with errno. */
int spawn_open(void);
void spawn_close(void);

/* Run spec as the leader of a process group of its own, with no signal blocked or ignored, and
 * ends as its stdout and stderr. Returns 0 with *pidfd, the caller's; or -1 with errno and *step,
 * and there is no process. */
int spawn(const struct spawn_spec *spec, const int ends[2], pid_t *pid, int *pidfd,
	  enum spawn_step *step) __attribute__((warn_unused_result));

#endif
