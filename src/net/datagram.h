/* SPDX-License-Identifier: MIT */
#ifndef NET_DATAGRAM_H
#define NET_DATAGRAM_H
/* Datagrams that have arrived on a socket are answered. */
#include "net/table.h"

/* A socket and who answers there; all borrowed. */
struct datagrams {
	int fd;
	const struct listener *listener;
	const struct conn_table *table; /* whose scratch areas are used */
};

/* Take some of those that have arrived, and answer them. */
void datagrams_answer(const struct datagrams *d);

/* The UDP ports this daemon answers on, which are never answered: set by the server. */
void datagram_ports_clear(void);
void datagram_port_add(const struct addr *addr);

#endif
