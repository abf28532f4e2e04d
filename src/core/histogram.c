/* SPDX-License-Identifier: MIT */
#include "core/histogram.h"

const struct histogram_bound histogram_bounds[HISTOGRAM_BOUNDS] = {
	{10000, "0.00001"},    {40000, "0.00004"},    {100000, "0.0001"},  {400000, "0.0004"},
	{1000000, "0.001"},    {4000000, "0.004"},    {10000000, "0.01"},  {40000000, "0.04"},
	{100000000, "0.1"},    {400000000, "0.4"},    {1000000000, "1.0"}, {4000000000, "4.0"},
	{10000000000, "10.0"}, {60000000000, "60.0"},
};

void histogram_add(struct histogram *h, int64_t took_ns, uint64_t count)
{
	int i = 0;

	if (took_ns < 0)
		took_ns = 0;
	while (i < HISTOGRAM_BOUNDS && took_ns > histogram_bounds[i].ns)
		i++;
	h->counts[i] += count;
	h->sum_ns += (uint64_t)took_ns * count;
}

uint64_t histogram_count(const struct histogram *h)
{
	uint64_t count = 0;

	for (int i = 0; i <= HISTOGRAM_BOUNDS; i++)
		count += h->counts[i];
	return count;
}

void histogram_join(struct histogram *h, const struct histogram *other)
{
	for (int i = 0; i <= HISTOGRAM_BOUNDS; i++)
		h->counts[i] += other->counts[i];
	h->sum_ns += other->sum_ns;
}

void histogram_part(struct histogram *h, const struct histogram *before)
{
	for (int i = 0; i <= HISTOGRAM_BOUNDS; i++)
		h->counts[i] -= before->counts[i];
	h->sum_ns -= before->sum_ns;
}

int64_t histogram_quantile_ns(const struct histogram *h, unsigned of_thousand)
{
	uint64_t count = histogram_count(h), rank = (count * of_thousand + 999) / 1000, seen = 0;
	int64_t from_ns = 0;

	for (int i = 0; i < HISTOGRAM_BOUNDS && count > 0; i++) {
		int64_t to_ns = histogram_bounds[i].ns;

		if (h->counts[i] > 0 && seen + h->counts[i] >= rank)
			return from_ns + (int64_t)((double)(to_ns - from_ns) *
						   (double)(rank - seen) / (double)h->counts[i]);
		seen += h->counts[i];
		from_ns = to_ns;
	}
	return count > 0 ? from_ns : 0;
}
