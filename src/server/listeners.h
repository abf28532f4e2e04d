/* SPDX-License-Identifier: MIT */
#ifndef SERVER_LISTENERS_H
#define SERVER_LISTENERS_H
/*
 * The listeners in force and their endpoints. New settings replace them in three steps: the new
 * listeners claim the endpoints that have their addresses already (mark), and open those that are
 * missing (match); when nothing can fail any more, claimed endpoints are handed over and the others
 * closed (sweep).
 */
#include "net/endpoint.h"
#include "server/daemon.h"
#include "server/passed.h"

TAILQ_HEAD(listener_list, listener);

struct listeners {
	struct listener_list live; /* in force */
	struct conn_table *table;  /* borrowed */
	struct passed passed;      /* sockets of systemd; empty once the start is over */
	bool forbidden;            /* the last failure was one that trying again does not help */
};

/* None is in force yet. */
void listeners_init(struct listeners *ls, struct conn_table *table);

/* Make next, the listeners of settings, and open the endpoints that are missing. Returns 0; or -1
 * with nothing changed and the reason logged. */
int listeners_prepare(struct listeners *ls, const struct settings *settings,
		      struct listener_list *next) __attribute__((warn_unused_result));

/* Put next, made of settings by listeners_prepare(), in force; next is empty then. Cannot fail. */
void listeners_swap(struct listeners *ls, struct listener_list *next,
		    const struct settings *settings);

/* Give places that are free to callers that wait for one, then accept or not, as there is place. */
void listeners_update(struct listeners *ls);

/* Close all, but first accept the callers that wait in the backlog, as far as there is place. */
void listeners_end(struct listeners *ls);

/* Close all endpoints of a list, and give its listeners back. */
void listeners_close(struct listener_list *list);

#endif
