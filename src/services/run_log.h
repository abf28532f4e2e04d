/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_RUN_LOG_H
#define SERVICES_RUN_LOG_H
/* What the log says of a run, and what has to be remembered for that until its end. */
#include "net/peer.h"
#include "process/job.h"

#define RUN_LOG_ARGS_MAX 512 /* bytes */

struct run_log {
	const char *command;         /* its name, borrowed */
	struct peer peer;            /* who asked for the run */
	uint64_t bytes[2];           /* of output, by enum job_stream */
	char args[RUN_LOG_ARGS_MAX]; /* as log_words() has them; a last one that is cut lacks its
					NUL */
	size_t args_size;            /* bytes of args */
};

/* Remember the arguments, which NULL ends. */
void run_log_args(struct run_log *l, char *const *args);

/* Log that job has ended. */
void run_log_job(const struct run_log *l, const struct job *job);
/* Log that there was no job, and why. */
void run_log_not_run(const struct run_log *l, const char *reason);
/* Log that the caller has sent more than max_input bytes. */
void run_log_too_much_input(const struct run_log *l, size_t max_input);

#endif
