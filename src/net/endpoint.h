/* SPDX-License-Identifier: MIT */
#ifndef NET_ENDPOINT_H
#define NET_ENDPOINT_H
/*
 * One bound socket of a listener: accepts connections, or answers datagrams. While there is no
 * place for another client, or accept(2) has no descriptors left, the socket is not polled: callers
 * wait in the backlog.
 */
#include "net/table.h"
#include "net/listener.h"

struct endpoint {
	struct watch watch;          /* owns watch.fd */
	TAILQ_ENTRY(endpoint) entry; /* in listener->endpoints */
	struct listener *listener;   /* borrowed */
	struct listener *claimed; /* the new listener that a reload hands it to, if it succeeds */
	const char *claimed_spec; /* and spec then */
	struct conn_table *table; /* borrowed */
	struct addr addr;
	const char *spec; /* the address as configured; borrowed from the listener's conf */
	bool passed;      /* the socket came from systemd */
	bool unlinks;     /* we made the socket file, and remove it */
	bool rights;      /* callers in the backlog may have passed descriptors, net/rights.h */
	dev_t dev;        /* of the socket file, with ino: which file it was */
	ino_t ino;
	struct deadline held; /* runs after accept(2) had no descriptor or memory left */
};

/* Open the socket of addr for l, with fd if >= 0 (passed by systemd, taken), else a new one.
 * Returns NULL with errno and the reason. */
struct endpoint *endpoint_open(struct listener *l, struct conn_table *table,
			       const struct addr *addr, const char *spec, int fd, int backlog,
			       struct reason *reason);
/* Close the socket, remove its file if we made it and it still leads there, and free e. */
void endpoint_close(struct endpoint *e);

/* Accept the callers that wait in the backlog, as far as there are places. */
void endpoint_accept_all(struct endpoint *e);

/* Hand e over to e->claimed. */
void endpoint_move(struct endpoint *e);

/* Whether the socket file, where there is one, still leads to the socket of e. */
bool endpoint_is_reachable(const struct endpoint *e);

/* Poll the socket, or not, as there is a place for one client more. */
void endpoint_update(struct endpoint *e);

/* Call before any endpoint is opened: they wait by the deadlines of loop. */
void endpoint_init(struct loop *loop);

#endif
