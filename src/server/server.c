/* SPDX-License-Identifier: MIT */
#include "server/server.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "config/include.h"
#include "core/burst.h"
#include "core/log.h"
#include "core/order.h"
#include "core/signals.h"
#include "core/stats.h"
#include "core/stats_log.h"
#include "core/systemd.h"
#include "net/connections.h"
#include "net/names.h"
#include "process/job.h"
#include "server/listeners.h"
#include "server/reading.h"
#include "server/schema.h"
#include "services/registry.h"
#include "services/samples.h"
#include "wire/http.h"

#define STATUS_MS 1000    /* between two reports of the client count */
#define LAST_WORDS_MS 100 /* that a log daemon may take, each time it is slow at the end */
#define READING_MS 60000  /* that the reading of the configuration may take, for a reload */

struct server {
	const char *path;
	struct loop loop;
	struct conn_table table;
	struct signals signals;
	struct listeners listeners;
	struct reading reading;      /* a reload that is under way */
	struct order_askers askers;  /* who ordered that reload */
	struct order_askers waiting; /* who gave the order since: for them there is another one */
	struct deadline_queue pings, statuses, drains;
	struct deadline ping, status, drain;
	unsigned changes_seen; /* table.changes, as of the last turn */
	bool draining;         /* told to stop */
};

/* ---- services ---- */

static int services_prepare(struct settings *settings)
{
	struct reason reason;

	for (size_t i = 0; services[i] != NULL; i++) {
		if (services[i]->prepare == NULL || services[i]->prepare(settings, &reason) == 0)
			continue;
		log_error("failed", log_text("service", services[i]->name),
			  log_text("reason", reason.text));
		return -1;
	}
	return 0;
}

static void services_use(struct settings *settings)
{
	for (size_t i = 0; services[i] != NULL; i++)
		if (services[i]->use != NULL)
			services[i]->use(settings);
}

static void services_stop(void)
{
	for (size_t i = 0; services[i] != NULL; i++)
		if (services[i]->stop != NULL)
			services[i]->stop();
}

/* ---- settings in force ---- */

static void log_use(const struct daemon_conf *daemon)
{
	log_open(daemon->log_target, daemon->log_socket, daemon->log_facility, daemon->log_level);
}

/* Raise the soft limit of descriptors to what listeners and max_clients need, where each client is
 * sent a file. Returns how many clients there can be. */
static unsigned clients_that_fit(const struct settings *settings)
{
	rlim_t max_clients = (rlim_t)daemon_of(settings)->max_clients;
	rlim_t wanted = daemon_descriptors(settings) + max_clients, before;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return (unsigned)max_clients;
	before = limit.rlim_cur;
	limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || wanted < limit.rlim_max
				 ? wanted
				 : limit.rlim_max;
	return daemon_clients(settings,
			      setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before);
}

static void warnings_log(const struct settings *settings)
{
	for (size_t i = 0; i < settings->warnings.count; i++)
		log_warning("config_warning", log_text("text", settings->warnings.items[i]));
}

static void settings_use(struct server *s, struct settings *settings, unsigned max_clients)
{
	warnings_log(settings);
	s->table.max_clients = max_clients;
	stats.max_clients = max_clients;
	services_use(settings); /* services may go by the limit of descriptors */
	settings_put_in_force(settings);
	stats.configured_at = (uint64_t)time(NULL);
	s->table.reject = daemon_of(settings)->when_full == WHEN_REJECT;
	http_show_version(daemon_of(settings)->show_version);
}

static void errors_log(const struct settings *settings)
{
	if (settings == NULL) {
		log_error("failed", log_text("reason", "out of memory"));
		return;
	}
	for (size_t i = 0; i < settings->errors.count; i++)
		log_error("config_error", log_text("text", settings->errors.items[i]));
}

/* ---- reload ---- */

/* Put settings in force, which are taken. Returns false where that fails, and nothing has changed.
 */
