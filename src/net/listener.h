/* SPDX-License-Identifier: MIT */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H
/*
 * One generation of a [listener NAME] section: its settings, and the sockets it answers on. A
 * reload makes new listeners; a connection keeps the one it began with, so the old one lives
 * until its last connection ends.
 */
#include "config/settings.h"
#include "core/loop.h"
#include "net/acl.h"
#include "net/addr.h"
#include "net/peer.h"
#include "net/service.h"
#include "net/tally.h"
#include "wire/protocol.h"

struct opening_step;

#define OPENING_STEPS_MAX 4 /* of one listener */

/* How the line of a request looks, net/request_log.h. */
#define LOG_FORMAT_WORDS(WORD)            \
	WORD(LOG_FORMAT_FIELDS, "fields") \
	WORD(LOG_FORMAT_COMBINED, "combined")

typedef enum log_format { LOG_FORMAT_WORDS(OPTION_CONSTANT) } opt_log_format;

enum {
#define OPT(key, ...) LISTENER_KEY_##key,
#include "net/listener.def"
#undef OPT
	LISTENER_KEYS
};

struct listener_conf {
	struct section section;
#define OPT(key, type, ...) opt_##type key;
#include "net/listener.def"
#undef OPT
	struct addr_spec *specs;             /* of `listen`, listen.count of them; owned */
	const struct protocol *wire;         /* the one that `protocol` names */
	const struct service *service;       /* what answers */
	const struct service *const *offers; /* whose verbs `service` finds; NULL-terminated */
	/* What comes before the first request, net/opening.h; NULL-terminated. */
	const struct opening_step *steps[OPENING_STEPS_MAX + 1];
};

extern const struct section_kind listener_kind;

struct listener {
	TAILQ_ENTRY(listener) entry;
	struct listener_conf *conf; /* of a generation, to which this is a reference */
	struct tally *tally;        /* a reference; shared with the generations before and after */
	/* What it has answered, of the tally: of each verb that it offers, or service where these
	 * are asked by a path, and then of all others; of a service of raw and line, one. */
	struct answers **answers;
	/* Of its connections: opening_timeout, idle_timeout, write_timeout. */
	struct deadline_queue opening, idle, stalled;
	TAILQ_HEAD(, endpoint) endpoints;
	unsigned refs; /* one of the server, one of each connection */
};

/* The [listener] after conf in its generation, or the first where conf is NULL; NULL: no more. */
struct listener_conf *listener_conf_next(const struct settings *settings,
					 const struct listener_conf *conf);

/* Who is called when a deadline of a connection has passed: the queues of a listener. */
struct listener_deadlines {
	void (*opening)(struct deadline *d);
	void (*idle)(struct deadline *d);
	void (*stalled)(struct deadline *d);
};

/* Make a listener without endpoints. deadlines is borrowed for the call. Returns a reference, or
 * NULL with ENOMEM. */
struct listener *listener_new(struct loop *loop, struct listener_conf *conf,
			      const struct listener_deadlines *deadlines);
struct listener *listener_ref(struct listener *l);
/* Give a reference back. The last one frees l, which has no endpoints then; between turns only. */
void listener_unref(struct listener *l);

/* Whether the lists of a listener allow the peer: allow for peers with an address, allow_users and
 * allow_groups for those on UNIX sockets. Where the lists for its kind are empty, it may call. */
bool listener_allows(const struct listener_conf *conf, const struct peer *peer);

#endif
