/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_SPAWN_H
#define PROCESS_SPAWN_H
/*
 * Start a program, as posix_spawn(3) does, at a cost that does not grow with the descriptors that
 * are open. A fork copies the table of descriptors, which with 10,000 of them takes several times
 * as long as all the rest. Here the child begins with the daemon's own table (CLONE_FILES), and
 * leaves it with close_range(2) and CLOSE_RANGE_UNSHARE, which copies only descriptors below a
 * limit. What the child needs is placed there beforehand, on descriptors that are reserved at the
 * start.
 */
#include <stdbool.h>
#include <sys/types.h>

struct spawn_spec {        /* borrowed for the call */
	char *const *argv; /* argv[0] is an absolute path; there is no shell */
	char *const *envp; /* the whole environment */
	const char *cwd;   /* NULL: / */
	int stdin_fd;      /* -1: /dev/null */
	bool piped;        /* stdin is a pipe from us instead, see job_write() */
	int nice;          /* added to the daemon's nice value, 0 .. 19, if the system allows */
};

/* The steps of a start, of which one failed where there is no process. */
enum spawn_step {
	SPAWN_SETUP, /* pipes, the process itself */
	SPAWN_CHDIR, /* chdir(2) to cwd */
	SPAWN_EXEC,  /* execve(2) */
};

/* Reserve descriptors; call early, while low ones are free. Returns 0, or -1 with errno. */
int spawn_open(void);
/* Give the descriptors back. */
void spawn_close(void);

/* Run spec as the leader of a process group of its own, with no signal blocked or ignored; ends, by
 * enum job_stream, are borrowed and become its stdout and stderr. Returns 0 with *pid and *pidfd,
 * which is then to be closed; or -1 with errno and *step, and there is no process. */
int spawn(const struct spawn_spec *spec, const int ends[2], pid_t *pid, int *pidfd,
	  enum spawn_step *step) __attribute__((warn_unused_result));

#endif
