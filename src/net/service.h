/* SPDX-License-Identifier: MIT */
#ifndef NET_SERVICE_H
#define NET_SERVICE_H
/*
 * What answers. A service knows neither transport nor protocol: it gets a call (net/call.h) and
 * says its reply; a datagram is a short conversation of its own (open, request, more). Each
 * function of a call returns 0, or -1 to end the connection with an error. Each function may be
 * NULL: without request, input is read and thrown away. On a protocol whose requests begin with a
 * name, verbs are called in place of open, request and more.
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
	const char *name; /* in capitals; NULL ends the table */
	const char *
		usage; /* its arguments, for people; of a "name" first, the log of requests tells */
	const char *summary;    /* one line */
	int min_args, max_args; /* after the name; checked before call() */
	int (*call)(const struct call *call);
};

struct service {
	const char *name;
	const char *summary;
	unsigned protocols; /* set of enum protocol_bit */
	unsigned flags;     /* set of enum service_flag */
	/* Speak first. A service with neither request nor more hangs up after this. */
	int (*open)(const struct call *call);
	/* Answer a request. */
	int (*request)(const struct call *call);
	/* There is room for output: say more, conn_room() bytes; a service that has this never
	 * ends. */
	int (*more)(const struct call *call);
	const struct verb *verbs; /* ended by one without a name; NULL: none */
	/* Answer a GET of call->get, by a document: on protocols that have them, every service
	 * has this. Returns 0, -1, or FETCH_NOT_MINE with nothing said: it has no such path, and
	 * the next service is asked. */
	int (*fetch)(const struct call *call);
	/* The kind of its sections: one [service NAME], or one for each of what it offers, as
	 * [command NAME]. NULL: it has none. */
	const struct section_kind *section;
	/* Open what its sections name. Returns 0, or -1 with the reason and nothing changed. */
	int (*prepare)(struct settings *settings, struct reason *reason);
	/* Go by the sections in settings, which prepare() has seen, from now on. Cannot fail. Holds
	 * a reference to settings as long as it goes by them. */
	void (*use)(struct settings *settings);
	/* The daemon ends: let go of all. */
	void (*stop)(void);
};

#endif
