/* SPDX-License-Identifier: MIT */
#include "net/listener.h"

#include <assert.h>
#include <stdlib.h>

static const struct option_def listener_options[LISTENER_KEYS] = {
#define OPT(key, kind, ...) \
	{#key, &option_##kind, offsetof(struct listener_conf, key), OPTION_REST(__VA_ARGS__)},
#include "net/listener.def"
#undef OPT
};

static void listener_conf_free(struct section *s)
{
	struct listener_conf *conf = container_of(s, struct listener_conf, section);

	free(conf->specs);
	free((void *)(uintptr_t)conf->offers);
}

const struct section_kind listener_kind = {
	.word = "listener",
	.options = listener_options,
	.count = LISTENER_KEYS,
	.size = sizeof(struct listener_conf),
	.free = listener_conf_free,
};

struct listener_conf *listener_conf_next(const struct settings *settings,
					 const struct listener_conf *conf)
{
	struct section *section =
		conf != NULL ? TAILQ_NEXT(&conf->section, entry) : TAILQ_FIRST(&settings->sections);

	section = section_of(section, &listener_kind);
	return section != NULL ? container_of(section, struct listener_conf, section) : NULL;
}

struct listener *listener_new(struct loop *loop, struct listener_conf *conf,
			      const struct listener *predecessor,
			      const struct listener_deadlines *deadlines)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->conf = conf;
	settings_ref(conf->section.settings);
	l->refs = 1;
	l->tally = predecessor != NULL ? tally_ref(predecessor->tally) : tally_new();
	TAILQ_INIT(&l->endpoints);
	deadline_queue_init(&loop->deadlines, &l->opening, conf->opening_timeout,
			    deadlines->opening);
	deadline_queue_init(&loop->deadlines, &l->idle, conf->idle_timeout, deadlines->idle);
	deadline_queue_init(&loop->deadlines, &l->stalled, conf->write_timeout, deadlines->stalled);
	if (l->tally == NULL) {
		listener_unref(l);
		return NULL;
	}
	return l;
}

struct listener *listener_ref(struct listener *l)
{
	l->refs++;
	return l;
}

void listener_unref(struct listener *l)
{
	if (--l->refs > 0)
		return;
	assert(TAILQ_EMPTY(&l->endpoints));
	deadline_queue_free(&l->opening);
	deadline_queue_free(&l->idle);
	deadline_queue_free(&l->stalled);
	tally_unref(l->tally);
	settings_unref(l->conf->section.settings);
	free(l);
}

bool listener_allows(const struct listener_conf *conf, const struct peer *peer)
{
	static const struct cidr_list no_networks;
	static const struct id_list no_ids;

	if (peer->sa.sa_family == AF_UNIX)
		return peer_is_listed(peer, &no_networks, &conf->allow_users, &conf->allow_groups);
	return peer_is_listed(peer, &conf->allow, &no_ids, &no_ids);
}
