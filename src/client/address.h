/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_ADDRESS_H
#define CLIENT_ADDRESS_H
/*
 * Where the server is, as a person writes it: an address as in the configuration, where "tcp:" may
 * be left out, or a short name that a file of the user's, ~/.config/pollcat, explains.
 *
 *	[NAME]
 *	address = ADDRESS
 */
#include "net/addr.h"

/* Find out what text means. Returns 0, or -1 with the reason. */
int address_parse(struct addr_spec *spec, const char *text, struct reason *reason)
	__attribute__((warn_unused_result));

/* Call named(arg) with each short name and the address that it stands for, both borrowed; up to the
 * first line of the file that is wrong. */
void address_each(void (*named)(void *arg, const char *name, const char *address), void *arg);

/* The host that text means, in host[size]: text itself if it is neither an address nor a short
 * name. */
int address_host(const char *text, char *host, size_t size, struct reason *reason)
	__attribute__((warn_unused_result));

#endif
