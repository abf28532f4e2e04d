/* SPDX-License-Identifier: MIT */
#include "core/figure.h"

#include <string.h>

uint64_t figure_number(const struct figure *figure, const void *object)
{
	const char *at = (const char *)object + figure->offset;
	uint64_t number;
	uint32_t small;

	if (figure->size == sizeof(small)) {
		memcpy(&small, at, sizeof(small));
		return small;
	}
	memcpy(&number, at, sizeof(number));
	return number;
}
