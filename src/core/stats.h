/* SPDX-License-Identifier: MIT */
#ifndef CORE_STATS_H
#define CORE_STATS_H
/* What has happened since the start. A counter is one line of the list; pollard(8) says what each
 * counts. */
#include <stdint.h>

#define STATS(X)                \
	X(accepted)             \
	X(accept_paused)        \
	X(requests)             \
	X(bytes_in)             \
	X(bytes_out)            \
	X(ended_eof)            \
	X(ended_reset)          \
	X(ended_idle)           \
	X(ended_stalled)        \
	X(ended_opening)        \
	X(ended_refused)        \
	X(ended_full)           \
	X(ended_drain)          \
	X(ended_error)          \
	X(datagrams)            \
	X(datagrams_unanswered) \
	X(log_dropped)

struct stats {
#define X(name) uint64_t name;
	STATS(X)
#undef X
};

extern struct stats stats;

#endif
