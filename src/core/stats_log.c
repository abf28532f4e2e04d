/* SPDX-License-Identifier: MIT */
#include "core/stats_log.h"

#include "core/log.h"
#include "core/stats.h"

void stats_log(void)
{
	struct log_field fields[STATS_FIGURES + 1] = {0};

	for (int i = 0; i < STATS_FIGURES; i++) {
		const struct figure *figure = &stats_figures[i];
		uint64_t number = figure->kind == FIGURE_HISTOGRAM
					  ? histogram_count(figure_histogram(figure, &stats))
					  : figure_number(figure, &stats);

		fields[i] = log_number(figure->field, number);
	}
	log_write(LOG_NOTICE, "stats", fields);
}