static bool settings_apply(struct server *s, struct settings *settings)
{
	struct listener_list next = TAILQ_HEAD_INITIALIZER(next);
	unsigned max_clients;

	errors_log(settings);
	if (settings->errors.count > 0 || services_prepare(settings) < 0)
		goto fail;
	max_clients = clients_that_fit(settings);
	if (listeners_prepare(&s->listeners, settings, &next) < 0)
		goto fail;
	settings_use(s, settings, max_clients);
	listeners_swap(&s->listeners, &next, settings);
	log_use(daemon_of(settings));
	listeners_update(&s->listeners);
	return true;
fail:
	settings_unref(settings);
	return false;
}

static void reload_count(bool applied)
{
	stats.reload_applied = applied;
	if (applied)
		stats.reloads_applied++;
	else
		stats.reloads_refused++;
}

static void reload_end(struct server *s, bool applied)
{
	reload_count(applied);
	if (applied)
		log_notice("reloaded", log_text("config", s->path));
	else
		log_error("not_reloaded", log_text("config", s->path),
			  log_text("text", "the configuration stays as it was"));
	systemd_ready(s->table.clients);
	order_answer(&s->askers, applied);
}

/* The daemon stops: give up a reload that is under way, and tell all who ordered one. */
static void reload_cancel(struct server *s)
{
	order_answer(&s->waiting, false);
	if (!s->reading.running)
		return;
	reading_stop(&s->reading);
	log_notice("reload_given_up", log_text("config", s->path));
	reload_end(s, false);
}

static void reload_begin(struct server *s)
{
	systemd_reloading();
	s->askers = s->waiting;
	s->waiting = (struct order_askers){0};
	if (reading_start(&s->reading) == 0)
		return;
	log_error("failed", log_text("config", s->path), log_text("reason", strerror(errno)));
	reload_end(s, false);
}

static void reading_done(struct reading *r, struct settings *settings, const char *reason)
{
	struct server *s = container_of(r, struct server, reading);

	if (settings == NULL)
		log_error("failed", log_text("config", s->path), log_text("reason", reason));
	reload_end(s, settings != NULL && settings_apply(s, settings));
	if (s->waiting.count > 0)
		reload_begin(s);
}

static void server_reload(struct server *s)
{
	bool piped = settings_in_force()->piped;

	order_take(&s->waiting, s->signals.sender);
	if (piped) {
		log_error("not_reloaded", log_text("config", s->path),
			  log_text("text", "it came through a pipe, which cannot be read again"));
		reload_count(false);
	}
	if (s->draining || piped)
		order_answer(&s->waiting, false);
	else if (!s->reading.running)
		reload_begin(s);
}

/* ---- drain and stop ---- */

static void drain_expired(struct deadline *d)
{
	struct server *s = container_of(d, struct server, drain);

	log_warning("cut_off", log_number("clients", s->table.clients),
		    log_text("text", "drain_timeout is over"));
	s->loop.stop = true;
}

static void server_drain(struct server *s)
{
	int64_t drain_timeout = daemon_of(settings_in_force())->drain_timeout;

	if (s->draining) {
		log_notice("stopping_at_once", log_number("clients", s->table.clients));
		s->loop.stop = true;
		return;
	}
	reload_cancel(s);
	log_notice("stopping", log_number("clients", s->table.clients));
	systemd_stopping();
	s->draining = true;
	listeners_end(&s->listeners);
	conn_table_drain(&s->table);
	if (drain_timeout == 0)
		s->loop.stop = true;
	deadline_queue_init(&s->loop.deadlines, &s->drains, drain_timeout, drain_expired);
	deadline_start(&s->drains, &s->drain);
}

static void signal_arrived(struct signals *signals, int signal)
{
	struct server *s = container_of(signals, struct server, signals);

	if (signal == SIGHUP)
		server_reload(s);
	else if (signal == SIGUSR1)
		stats_log();
	else
		server_drain(s);
}

/* ---- the loop ---- */

static void ping_expired(struct deadline *d)
{
	struct server *s = container_of(d, struct server, ping);

	systemd_ping();
	deadline_start(&s->pings, d);
}

