/* SPDX-License-Identifier: MIT */
#include "core/stats.h"

#include <inttypes.h>
#include <stdio.h>

struct stats stats;

void stats_print(char *text, int size)
{
	int len = 0;

	text[0] = '\0';
#define X(name)                                                                           \
	if (len < size)                                                                   \
		len += snprintf(text + len, (size_t)(size - len), "%s" #name "=%" PRIu64, \
				len > 0 ? " " : "", stats.name);
	STATS(X)
#undef X
}
