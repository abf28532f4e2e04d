/* SPDX-License-Identifier: MIT */
#include "services/samples.h"

#include "core/stats.h"
#include "net/tally.h"

static struct {
	struct deadline_queue queue;
	struct deadline deadline;
	struct sample_row rows[SAMPLES];
	unsigned first, count;
	struct stats before; /* as of the last row */
	struct histogram answers_before;
	int64_t before_ms;
} samples;

static void row_take(struct sample_row *row, int64_t now_ms)
{
	struct histogram all, answers;

	tally_all_answers(&all);
	answers = all;
	histogram_part(&answers, &samples.answers_before);
	*row = (struct sample_row){
		.lasted_ms = (uint32_t)(now_ms - samples.before_ms),
		.clients = (uint32_t)stats.clients,
		.requests = stats.requests - samples.before.requests,
		.bytes_in = stats.bytes_in - samples.before.bytes_in,
		.bytes_out = stats.bytes_out - samples.before.bytes_out,
		.median_us = (uint32_t)(histogram_quantile_ns(&answers, 500) / 1000),
		.slow_us = (uint32_t)(histogram_quantile_ns(&answers, 950) / 1000),
	};
	samples.before = stats;
	samples.answers_before = all;
	samples.before_ms = now_ms;
}

static void sample_expired(struct deadline *d)
{
	unsigned next = (samples.first + samples.count) % SAMPLES;

	row_take(&samples.rows[next], samples.queue.all->now_ms);
	if (samples.count < SAMPLES)
		samples.count++;
	else
		samples.first = (samples.first + 1) % SAMPLES;
	deadline_start(&samples.queue, d);
}

void samples_init(struct loop *loop)
{
	deadline_queue_init(&loop->deadlines, &samples.queue, SAMPLE_MS, sample_expired);
}

void samples_run(bool on)
{
	if (on == (samples.deadline.queue != NULL))
		return;
	samples.first = samples.count = 0;
	samples.before = stats;
	tally_all_answers(&samples.answers_before);
	samples.before_ms = samples.queue.all->now_ms;
	if (on)
		deadline_start(&samples.queue, &samples.deadline);
	else
		deadline_cancel(&samples.deadline);
}

void samples_end(void)
{
	samples_run(false);
	deadline_queue_free(&samples.queue);
}

unsigned samples_count(void)
{
	return samples.count;
}

const struct sample_row *samples_at(unsigned index)
{
	return &samples.rows[(samples.first + index) % SAMPLES];
}
