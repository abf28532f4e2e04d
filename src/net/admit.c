/* SPDX-License-Identifier: MIT */
#include "net/admit.h"

#include "core/stats.h"

#define TURNED_AWAY_MAX 64 /* peers at one time; more are closed without a word */

bool admit_has_place(const struct conn_table *table, const struct listener *l)
{
	if (table->clients >= table->max_clients)
		return false;
	return l->conf->max_clients == 0 || l->tally->clients < (unsigned)l->conf->max_clients;
}

const char *admit_enter(struct conn *c)
{
	struct listener *l = c->listener;

	if (!admit_has_place(c->table, l)) {
		stats.refused_place++;
		return "ERR too many clients, try again later";
	}
	if (c->peer.sa.sa_family != AF_UNIX) {
		c->source =
			tally_enter(l->tally, &c->peer.sa, (unsigned)l->conf->max_clients_per_ip);
		if (c->source == NULL) {
			stats.refused_address++;
			return "ERR too many clients from your address";
		}
	}
	c->place = PLACE_CLIENT;
	c->table->clients++;
	stats.clients++;
	c->table->changes++;
	l->tally->clients++;
	return NULL;
}

bool admit_turn_away(struct conn *c)
{
	if (c->table->turned_away == TURNED_AWAY_MAX)
		return false;
	c->place = PLACE_TURNED_AWAY;
	c->table->turned_away++;
	return true;
}

void admit_leave(struct conn *c)
{
	switch (c->place) {
	case PLACE_CLIENT:
		c->table->clients--;
		stats.clients--;
		c->table->changes++;
		c->listener->tally->clients--;
		tally_leave(c->source);
		c->source = NULL;
		break;
	case PLACE_TURNED_AWAY:
		c->table->turned_away--;
	}
	c->place = PLACE_NONE;
}
