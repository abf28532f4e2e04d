/* SPDX-License-Identifier: MIT */
#ifndef CORE_STATS_LOG_H
#define CORE_STATS_LOG_H

/* Log all counters of core/stats.h. */
void stats_log(void);

#endif
