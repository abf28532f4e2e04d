/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_JOB_H
#define PROCESS_JOB_H
/*
 * A running child process, the leader of a process group of its own. It inherits nothing but
 * descriptors 0, 1, 2 and what its spec says. It has ended when the leader has been reaped, the
 * rest of the group killed, and what was in its pipes by then delivered; a descendant that left
 * the group cannot delay that. Embedded in its owner's struct, as its watches and its deadline
 * are: nothing is allocated for it.
 */
#include "core/loop.h"
#include "process/spawn.h"

enum job_stream {
	JOB_STDOUT,
	JOB_STDERR,
};

struct job;

struct job_ops {
	/* Output as it comes, at most 64 KiB at a time. data borrows. */
	void (*output)(struct job *job, enum job_stream stream, const char *data, size_t len);
	/* After a job_write() that took less than all: it may take more now. NULL: nobody writes.
	 */
	void (*writable)(struct job *job);
	/* Nothing of it runs any more; output may still come. NULL: nobody asks. */
	void (*exited)(struct job *job);
	/* The last that is heard of it; the owner may free it here. Never called from within a
	 * function of this header but jobs_kill(). */
	void (*ended)(struct job *job);
};

struct job_pipe {
	struct watch watch; /* owns watch.fd; -1: closed */
	int64_t left;       /* bytes still to deliver; without a bound while the leader runs */
};

struct job {
	const struct job_ops *ops; /* static */
	LIST_ENTRY(job) entry;
	pid_t pid;                /* of the leader, and of its group */
	struct watch exit;        /* owns exit.fd, a pidfd */
	struct job_pipe pipes[2]; /* by enum job_stream */
	struct watch input;       /* owns input.fd, of its stdin; -1: it takes none */
	struct deadline deadline; /* the timeout, then the grace between TERM and KILL */
	bool running;             /* the leader is not reaped yet, the pid is its own */
	bool timed_out;
	enum spawn_step step; /* where the start failed */
	int exit_status;      /* 0 .. 255; -1: it did not exit */
	int signal;           /* that ended it; 0: none */
	int64_t started_ms, duration_ms;
};

/* Call before any other, and while low descriptors are free, as spawn.h explains; SIGCHLD is no
 * longer ignored then, SIGPIPE is. Returns 0, or -1 with errno. */
int jobs_init(struct loop *loop);

/* KILL each job's group and let go of it: it has ended. For when the daemon does: init reaps them.
 */
void jobs_kill(void);

/* Make timeouts a queue for job_start(): TERM after timeout_ms (0: never), KILL after the grace. */
void job_timeouts_init(struct deadline_queue *timeouts, int64_t timeout_ms);

/* Run spec. timeouts must outlive the job. Returns 0; or -1 with errno and job->step, and nothing
 * is running or left behind. */
int job_start(struct job *job, const struct spawn_spec *spec, struct deadline_queue *timeouts,
	      const struct job_ops *ops) __attribute__((warn_unused_result));

/* Stop reading its output: it blocks when a pipe is full. A job with output does not end before
 * job_resume(), its timeout goes on. */
void job_pause(struct job *job);
void job_resume(struct job *job);

/* Give it input. Returns how many bytes it took, with writable() to come where these are not all of
 * them; or -1 where it takes no more: it has closed its stdin, or nothing of it runs. */
ssize_t job_write(struct job *job, const void *data, size_t len)
	__attribute__((warn_unused_result));
/* That was all of its input. */
void job_end_input(struct job *job);
/* Whether it may still take some; one that was started as piped. */
static inline bool job_takes_input(const struct job *job)
{
	return job->input.fd >= 0;
}

/* TERM to the group, KILL after a grace of 2 s. It ends as any other. */
void job_stop(struct job *job);

#endif
