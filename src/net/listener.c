/* SPDX-License-Identifier: MIT */
#include "net/listener.h"

#include <assert.h>
#include <stdlib.h>

#include "net/resource.h"
#include "net/verb.h"

OPTION_WORDS(log_format, LOG_FORMAT_WORDS);

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

/* What requests are counted as at this place; NULL: there are no more places. */
static const char *answers_name(const struct listener_conf *conf, unsigned place)
{
	const struct service *const *offers = conf->offers;
	unsigned count = 0;

	if (conf->service == &verb_service)
		return verb_name(offers, place);
	if (conf->service != &resource_service)
		return place == 0 ? conf->service->name : NULL;
	while (offers[count] != NULL)
		count++;
	if (place < count)
		return offers[place]->name;
	return place == count ? VERB_OTHER : NULL;
}

/* Have the tally count what this generation answers. Returns 0, or -1 with ENOMEM. */
static int listener_count_answers(struct listener *l)
{
	unsigned count = 0;

	while (answers_name(l->conf, count) != NULL)
		count++;
	l->answers = calloc(count, sizeof(struct answers *));
	if (l->answers == NULL)
		return -1;
	for (unsigned i = 0; i < count; i++) {
		l->answers[i] = tally_answers(l->tally, answers_name(l->conf, i));
		if (l->answers[i] == NULL)
			return -1;
	}
	return 0;
}

struct listener *listener_new(struct loop *loop, struct listener_conf *conf,
			      const struct listener_deadlines *deadlines)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->conf = conf;
	settings_ref(conf->section.settings);
	l->refs = 1;
	l->tally = tally_named(conf->section.name);
	TAILQ_INIT(&l->endpoints);
	deadline_queue_init(&loop->deadlines, &l->opening, conf->opening_timeout,
			    deadlines->opening);
	deadline_queue_init(&loop->deadlines, &l->idle, conf->idle_timeout, deadlines->idle);
	deadline_queue_init(&loop->deadlines, &l->stalled, conf->write_timeout, deadlines->stalled);
	if (l->tally == NULL || listener_count_answers(l) < 0) {
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
	free(l->answers);
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
