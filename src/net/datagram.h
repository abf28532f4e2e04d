/* SPDX-License-Identifier: MIT */
#ifndef NET_DATAGRAM_H
#define NET_DATAGRAM_H
/* Answers to datagrams; datagram.c says which are answered. */
#include "net/table.h"

/* A socket and who answers there; all borrowed. */
struct datagrams {
	int fd;
	const struct listener *listener;
	const struct conn_table *table; /* whose scratch areas are used */
};

/* Take some of the datagrams that have arrived, and answer them. */
void datagrams_answer(const struct datagrams *d);

/* The UDP ports this daemon answers on, to which it sends nothing: set by the server. */
void datagram_ports_clear(void);
void datagram_port_add(const struct addr *addr);

#endif
