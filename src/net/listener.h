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
#include "net/service.h"
#include "net/tally.h"
#include "wire/protocol.h"

struct opening_step;

#define OPENING_STEPS_MAX 4 /* of one listener */

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
	struct addr_spec *specs; /* listen.count of them */
	const struct protocol *wire;
	const struct service *service;       /* what answers */
	const struct service *const *offers; /* whose verbs it knows; NULL-terminated */
	/* What comes before the first request, net/opening.h; NULL-terminated. */
	const struct opening_step *steps[OPENING_STEPS_MAX + 1];
};

extern const struct section_kind listener_kind;

struct listener {
	TAILQ_ENTRY(listener) entry;
	struct listener_conf *conf; /* of a generation of settings that it holds a reference to */
	struct tally *tally;        /* shared with the generations before and after */
	/* What it has answered, of the tally: of each verb that it offers, or service where these
	 * are asked by a path, and then of all others; of a service of raw and line, one. */
	struct answers **answers;
	struct deadline_queue opening, idle, stalled;
	TAILQ_HEAD(, endpoint) endpoints;
	unsigned refs; /* one of the server, one of each connection */
};

/* The settings after conf, or the first of a configuration; NULL: none. */
struct listener_conf *listener_conf_next(const struct settings *settings,
					 const struct listener_conf *conf);

/* Returns NULL with ENOMEM. */
struct listener *listener_new(struct loop *loop, struct listener_conf *conf);
struct listener *listener_ref(struct listener *l);
/* The last one frees it; between turns only. */
void listener_unref(struct listener *l);

#endif
