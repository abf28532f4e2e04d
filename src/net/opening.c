/* SPDX-License-Identifier: MIT */
#include "net/opening.h"

#include <errno.h>

#include "core/stats.h"
#include "net/admit.h"
#include "net/ending.h"
#include "net/receive.h"
#include "net/turn.h"

/* ---- steps ---- */

/* The step that is next; NULL: all are done. */
static const struct opening_step *opening_step(const struct conn *c)
{
	return c->listener->conf->steps[c->step];
}

enum step opening_receive(struct conn *c, size_t len)
{
	ssize_t n;

	buf_borrow(&c->in, c->table->in, CONN_SCRATCH);
	n = conn_recv(c, buf_reserve(&c->in, len), len);
	if (n > 0) {
		buf_commit(&c->in, (size_t)n);
		return STEP_DONE;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return STEP_WAITS;
	c->ending = n == 0 ? ENDING_eof : conn_recv_ending(c);
	return STEP_FAILED;
}

/* Whether the peer is known, and may not call, which is counted: to be asked at the beginning and
 * after each step. The peer is known when no step that is left can tell of another. */
static bool opening_is_refused(const struct conn *c)
{
	const struct listener_conf *conf = c->listener->conf;

	if (c->step > 0 && !conf->steps[c->step - 1]->tells_peer)
		return false; /* was asked before */
	for (int i = c->step; conf->steps[i] != NULL; i++)
		if (conf->steps[i]->tells_peer)
			return false;
	if (listener_allows(conf, &c->peer))
		return false;
	stats.refused_peer++;
	return true;
}

/* Run the steps that are left, until one waits or fails. Returns what that one did, or STEP_DONE.
 */
static enum step opening_run(struct conn *c)
{
	const struct opening_step *step;
	enum step result;

	while ((step = opening_step(c)) != NULL) {
		result = step->run(c);
		if (result != STEP_DONE)
			return result;
		c->step++;
		if (opening_is_refused(c)) {
			c->ending = ENDING_refused;
			return STEP_FAILED;
		}
	}
	return STEP_DONE;
}

/* ---- a place ---- */

/* Tell the caller why there is no place, and hang up. */
static void opening_turn_away(struct conn *c, const char *refusal)
{
	if (!admit_turn_away(c)) {
		conn_close(c, ENDING_full);
		return;
	}
	conn_fail(c, ENDING_full, refusal);
	if (c->state != CONN_DEAD)
		conn_turn(c, false);
}

/* End the opening: with a place, or turned away. at_once: the first turn may be now. */
static void opening_admit(struct conn *c, bool at_once)
{
	const char *refusal = admit_enter(c);

	c->watch.ready = conn_ready;
	if (refusal == NULL)
		conn_begin(c, at_once);
	else
		opening_turn_away(c, refusal);
}

static bool opening_must_wait(const struct conn *c)
{
	return !c->table->reject && !admit_has_place(c->table, c->listener);
}

/* The first turn of each is in the next turn of the loop: there can be many. */
void opening_admit_waiting(struct conn_table *table)
{
	struct conn *c, *next;

	TAILQ_FOREACH_SAFE(c, &table->waiting, entry, next) {
		if (opening_must_wait(c))
			continue;
		conn_move(c, CONN_OPEN);
		opening_admit(c, false);
	}
}

/* ---- from the beginning of an opening to its end ---- */

static void opening_turn(struct conn *c)
{
	switch (opening_run(c)) {
	case STEP_FAILED:
		conn_close(c, c->ending);
		break;
	case STEP_WAITS:
		conn_settle(c, false);
		break;
	case STEP_DONE:
		if (opening_must_wait(c)) {
			conn_move(c, CONN_WAITING);
			conn_settle(c, false);
		} else {
			conn_move(c, CONN_OPEN);
			opening_admit(c, true);
		}
	}
}

static void opening_ready(struct watch *w, short revents)
{
	opening_turn(container_of(w, struct conn, watch));
}

/* End an opening that takes too long; but what its step waits for may lie unread, so it has one
 * turn more. */
static void opening_cut_off(struct conn *c)
{
	opening_turn(c);
	if (c->state == CONN_OPENING)
		conn_close(c, ENDING_opening);
}

/* Make room for one opening more: the oldest one ends. Where all callers have done their steps and
 * wait for a place (of other listeners than the new caller's), the first of these is hung up on. */
static void opening_make_room(struct conn_table *table)
{
	while (table->openings >= table->max_clients + OPENINGS_SPARE) {
		struct conn *c = TAILQ_FIRST(&table->opening);

		if (c != NULL)
			opening_cut_off(c);
		else
			conn_close(TAILQ_FIRST(&table->waiting), ENDING_full);
	}
}

void opening_begin(struct conn *c)
{
	if (opening_is_refused(c)) {
		conn_close(c, ENDING_refused);
	} else if (opening_step(c) == NULL) {
		opening_admit(c, true);
	} else {
		opening_make_room(c->table);
		conn_move(c, CONN_OPENING);
		c->watch.ready = opening_ready;
		if (ready_is_late(&c->table->loop->watches.ready))
			conn_settle(c, false); /* the steps begin in the next turn of the loop */
		else
			opening_turn(c);
	}
}

void opening_drain(struct conn *c)
{
	if (c->state == CONN_OPENING)
		opening_turn(c);
	if (conn_is_opening(c->state))
		conn_close(c, ENDING_drain);
}

void opening_expired(struct deadline *d)
{
	opening_cut_off(container_of(d, struct conn, deadline));
}
