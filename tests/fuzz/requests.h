/* SPDX-License-Identifier: MIT */
/* An input is requests one after the other, as a connection receives them. */
#ifndef FUZZ_REQUESTS_H
#define FUZZ_REQUESTS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Have first() take requests from data[0, size), as struct protocol's next(), with a small limit
 * and a large one. */
static inline void each_request(const uint8_t *data, size_t size,
				ssize_t (*first)(const uint8_t *data, size_t size, size_t max))
{
	static const size_t limits[] = {64, 1 << 20};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		size_t at = 0;
		ssize_t used;

		for (int n = 0; n < 16 && at < size; n++) {
			used = first(data + at, size - at, limits[i]);
			if (used <= 0)
				break;
			at += (size_t)used;
		}
	}
}

#endif
