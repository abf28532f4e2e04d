/* SPDX-License-Identifier: MIT */
#ifndef CORE_WATCHES_H
#define CORE_WATCHES_H
/*
 * Descriptors that are polled for their owners. A watch is embedded in its owner's struct and
 * borrowed. A handler may add and drop any watch, its own included.
 *
 * poll(2) costs as much as it has descriptors, so it gets only those with events lately, the hot
 * ones. A cold one is armed instead: the kernel tells when something happens on it (core/hints.h).
 * Between the two lies one poll(2) more, so that nothing is lost, and nothing costs a call:
 *
 *	hot ----- quiet for a while: armed -----> once more ----- nothing: -----> cold
 *	 ^                                        |     ^                          |
 *	 +------ two events soon: disarmed -------+     +----- hint: --------------+
 *
 *	0 .. hot       polled each turn
 *	hot .. polled  armed, polled once more
 *
 * A watch goes cold when a poll(2) that came after arming found nothing: whatever happens from then
 * on gives a hint, and is polled in the turn of that hint. One that sleeps, is asked one thing and
 * sleeps again stays armed all the time. Who is called when is the matter of core/ready.h.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/ready.h"
#include "core/watch.h"

struct watches {
	struct pollfd *pfds;
	struct watch **by_fd; /* all, borrowed; NULL: none */
	uint32_t hot, polled, count, pfd_cap, fd_cap;
	uint32_t restless;  /* hot ones that could be cold */
	uint32_t now_ms;    /* as of the last watches_dispatch() */
	uint32_t cooled_ms; /* when the hot ones were last looked through for quiet ones */
	bool cooling;       /* and there were more than one turn is long enough for */
	int found;          /* of those polled, with an event */
	struct ready ready;
	struct watch hints; /* owns hints.fd */
};

/* Returns 0, or -1 with errno. */
int watches_init(struct watches *ws) __attribute__((warn_unused_result));
void watches_free(struct watches *ws);

/* Call w->ready when one of events, or an error, happens on w->fd; not in this turn. Returns 0, or
 * -1 with ENOMEM. */
int watches_add(struct watches *ws, struct watch *w, uint16_t events)
	__attribute__((warn_unused_result));
/* WATCH_IGNORED: call it for nothing, not even errors, until it wants something else. */
void watches_want(struct watches *ws, struct watch *w, uint16_t events);
void watches_drop(struct watches *ws, struct watch *w);

/* Wait for those polled, timeout_ms as for poll(2). Returns 0; or -1 with errno, EINTR included. */
int watches_poll(struct watches *ws, int timeout_ms);
/* Behind a poll that succeeded: see who has been quiet, and call whoever is ready. now_ms is of the
 * monotonic clock. */
void watches_dispatch(struct watches *ws, int64_t now_ms);

/* For tests: how many owners there are; whether anything is ready, hot or cold. */
uint32_t watches_count(const struct watches *ws);
bool watches_are_ready(const struct watches *ws);

#endif
