/* SPDX-License-Identifier: MIT */
#ifndef SERVER_LISTENERS_H
#define SERVER_LISTENERS_H
/*
 * The listeners in force and their sockets. New settings replace them in three steps: listeners are
 * made and claim the sockets that stand for their addresses (mark), what is missing is opened
 * (match); when nothing can fail any more, what was claimed is handed over and the rest closed
 * (sweep).
 */
#include "net/endpoint.h"
#include "server/daemon.h"
#include "server/passed.h"

TAILQ_HEAD(listener_list, listener);

struct listeners {
	struct listener_list live;
	struct conn_table *table; /* borrowed, as its loop is */
	struct passed passed;     /* of the start, until it is over */
	bool forbidden;           /* what failed to open never will */
};

void listeners_init(struct listeners *ls, struct conn_table *table);

/* Make next of settings, and open what is new. Returns 0; or -1 with nothing changed, the reason is
 * logged. */
int listeners_prepare(struct listeners *ls, const struct settings *settings,
		      struct listener_list *next) __attribute__((warn_unused_result));

/* Put next in force. */
void listeners_swap(struct listeners *ls, struct listener_list *next,
		    const struct settings *settings);

/* Accept or not, as there is place. */
void listeners_update(struct listeners *ls);

/* No more callers; those who wait already are taken in, as far as there is place. */
void listeners_end(struct listeners *ls);

/* At once. */
void listeners_close(struct listener_list *list);

#endif
