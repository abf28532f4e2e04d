/* SPDX-License-Identifier: MIT */
/* What the daemon does, for Prometheus and for people: documents made of the figures of now. */
#include <string.h>
#include <time.h>

#include "net/conn.h"
#include "net/listener.h"
#include "services/figures.h"
#include "services/registry.h"
#include "services/samples.h"
#include "services/status.h"
#include "wire/http.h"
#include "wire/page.h"

#define PAGE_WORK 1000 /* as conn_charge() counts */

/* Say the document whose body has been written. */
static int written_say(const struct call *call, struct document *d, struct writer *w)
{
	int result = -1;

	conn_charge(call->conn, PAGE_WORK);
	d->status = 200;
	d->passing = true;
	d->size = buf_len(w->out);
	if (!w->failed)
		result = say_document(call, d, buf_data(w->out));
	buf_free(w->out);
	return result;
}

/* What was answered in the same call of the loop is told of too. */
static void process_look(const struct call *call, struct process_figures *process)
{
	ready_settle_laps_now(&conn_loop(call->conn)->watches.ready);
	process_read(process);
}

static int figures_say(const struct call *call)
{
	enum exposition format =
		call->get->accepts_openmetrics ? EXPOSITION_OPENMETRICS : EXPOSITION_PROMETHEUS;
	struct document d = {.type = exposition_types[format]};
	struct process_figures process;
	struct buf body = {0};
	struct writer w = {.out = &body};

	process_look(call, &process);
	figures_write(&w, format, &process);
	return written_say(call, &d, &w);
}

static int status_say(const struct call *call)
{
	struct document d = {.type = PAGE_TYPE, .page = true, .policy = STATUS_POLICY};
	struct process_figures process;
	struct buf body = {0};
	struct writer w = {.out = &body};

	process_look(call, &process);
	status_write(&w, settings_in_force(), &process, time(NULL));
	return written_say(call, &d, &w);
}

static bool path_is(const struct call *call, const char *path)
{
	return call->get->path.len == strlen(path) &&
	       memcmp(call->get->path.data, path, strlen(path)) == 0;
}

static int metrics_fetch(const struct call *call)
{
	if (path_is(call, "/metrics"))
		return figures_say(call);
	return path_is(call, "/") ? status_say(call) : FETCH_NOT_MINE;
}

/* Samples are taken where somebody may see them. */
static void metrics_use(struct settings *settings)
{
	const struct listener_conf *conf = NULL;
	bool offered = false;

	while ((conf = listener_conf_next(settings, conf)) != NULL)
		for (size_t i = 0; conf->offers != NULL && conf->offers[i] != NULL; i++)
			offered = offered || conf->offers[i] == &service_metrics;
	samples_run(offered);
}

const struct service service_metrics = {
	.name = "metrics",
	.summary = "tells how the daemon does: /metrics for Prometheus, / for people",
	.protocols = PROTOCOL_HTTP,
	.flags = SERVICE_PRIVILEGED,
	.fetch = metrics_fetch,
	.use = metrics_use,
	.stop = samples_end,
};
