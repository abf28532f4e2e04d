/* SPDX-License-Identifier: MIT */
#include "core/stats_log.h"

#include "core/log.h"
#include "core/stats.h"

void stats_log(void)
{
	const struct log_field fields[] = {
#define X(name) log_number(#name, stats.name),
		STATS(X)
#undef X
			{0}};

	log_write(LOG_NOTICE, "stats", fields);
}
