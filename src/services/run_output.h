/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_RUN_OUTPUT_H
#define SERVICES_RUN_OUTPUT_H
/*
 * What a caller is told of a command that runs: its output, and how it ended. Either all at the
 * end, as one reply of pairs; or a list for each piece of output as it comes, and a last list that
 * says how it ended. Zeroed but for whole, nothing has been said.
 */
#include "net/call.h"
#include "process/job.h"

struct run_output {
	bool whole;         /* all is said at the end */
	bool begun;         /* if whole: the first byte of the reply has been said */
	bool truncated;     /* if whole: there was more output than is kept */
	bool failed;        /* there was no memory to say some output */
	struct buf kept[2]; /* if whole: output by enum job_stream */
};

/* If whole: keep output of a stream, up to max bytes in all; what is beyond max is dropped. */
void run_output_keep(struct run_output *out, enum job_stream stream, const char *data, size_t len,
		     size_t max);
/* If not whole: say this piece of output. */
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