static void status_expired(struct deadline *d)
{
	struct server *s = container_of(d, struct server, status);

	if (!s->draining)
		systemd_status(s->table.clients);
}

static void server_before_wait(void *arg)
{
	struct server *s = arg;

	conn_table_reap(&s->table);
	if (s->table.changes != s->changes_seen) {
		s->changes_seen = s->table.changes;
		listeners_update(&s->listeners);
		if (s->status.queue == NULL)
			deadline_start(&s->statuses, &s->status);
	}
	if (s->draining && TAILQ_EMPTY(&s->table.live))
		s->loop.stop = true;
}

static int server_init(struct server *s)
{
	if (loop_init(&s->loop, server_before_wait, s) < 0)
		return -1;
	listeners_init(&s->listeners, &s->table);
	log_attach(&s->loop);
	burst_init(&s->loop);
	endpoint_init(&s->loop);
	samples_init(&s->loop);
	deadline_queue_init(&s->loop.deadlines, &s->pings, systemd_ping_ms(), ping_expired);
	deadline_queue_init(&s->loop.deadlines, &s->statuses, STATUS_MS, status_expired);
	if (jobs_init(&s->loop) < 0 || conn_table_init(&s->table, &s->loop) < 0)
		return -1;
	reading_init(&s->reading, s->path, READING_MS, reading_done);
	return signals_open(&s->signals, &s->loop, signal_arrived);
}

static void server_free(struct server *s)
{
	passed_free(&s->listeners.passed);
	listeners_close(&s->listeners.live);
	conn_table_free(&s->table);
	reading_stop(&s->reading);
	jobs_kill();
	services_stop();
	signals_close(&s->signals, &s->loop);
	settings_put_in_force(NULL);
	burst_end();
	log_finish(LAST_WORDS_MS);
	log_detach();
	loop_free(&s->loop);
}

static enum exit_status server_serve(struct server *s)
{
	struct listener_list next = TAILQ_HEAD_INITIALIZER(next);
	int result;

	if (passed_collect(&s->listeners.passed) < 0)
		return EXIT_SYSTEM;
	result = listeners_prepare(&s->listeners, settings_in_force(), &next);
	names_forget();
	if (result < 0)
		return s->listeners.forbidden ? EXIT_SYSTEM : EXIT_BIND;
	listeners_swap(&s->listeners, &next, settings_in_force());
	passed_free(&s->listeners.passed);
	listeners_update(&s->listeners);
	log_notice("ready", log_text("config", s->path));
	log_started();
	systemd_ready(0);
	deadline_start(&s->pings, &s->ping);
	if (loop_run(&s->loop) < 0) {
		log_error("failed", log_text("call", "poll"), log_text("reason", strerror(errno)));
		return EXIT_FAILED;
	}
	stats_log();
	return EXIT_OK;
}

enum exit_status server_run(const char *path)
{
	struct server s = {.path = path};
	struct settings *settings;
	enum exit_status status;

	stats.reload_applied = 1; /* as long as there was none */
	signals_hold();
	log_open(LOG_TARGET_STDERR, "", LOG_DAEMON, LOG_INFO);
	settings = settings_load(path, daemon_schema());
	if (settings != NULL)
		settings_errors_shorten(&settings->errors);
	errors_log(settings);
	if (settings == NULL || settings->errors.count > 0) {
		status = settings == NULL ? EXIT_SYSTEM : EXIT_CONFIG;
		settings_unref(settings);
		names_forget();
		log_finish(LAST_WORDS_MS);
		log_detach();
		return status;
	}
	log_use(daemon_of(settings));
	if (server_init(&s) < 0) {
		log_error("failed", log_text("reason", strerror(errno)));
		settings_unref(settings);
		names_forget();
		log_finish(LAST_WORDS_MS);
		return EXIT_SYSTEM;
	}
	if (services_prepare(settings) < 0) {
		settings_unref(settings);
		status = EXIT_SYSTEM;
	} else {
		settings_use(&s, settings, clients_that_fit(settings));
		status = server_serve(&s);
	}
	names_forget();
	server_free(&s);
	return status;
}
