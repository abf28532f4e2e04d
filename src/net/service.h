/* SPDX-License-Identifier: MIT */
#ifndef NET_SERVICE_H
#define NET_SERVICE_H
/*
 * What answers. A service knows neither transport nor protocol: it gets a call (net/call.h) and
 * says its reply; a datagram is a short conversation of its own (open, request, more). Each
 * function returns 0, or -1 to end the connection with an error. A member that is NULL is not
 * wanted: without request, input is read and thrown away. On protocols whose requests begin with a
 * name, a service is asked by its verbs.
 */
#include "config/section.h"
#include "core/loop.h"
#include "wire/protocol.h"

struct call;

enum service_flag {
	SERVICE_DATAGRAM = 1,   /* has a meaning over udp */
	SERVICE_AMPLIFIES = 2,  /* its reply to a datagram can be larger than the datagram */
	SERVICE_PRIVILEGED = 4, /* over IP, only for those on an allow list */
};

#define FETCH_NOT_MINE 1

struct verb {
	const char *name;       /* in capitals; NULL ends the table */
	const char *usage;      /* its arguments, for people */
	const char *summary;    /* one line */
	int min_args, max_args; /* after the name */
	int (*call)(const struct call *call);
};

struct service {
	const char *name;
	const char *summary;
	unsigned protocols; /* set of enum protocol_bit */
	unsigned flags;     /* set of enum service_flag */
	/* Speak first. A service that has only this hangs up after it. */
	int (*open)(const struct call *call);
	int (*request)(const struct call *call);
	/* There is room for more output. */
	int (*more)(const struct call *call);
	const struct verb *verbs;
	/* Answer a GET of call->get, by a document: on protocols that have them, every service
	 * has this. Returns 0, -1, or FETCH_NOT_MINE with nothing said: it has no such path, and
	 * the next service is asked. */
	int (*fetch)(const struct call *call);
	/* Its sections of the configuration: [service NAME], or one for each of what it offers. */
	const struct section_kind *section;
	/* Open what its sections name. Returns 0, or -1 with the reason and nothing changed. */
	int (*prepare)(struct settings *settings, char *reason);
	/* Go by its sections from now on, with a reference as long as it does. */
	void (*use)(struct settings *settings);
	/* The daemon ends. */
	void (*stop)(void);
};

#endif
