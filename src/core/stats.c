/* SPDX-License-Identifier: MIT */
#include "core/stats.h"

struct stats stats;

const struct figure stats_figures[STATS_FIGURES] = {
#define FIGURE(field, ...) FIGURE_ROW(struct stats, field, __VA_ARGS__),
#include "core/stats.def"
#undef FIGURE
};
