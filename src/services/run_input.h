/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_RUN_INPUT_H
#define SERVICES_RUN_INPUT_H
/* The input that a caller gives to a command that runs: it goes to the job at once, and what the
 * job does not take waits. Zeroed, nothing has been given. */
#include "core/buf.h"
#include "core/slice.h"
#include "process/job.h"

struct run_input {
	struct buf waiting; /* that the job has not taken */
	size_t bytes;       /* all that was given, taken or not */
};

/* Whether some input waits. */
static inline bool run_input_waits(const struct run_input *in)
{
	return buf_len(&in->waiting) > 0;
}

/* Give job what waits, or throw it away where nobody takes it. */
void run_input_write(struct run_input *in, struct job *job);

/* Give job the count slices of data, after what waits. Returns 0; or -1 with ENOMEM, or with
 * EMSGSIZE where all that was given would be more than max bytes: job gets none of it then. */
int run_input_give(struct run_input *in, struct job *job, const struct slice *data, size_t count,
		   size_t max) __attribute__((warn_unused_result));

void run_input_free(struct run_input *in);

#endif
