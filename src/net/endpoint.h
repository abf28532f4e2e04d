/* SPDX-License-Identifier: MIT */
#ifndef NET_ENDPOINT_H
#define NET_ENDPOINT_H
/*
 * One bound socket of a listener: accepts connections, or answers datagrams. While there is no
 * place for another client, or accept(2) has no descriptors left, it is not polled: callers
 * wait in the backlog.
 */
#include "net/table.h"
#include "net/listener.h"

struct endpoint {
	struct watch watch;          /* owns watch.fd */
	TAILQ_ENTRY(endpoint) entry; /* in listener->endpoints */
	struct listener *listener;   /* borrowed */
	struct listener *claimed;    /* who gets it if a reload succeeds */
	const char *claimed_spec;    /* as what */
	struct conn_table *table;    /* borrowed */
	struct addr addr;
	const char *spec; /* the address as configured; borrowed from the listener's conf */
	bool passed;      /* by systemd */
	bool unlinks;     /* we made the socket file */
	bool rights;      /* callers in the backlog may have passed descriptors */
	dev_t dev;        /* of the socket file */
	ino_t ino;
	struct deadline held; /* runs while accept(2) has nothing left */
};

/* Open the socket of addr for l, with fd if >= 0 (passed by systemd, taken), else a new one.
 * Returns NULL with errno and the reason. */
struct endpoint *endpoint_open(struct listener *l, struct conn_table *table,
			       const struct addr *addr, const char *spec, int fd, int backlog,
			       struct reason *reason);
void endpoint_close(struct endpoint *e);

/* Accept who is waiting, as far as there are places. */
void endpoint_accept_all(struct endpoint *e);

/* Give it to whom it is claimed for. */
void endpoint_move(struct endpoint *e);

/* Whether its socket file, where it has one, still leads to it. */
bool endpoint_is_reachable(const struct endpoint *e);

/* Poll it or not, as there is place. */
void endpoint_update(struct endpoint *e);

/* Use these deadlines to wait when accept(2) has nothing left. */
void endpoint_init(struct loop *loop);

#endif
