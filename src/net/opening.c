/* SPDX-License-Identifier: MIT */
#include "net/opening.h"

#include <errno.h>

#include "core/stats.h"
#include "net/admit.h"

/* ---- steps ---- */

static const struct opening_step *opening_step(const struct conn *c)
{
	return c->listener->conf->steps[c->step];
}

const char *opening_step_name(const struct conn *c)
{
	const struct opening_step *step = c->state == CONN_OPENING ? opening_step(c) : NULL;

	return step != NULL ? step->name : NULL;
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
	c->reason = n == 0 ? REASON_eof : conn_recv_reason(c);
	return STEP_FAILED;
}

/* Whether the peer may not call: asked at the beginning, and behind each step that tells of a peer,
 * if no step that is left can tell of another. */
static bool opening_is_refused(const struct conn *c)
{
	const struct listener_conf *conf = c->listener->conf;

	if (c->step > 0 && !conf->steps[c->step - 1]->tells_peer)
		return false; /* was asked before */
	for (int i = c->step; conf->steps[i] != NULL; i++)
		if (conf->steps[i]->tells_peer)
			return false;
	return !peer_is_allowed(&c->peer, conf);
}

/* Run the steps that are left, as far as that goes. */
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
			stats.refused_peer++;
			c->reason = REASON_refused;
			return STEP_FAILED;
		}
	}
	return STEP_DONE;
}

/* ---- a place ---- */

static void opening_turn_away(struct conn *c, const char *refusal)
{
	if (!admit_turn_away(c)) {
		conn_close(c, REASON_full);
		return;
	}
	conn_fail(c, REASON_full, refusal);
	if (c->state != CONN_DEAD)
		conn_turn(c, false);
}

/* at_once: its first turn may be now. */
static void opening_admit(struct conn *c, bool at_once)
{
	const char *refusal = admit_enter(c);

	if (refusal == NULL)
		conn_begin(c, at_once);
	else
		opening_turn_away(c, refusal);
}

static bool opening_must_wait(const struct conn *c)
{
	return !c->table->reject && !admit_has_place(c->table, c->listener);
}

/* Whoever enters has its turn with the next one of the loop: there can be many. */
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

/* ---- from its beginning to its end ---- */

void opening_turn(struct conn *c)
{
	switch (opening_run(c)) {
	case STEP_FAILED:
		conn_close(c, c->reason);
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

/* What was missing may lie unread. */
static void opening_cut_off(struct conn *c)
{
	opening_turn(c);
	if (c->state == CONN_OPENING)
		conn_close(c, REASON_opening);
}

/* The oldest goes. Where all have done their steps and wait for a place of their listener, while
 * this caller's listener has one, the first of those goes. */
static void opening_make_room(struct conn_table *table)
{
	while (table->openings >= table->max_clients + OPENINGS_SPARE) {
		struct conn *c = TAILQ_FIRST(&table->opening);

		if (c != NULL)
			opening_cut_off(c);
		else
			conn_close(TAILQ_FIRST(&table->waiting), REASON_full);
	}
}

void opening_begin(struct conn *c)
{
	if (opening_is_refused(c)) {
		stats.refused_peer++;
		conn_close(c, REASON_refused);
	} else if (opening_step(c) == NULL) {
		opening_admit(c, true);
	} else {
		opening_make_room(c->table);
		conn_move(c, CONN_OPENING);
		if (ready_is_late(&c->table->loop->watches.ready))
			conn_settle(c, false); /* its turn comes with the next one of the loop */
		else
			opening_turn(c);
	}
}

void opening_drain(struct conn *c)
{
	if (c->state == CONN_OPENING)
		opening_turn(c);
	if (conn_is_opening(c->state))
		conn_close(c, REASON_drain);
}

void opening_expired(struct deadline *d)
{
	opening_cut_off(container_of(d, struct conn, deadline));
}
