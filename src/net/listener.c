/* SPDX-License-Identifier: MIT */
#include "net/listener.h"

#include <assert.h>
#include <stdlib.h>

#include "net/opening.h"

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

struct listener *listener_new(struct loop *loop, struct listener_conf *conf,
			      const struct listener *predecessor)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		section_free(&conf->section);
		return NULL;
	}
	l->conf = conf;
	l->refs = 1;
	l->tally = predecessor != NULL ? tally_ref(predecessor->tally) : tally_new();
	TAILQ_INIT(&l->endpoints);
	deadline_queue_init(&loop->deadlines, &l->opening, conf->opening_timeout, opening_expired);
	deadline_queue_init(&loop->deadlines, &l->idle, conf->idle_timeout, conn_idle_expired);
	deadline_queue_init(&loop->deadlines, &l->stalled, conf->write_timeout,
			    conn_stalled_expired);
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
	section_free(&l->conf->section);
	free(l);
}
