/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_SAMPLES_H
#define SERVICES_SAMPLES_H
/*
 * What the daemon did in the last ten minutes: a row every two seconds, in memory that never grows.
 * They are only taken while somebody may ask for them, as each of them wakes the daemon up.
 */
#include "core/loop.h"

#define SAMPLES 300
#define SAMPLE_MS 2000

struct sample_row {
	uint32_t lasted_ms; /* since the row before; what follows is of this time */
	uint32_t clients;   /* at its end */
	uint64_t requests;
	uint64_t bytes_in, bytes_out;
	uint32_t median_us,
		slow_us; /* half of the answers, and 95 of 100, took no longer; 0: none */
};

void samples_init(struct loop *loop);
/* Take them, or forget them all. */
void samples_run(bool on);
/* The last one, in a loop that goes away. */
void samples_end(void);

/* How many there are, up to SAMPLES. */
unsigned samples_count(void);
/* The oldest is 0. */
const struct sample_row *samples_at(unsigned index);

#endif
