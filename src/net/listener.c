/* SPDX-License-Identifier: MIT */
#include "net/listener.h"

#include <assert.h>
#include <stdlib.h>

#include "net/conn.h"

const struct option_def listener_options[LISTENER_KEYS] = {
#define OPT(key, kind, ...) \
	{#key, &option_##kind, offsetof(struct listener_conf, key), OPTION_REST(__VA_ARGS__)},
#include "net/listener.def"
#undef OPT
};

void listener_conf_free(struct listener_conf *conf)
{
	if (conf == NULL)
		return;
	option_free(listener_options, LISTENER_KEYS, conf);
	for (size_t i = 0; i < LISTENER_KEYS; i++)
		free(conf->from[i].text);
	free(conf->specs);
	free(conf->name);
	free(conf);
}

struct listener *listener_new(struct loop *loop, struct listener_conf *conf,
			      const struct listener *predecessor)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		listener_conf_free(conf);
		return NULL;
	}
	l->conf = conf;
	l->refs = 1;
	l->tally = predecessor != NULL ? tally_ref(predecessor->tally) : tally_new();
	TAILQ_INIT(&l->endpoints);
	deadline_queue_init(loop, &l->idle, conf->idle_timeout, conn_idle_expired);
	deadline_queue_init(loop, &l->stalled, conf->write_timeout, conn_stalled_expired);
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
	deadline_queue_free(&l->idle);
	deadline_queue_free(&l->stalled);
	tally_unref(l->tally);
	listener_conf_free(l->conf);
	free(l);
}
