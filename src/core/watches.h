/* SPDX-License-Identifier: MIT */
#ifndef CORE_WATCHES_H
#define CORE_WATCHES_H
/*
 * Descriptors that are polled for their owners. A watch is embedded in its owner's struct and
 * borrowed. A handler may add and drop any watch, its own included.
 *
 * poll(2) costs as much as it has descriptors, so it gets only those with events lately, the hot
 * ones. A cold watch is armed instead: the kernel gives a hint when something happens on its
 * descriptor (core/hints.h). Between hot and cold lies one poll(2) more, so that nothing is lost:
 *
 *	hot ----- quiet for a while: armed -----> once more ----- nothing: -----> cold
 *	 ^                                        |     ^                          |
 *	 +------ two events soon: disarmed -------+     +----- hint: --------------+
 *
 * A watch goes cold when a poll(2) that came after arming found nothing: whatever happens from then
 * on gives a hint, and is polled in the turn of that hint. A descriptor that sleeps, is asked one
 * thing and sleeps again stays armed all the time, which costs no fcntl(2).
 *
 * The array pfds[] is what poll(2) gets, in two parts without holes; by_fd[] has every watch:
 *
 *	pfds[0, hot)       hot: polled each turn; not armed
 *	pfds[hot, polled)  once more: armed, and polled until a poll(2) finds nothing
 *	by_fd[] only       cold: armed and silent; or WATCH_IGNORED, armed or not
 *
 * A watch knows its place, slot. One that comes or goes moves at most two others, those at the ends
 * of the parts (place_enter(), place_leave()); so whoever walks over a part while it changes walks
 * from its end down. Who is called when is the matter of core/ready.h.
 *
 *	flag     set by                            cleared by               means
 *	armed    watch_arm(), when quiet           watch_disarm(), when     the descriptor gives
 *	                                           busy again               hints (O_ASYNC)
 *	known    watch_arm()                       nobody                   arming is one fcntl(2)
 *	                                                                    from now on, not three
 *	fresh    watches_add()                     the first call           what its calls cost is
 *	                                                                    not known
 *	full     the owner, after a send(2)        the owner, after one     a hint will tell of room
 *	         with EAGAIN                       without; watch_arm()
 *	for_all  the owner, before watches_add()   nobody                   no single peer's: always
 *	                                                                    in the quick line
 *
 * watches_add() clears armed, known and full. The revents of a watch are not those of its pollfd,
 * but what the owner is still to be called for: set when a poll(2) has found something, cleared
 * when the call begins. While they are set, the watch is in a line of core/ready.h.
 */
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/ready.h"
#include "core/watch.h"

struct watches {
	struct pollfd *pfds;  /* [0, polled); room for every watch, pfd_cap */
	struct watch **by_fd; /* every watch, borrowed, by its descriptor; NULL: none */
	uint32_t hot;         /* length of the hot part of pfds */
	uint32_t polled;      /* length of both parts of pfds */
	uint32_t count;       /* all watches, that of the hints included */
	uint32_t pfd_cap, fd_cap;
	uint32_t restless;  /* hot watches that could be cold */
	uint32_t now_ms;    /* as of the last watches_dispatch() */
	uint32_t cooled_ms; /* when hot_cool() last looked for quiet watches */
	bool cooling;       /* hot_cool() armed all that one turn may arm: there can be more */
	int found;          /* entries of pfds with an event that turn_collect() has not seen */
	struct ready ready;
	struct watch hints; /* owns hints.fd; hot, and called by nobody */
};

/* Returns 0, or -1 with errno. */
int watches_init(struct watches *ws) __attribute__((warn_unused_result));
/* Whoever has a watch has dropped it. errno is kept. */
void watches_free(struct watches *ws);

/* Call w->ready when one of events, or an error, happens on w->fd; not in this turn. Returns 0, or
 * -1 with ENOMEM. */
int watches_add(struct watches *ws, struct watch *w, uint16_t events)
	__attribute__((warn_unused_result));
/* Wait for other events. WATCH_IGNORED: call w for nothing, not even errors, until further notice.
 */
void watches_want(struct watches *ws, struct watch *w, uint16_t events);
/* Forget w, which was added; it may be freed, and its descriptor closed. */
void watches_drop(struct watches *ws, struct watch *w);

/* Wait for an event on pfds, timeout_ms as for poll(2). Returns 0; or -1 with errno, EINTR
 * included. */
int watches_poll(struct watches *ws, int timeout_ms);
/* After a watches_poll() that succeeded: settle who is hot and who is cold, and call whoever is
 * ready. now_ms is of the monotonic clock. */
void watches_dispatch(struct watches *ws, int64_t now_ms);

/* For tests: how many watches owners have; whether anything is ready. */
uint32_t watches_count(const struct watches *ws);
bool watches_are_ready(const struct watches *ws);

#endif
