/* SPDX-License-Identifier: MIT */
#ifndef CORE_HISTOGRAM_H
#define CORE_HISTOGRAM_H
/* How long things took: how many up to each of some bounds, and all of it together. The bounds are
 * the same for all, so that histograms can be added. */
#include <stdint.h>

#define HISTOGRAM_BOUNDS 14

struct histogram {
	uint64_t counts[HISTOGRAM_BOUNDS + 1]; /* beyond the bound before; of the last, any time */
	uint64_t sum_ns;
};

struct histogram_bound {
	int64_t ns;
	const char *seconds; /* the same, as text */
};

/* Ascending. */
extern const struct histogram_bound histogram_bounds[HISTOGRAM_BOUNDS];

/* count things took so long, each. */
void histogram_add(struct histogram *h, int64_t took_ns, uint64_t count);

/* How many there are. */
uint64_t histogram_count(const struct histogram *h);

/* Add what is in other to h, */
void histogram_join(struct histogram *h, const struct histogram *other);
/* and take what was in it before. */
void histogram_part(struct histogram *h, const struct histogram *before);

/* So many of a thousand took no longer, as far as the bounds tell: between two of them, things are
 * taken to be spread evenly. 0 where there are none. */
int64_t histogram_quantile_ns(const struct histogram *h, unsigned of_thousand);

#endif
