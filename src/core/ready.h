/* SPDX-License-Identifier: MIT */
#ifndef CORE_READY_H
#define CORE_READY_H
/*
 * Who is called when. Watches with an event queue for their call, first come, first served, in
 * three lines: those whose calls are mostly quick, those never called yet, and those whose calls
 * mostly take long.
 *
 *	quick  #######...........    half of a turn's time, then the rest waits for the next turn
 *	fresh  ####                  a quarter, and what the line before has left
 *	heavy  ##############....    a quarter, and what the lines before have left
 *
 * The first of each line is called whatever the time, so nobody, and no deadline, waits for however
 * many that always have much to do. What a call costs is measured, not guessed: the average of a
 * watch's calls decides on its line, and the owner of a quick or fresh one is told to end when a
 * call lasts (ready_call_is_over()). Time in which another process had the processor is nobody's
 * cost.
 *
 * struct ready is a part of struct watches, and watches_dispatch() has the turns; owners only ask
 * the questions at the end.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/histogram.h"
#include "core/watch.h"

enum ready_kind {
	READY_QUICK,
	READY_FRESH, /* not called yet: what its calls cost is not known */
	READY_HEAVY,
	READY_LINES, /* how many lines there are */
};

struct ready_line {
	int *fds; /* of the watches that wait for their call, the first in front */
	uint32_t count;
};

/* Things of one kind that a call begins and ends: each of them takes as long as the call, from what
 * it reads to what it sends, and no clock is read for them. */
struct lap {
	struct histogram took;
	struct lap *next; /* among those of the present call */
	uint32_t count;   /* in the present call */
};

struct ready {
	struct ready_line lines[READY_LINES];
	bool late;        /* watches were left over from the turn before: ready_refresh() */
	bool was_over;    /* the present call was told to end, and costs as much as the longest */
	uint32_t now_ms;  /* of the monotonic clock, as of this turn */
	int64_t clock_ns; /* when the last call ended and the present one began */
	int64_t call_ns;  /* how long the present call may last */
	int64_t used_ns;  /* processor time of this thread, as of the last interrupted_ns() */
	long interrupts;  /* how often others took the processor, as of then (getrusage(2)) */
	struct lap *laps; /* of the present call, borrowed until it is over */
};

/* Have place for count watches in each line. Returns 0, or -1 with ENOMEM and no place lost. */
int ready_reserve(struct ready *r, uint32_t count) __attribute__((warn_unused_result));
void ready_free(struct ready *r);

/* Whether a watch waits for its call. */
bool ready_has_some(const struct ready *r);

/* A turn begins: of the watches left over from the last turn, keep those that is_ready() is true
 * of. */
void ready_refresh(struct ready *r, bool (*is_ready)(void *arg, int fd), void *arg);
/* Put w, which is in no line, at the end of its line. */
void ready_join(struct ready *r, const struct watch *w);
/* Call the watches that wait, each line for its share. *by_fd has each watch at its descriptor, and
 * may move: owners may add and drop any watch. now_ms is of the monotonic clock. */
void ready_call(struct ready *r, struct watch **const *by_fd, uint32_t now_ms);

/* Those of r->laps have ended, and took so long. */
void ready_settle_laps(struct ready *r, int64_t took_ns);
/* The same for somebody who looks at them within the present call, as if it were over. */
void ready_settle_laps_now(struct ready *r);

/* ---- of an owner, within its call ---- */

/* One thing of this kind was begun and ended in the present call. */
static inline void ready_lap(struct ready *r, struct lap *lap)
{
	if (lap->count++ > 0)
		return;
	lap->next = r->laps;
	r->laps = lap;
}

/* Whether the present call should end, even if there is more to do. That is soon where the watch is
 * quick or fresh. A call that is told so counts as a long one: after several of them the watch is
 * heavy, and its calls may last longer. Reads the clock. */
bool ready_call_is_over(struct ready *r);
/* Whether what may be much work should be left to the next call: the loop is late, and the present
 * call is one that should be quick. A call that is told so counts as a long one. */
bool ready_call_is_for_little(struct ready *r);
/* Whether the turn before was not long enough for all calls. */
bool ready_is_late(const struct ready *r);

#endif
