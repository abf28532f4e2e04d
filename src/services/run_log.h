/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_RUN_LOG_H
#define SERVICES_RUN_LOG_H
/* What the log says of a run, and what has to be remembered for that. */
#include "net/peer.h"
#include "process/job.h"

#define RUN_LOG_ARGS_MAX 512 /* bytes */

struct run_log {
	const char *command;         /* borrowed */
	struct peer peer;            /* who asked for it */
	uint64_t bytes[2];           /* of output, by enum job_stream */
	char args[RUN_LOG_ARGS_MAX]; /* words that a NUL ends, as far as they fit */
	size_t args_size;
};

/* Remember the arguments, which NULL ends. */
void run_log_args(struct run_log *l, char *const *args);

/* It has ended. */
void run_log_job(const struct run_log *l, const struct job *job);
/* There was no job. */
void run_log_not_run(const struct run_log *l, const char *reason);
void run_log_too_much_input(const struct run_log *l, size_t max_input);

#endif
