/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_JOB_H
#define PROCESS_JOB_H
/*
 * A running child process, the leader of a process group of its own. The child inherits nothing but
 * descriptors 0, 1, 2 and what its spec says. A job has ended when the leader has been reaped, the
 * rest of the group killed, and what was in its pipes by then delivered; a descendant that left the
 * group cannot delay that. A job is embedded in its owner's struct, with its watches and its
 * deadline: nothing is allocated for it.
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
	/* Nothing of the group runs any more; output may still come. NULL: nobody asks. */
	void (*exited)(struct job *job);
	/* The job has ended, and no function is called after this one: the owner may free job. Of
	 * the functions below, only jobs_kill() calls it. */
	void (*ended)(struct job *job);
};

struct job_pipe {
	struct watch watch; /* owns watch.fd; -1: closed */
	int64_t left;       /* bytes still to deliver; INT64_MAX while the leader runs */
};

struct job {
	const struct job_ops *ops; /* static */
	LIST_ENTRY(job) entry;     /* in the list of jobs that have not ended */
	pid_t pid;                 /* of the leader, and of the group */
	struct watch exit;         /* owns exit.fd, a pidfd; -1: reaped */
	struct job_pipe pipes[2];  /* by enum job_stream */
	struct watch input;        /* owns input.fd, our end of stdin; -1: takes no input */
	struct deadline deadline;  /* the timeout, then the grace between TERM and KILL */
	bool running;              /* the leader is not reaped, so pid is no other process's */
	bool timed_out;            /* its timeout was over before it ended */
	enum spawn_step step;      /* where the start failed */
	int exit_status;           /* of the leader, 0 .. 255; -1: it did not exit */
	int signal;                /* that ended the leader; 0: none */
	int64_t started_ms;        /* of the loop's clock */
	int64_t duration_ms;       /* until the leader was reaped */
};

/* Call before any function below, and while low descriptors are free, as spawn.h explains. From
 * then on SIGCHLD is not ignored, and SIGPIPE is. Returns 0, or -1 with errno. */
int jobs_init(struct loop *loop);

/* End each job at once: KILL its group, call ended(). Leaders are not reaped: the daemon ends, and
 * init reaps them. */
void jobs_kill(void);

/* Make timeouts a queue for job_start(): TERM after timeout_ms (0: never), KILL after the grace. */
void job_timeouts_init(struct deadline_queue *timeouts, int64_t timeout_ms);

/* Run spec. timeouts must outlive the job; ops is static. Returns 0; or -1 with errno and
 * job->step, and no process and no descriptor is left. */
int job_start(struct job *job, const struct spawn_spec *spec, struct deadline_queue *timeouts,
	      const struct job_ops *ops) __attribute__((warn_unused_result));

/* Do not read output, so that the job blocks when a pipe is full; until job_resume(). Before that,
 * a job with output does not end; its timeout goes on. */
void job_pause(struct job *job);
void job_resume(struct job *job);

/* Give a piped job input. Returns how many bytes the pipe took; where these are not all, writable()
 * comes. Or -1 where the job takes no more: it has closed its stdin, or nothing of it runs. */
ssize_t job_write(struct job *job, const void *data, size_t len)
	__attribute__((warn_unused_result));
/* Close stdin: that was all of the input. */
void job_end_input(struct job *job);
/* Whether a piped job may still take input. */
static inline bool job_takes_input(const struct job *job)
{
	return job->input.fd >= 0;
}

/* End a job: TERM to the group, KILL after a grace of 2 s. exited() and ended() come later. */
void job_stop(struct job *job);

#endif
