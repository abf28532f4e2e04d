/* SPDX-License-Identifier: MIT */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H
/*
 * One generation of a [listener NAME] section: its settings, and the sockets it answers on. A
 * reload makes new listeners; a connection keeps the one it began with, so the old one lives
 * until its last connection ends.
 */
#include "core/loop.h"
#include "core/option.h"
#include "net/acl.h"
#include "net/addr.h"
#include "net/protocol.h"
#include "net/service.h"
#include "net/tally.h"

enum {
#define OPT(key, ...) LISTENER_KEY_##key,
#include "net/listener.def"
#undef OPT
	LISTENER_KEYS
};

struct listener_conf {
#define OPT(key, type, ...) opt_##type key;
#include "net/listener.def"
#undef OPT
	TAILQ_ENTRY(listener_conf) entry;
	char *name;
	const char *file; /* borrowed from the settings it was read with, as in from[] */
	int line;         /* of the section's title */
	struct option_source from[LISTENER_KEYS];
	struct addr_spec *specs; /* listen.count of them */
	const struct protocol *wire;
	const struct service *service;
};

extern const struct option_def listener_options[LISTENER_KEYS];

void listener_conf_free(struct listener_conf *conf);

struct listener {
	TAILQ_ENTRY(listener) entry;
	struct listener_conf *conf; /* owned */
	struct tally *tally;        /* shared with the generations before and after */
	struct deadline_queue idle, stalled;
	TAILQ_HEAD(, endpoint) endpoints;
	unsigned refs; /* one of the server, one of each connection */
};

/* Takes conf, even on failure; predecessor (or NULL) lends its tally. Returns NULL with ENOMEM. */
struct listener *listener_new(struct loop *loop, struct listener_conf *conf,
			      const struct listener *predecessor);
struct listener *listener_ref(struct listener *l);
/* The last one frees it; between turns only. */
void listener_unref(struct listener *l);

#endif
