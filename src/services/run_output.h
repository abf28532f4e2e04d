/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_RUN_OUTPUT_H
#define SERVICES_RUN_OUTPUT_H
/*
 * What a caller is told of a command that runs: its output, and how it ended. All of it at the end,
 * in pairs of a name and a value; or output as it comes, a list for each piece, and the end as the
 * last one. All zeros but whole, nothing has been said.
 */
#include "net/call.h"
#include "process/job.h"

struct run_output {
	bool whole;         /* all of it is said at the end */
	bool begun;         /* the first byte of its end has been said; whole only */
	bool truncated;     /* there was more than is kept; whole only */
	bool failed;        /* there was no memory to say some of it */
	struct buf kept[2]; /* by enum job_stream; whole only */
};

/* Of one that is whole: keep max bytes of a stream and no more. */
void run_output_keep(struct run_output *out, enum job_stream stream, const char *data, size_t len,
		     size_t max);
/* Of one that is not: say this piece. */
void run_output_say(struct run_output *out, const struct call *call, enum job_stream stream,
		    const char *data, size_t len);

/* Of one that is whole: say the first byte of its end, whatever that will be but an error. */
void run_output_begin(struct run_output *out, const struct call *call);
/* Say how job has ended. Returns 0, or -1 with ENOMEM. */
int run_output_end(struct run_output *out, const struct call *call, const struct job *job)
	__attribute__((warn_unused_result));

/* Of one that is whole and has not ended: say what was kept, and keep it no longer. Returns 0, or
 * -1 with ENOMEM. */
int run_output_so_far(struct run_output *out, const struct call *call)
	__attribute__((warn_unused_result));

void run_output_free(struct run_output *out);

#endif
