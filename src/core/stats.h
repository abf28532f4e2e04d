/* SPDX-License-Identifier: MIT */
#ifndef CORE_STATS_H
#define CORE_STATS_H
/* What has happened since the start, in the whole daemon. A figure is one line of stats.def. */
#include "core/figure.h"

struct stats {
#define FIGURE(field, kind, ...) FIGURE_FIELD_##kind field;
#include "core/stats.def"
#undef FIGURE
};

extern struct stats stats;

enum {
#define FIGURE(field, ...) STATS_FIGURE_##field,
#include "core/stats.def"
#undef FIGURE
	STATS_FIGURES
};

extern const struct figure stats_figures[STATS_FIGURES];

#endif
