/* SPDX-License-Identifier: MIT */
#include "services/run_input.h"

#include <errno.h>

void run_input_write(struct run_input *in, struct job *job)
{
	size_t len = buf_len(&in->waiting);
	ssize_t taken = len > 0 ? job_write(job, buf_data(&in->waiting), len) : 0;

	buf_consume(&in->waiting, taken >= 0 ? (size_t)taken : len);
	if (buf_len(&in->waiting) == 0)
		buf_free(&in->waiting);
}

/* Returns 0, or -1 with ENOMEM. */
static int slice_give(struct run_input *in, struct job *job, const struct slice *data)
{
	ssize_t taken = 0;

	if (!run_input_waits(in))
		taken = job_write(job, data->data, data->len);
	if (taken < 0)
		return 0;
	return buf_add(&in->waiting, data->data + taken, data->len - (size_t)taken);
}

int run_input_give(struct run_input *in, struct job *job, const struct slice *data, size_t count,
		   size_t max)
{
	size_t len = slices_len(data, count);

	if (len > max - in->bytes) {
		errno = EMSGSIZE;
		return -1;
	}
	in->bytes += len;
	for (size_t i = 0; i < count; i++)
		if (slice_give(in, job, &data[i]) < 0)
			return -1;
	return 0;
}

void run_input_free(struct run_input *in)
{
	buf_free(&in->waiting);
}
