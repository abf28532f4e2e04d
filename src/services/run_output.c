/* SPDX-License-Identifier: MIT */
#include "services/run_output.h"

#include "core/signal_name.h"

#define RESULT_PAIRS 7

/* Beyond max, too, output is taken from the job: a full pipe would stop the command. */
void run_output_keep(struct run_output *out, enum job_stream stream, const char *data, size_t len,
		     size_t max)
{
	struct buf *kept = &out->kept[stream];
	size_t room = max - buf_len(kept);

	if (len > room)
		out->truncated = true;
	if (buf_add(kept, data, len < room ? len : room) < 0)
		out->truncated = true;
}

static int piece_say(const struct call *call, enum job_stream stream, const char *data, size_t len)
{
	static const char *const names[] = {"stdout", "stderr"};

	if (say_begin(call, REPLY_PUSH) < 0 || say_end(call, REPLY_PUSH, 2) < 0 ||
	    say_text(call, names[stream]) < 0)
		return -1;
	return say_bytes(call, data, len);
}

void run_output_say(struct run_output *out, const struct call *call, enum job_stream stream,
		    const char *data, size_t len)
{
	if (!out->failed)
		out->failed = piece_say(call, stream, data, len) < 0;
}

void run_output_begin(struct run_output *out, const struct call *call)
{
	out->begun = out->begun || say_begin(call, REPLY_PAIRS) == 0;
}

/* ---- how it ended ---- */

static int named_integer_say(const struct call *call, const char *name, int64_t value)
{
	return say_text(call, name) < 0 ? -1 : say_integer(call, value);
}

static int kept_say(const struct call *call, const char *name, const struct buf *kept)
{
	if (say_text(call, name) < 0)
		return -1;
	return say_bytes(call, buf_data(kept), buf_len(kept));
}

static int nil_say(const struct call *call, const char *name)
{
	return say_text(call, name) < 0 ? -1 : say_nil(call);
}

static int status_say(const struct call *call, const struct job *job)
{
	if (job == NULL)
		return nil_say(call, "exit") < 0 ? -1 : nil_say(call, "signal");
	if (say_text(call, "exit") < 0 ||
	    (job->signal > 0 ? say_nil(call) : say_integer(call, job->exit_status)) < 0 ||
	    say_text(call, "signal") < 0)
		return -1;
	return job->signal > 0 ? say_text(call, signal_text(job->signal)) : say_nil(call);
}

/* The pairs; job NULL: it goes on. */
static int result_say(const struct call *call, struct run_output *out, const struct job *job)
{
	if ((!out->begun && say_begin(call, REPLY_PAIRS) < 0) ||
	    say_end(call, REPLY_PAIRS, RESULT_PAIRS) < 0 || status_say(call, job) < 0 ||
	    named_integer_say(call, "timed_out", job != NULL && job->timed_out) < 0 ||
	    named_integer_say(call, "truncated", out->truncated) < 0 ||
	    kept_say(call, "stdout", &out->kept[JOB_STDOUT]) < 0 ||
	    kept_say(call, "stderr", &out->kept[JOB_STDERR]) < 0)
		return -1;
	return job != NULL ? named_integer_say(call, "duration_ms", job->duration_ms)
			   : nil_say(call, "duration_ms");
}

int run_output_so_far(struct run_output *out, const struct call *call)
{
	if (result_say(call, out, NULL) < 0)
		return -1;
	run_output_free(out);
	return 0;
}

/* The third string is there only where it is so: who looks at two finds them where they were. */
static int last_say(const struct call *call, const struct job *job)
{
	if (say_list(call, job->timed_out ? 3 : 2) < 0)
		return -1;
	if (job->signal > 0) {
		if (say_text(call, "signal") < 0 || say_text(call, signal_text(job->signal)) < 0)
			return -1;
	} else if (named_integer_say(call, "exit", job->exit_status) < 0) {
		return -1;
	}
	return job->timed_out ? say_text(call, "timed_out") : 0;
}

int run_output_end(struct run_output *out, const struct call *call, const struct job *job)
{
	return out->whole ? result_say(call, out, job) : last_say(call, job);
}

void run_output_free(struct run_output *out)
{
	buf_free(&out->kept[JOB_STDOUT]);
	buf_free(&out->kept[JOB_STDERR]);
}
