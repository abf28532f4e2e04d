/* SPDX-License-Identifier: MIT */
#ifndef CORE_READY_H
#define CORE_READY_H
/*
 * Who is called when. Watches with an event queue for their call, first come, first served, in
 * three lines: who is mostly quick, who is not known yet, who mostly takes long.
 *
 *	quick  #######...........    half of a turn, then whoever is left waits for the next one
 *	fresh  ####                  a quarter, and what those before have left
 *	heavy  ##############....    likewise
 *
 * One of each line is called at least, so nobody, and no deadline, waits for however many that
 * always have much to do. What a call costs is measured, not guessed: the average of a watch's
 * calls decides on its line, and whoever is among the quick is told to end when a call lasts
 * (ready_call_is_over()). Time in which another process had the processor is nobody's cost.
 *
 * It is a part of struct watches, and watches_dispatch() has the turns; owners only ask the
 * questions at the end.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/histogram.h"

struct watch;
struct watches;

enum ready_kind {
	READY_QUICK,
	READY_FRESH,
	READY_HEAVY,
	READY_LINES,
};

struct ready_line {
	int *fds;
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
	bool late;        /* somebody was left over from the turn before */
	bool was_over;    /* the present call was told so */
	int64_t clock_ns; /* when the last call was over, and the present one began */
	int64_t call_ns;  /* that the present call may last */
	int64_t used_ns;  /* processor time, when last asked for */
	long interrupts;  /* by other processes, likewise */
	struct lap *laps; /* of the present call, borrowed until it is over */
};

/* Have place for count in each line. Returns 0, or -1 with ENOMEM and no place lost. */
int ready_reserve(struct ready *r, uint32_t count) __attribute__((warn_unused_result));
void ready_free(struct ready *r);

/* Whether somebody waits for a call. */
bool ready_has_some(const struct ready *r);

/* A turn begins: of those left over from the last one, keep whom is_ready says so of. */
void ready_refresh(struct ready *r, bool (*is_ready)(void *arg, int fd), void *arg);
/* w, which is in no line, joins its own. */
void ready_join(struct ready *r, const struct watch *w);
/* Call those who are ready, each line for its share. They may add and drop any watch. */
void ready_call(struct watches *ws);

/* Those of r->laps have ended, and took so long. */
void ready_settle_laps(struct ready *r, int64_t took_ns);
/* The same for somebody who looks at them within the present call, as if it were over. */
void ready_settle_laps_now(struct ready *r);

/* ---- for those who are called ---- */

/* One thing of this kind was begun and ended in the present call. */
static inline void ready_lap(struct ready *r, struct lap *lap)
{
	if (lap->count++ > 0)
		return;
	lap->next = r->laps;
	r->laps = lap;
}

/* Whether the present call should end, even if there is more to do: soon, if it is one who is quick
 * or may be; who is told so is not. Reads the clock. */
bool ready_call_is_over(struct ready *r);
/* Whether what may be much should be left to the next call: the loop is late, and this is the turn
 * of those who are quick. Who is told so is not. */
bool ready_call_is_for_little(struct ready *r);
/* Whether there was more to do lately than a turn is long enough for. */
bool ready_is_late(const struct ready *r);

#endif
