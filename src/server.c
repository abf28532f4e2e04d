/* SPDX-License-Identifier: MIT */
#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/log.h"
#include "core/order.h"
#include "core/signals.h"
#include "core/stats.h"
#include "core/systemd.h"
#include "net/endpoint.h"
#include "process/job.h"
#include "services/registry.h"
#include "settings.h"

#define FDS_RESERVED 128 /* descriptors that are not clients: log, signals, lingering callers */
#define STATUS_MS 1000   /* between two reports of the client count */
#define ADDRS_PER_SPEC 8
#define LAST_WORDS_MS 100 /* a log daemon's time to take them */

struct passed { /* a socket from systemd */
	int fd; /* -1: taken */
	struct addr addr;
};

struct server {
	const char *path;
	struct loop loop;
	struct conn_table table;
	struct signals signals;
	struct settings *settings;
	TAILQ_HEAD(listener_list, listener) listeners;
	struct deadline_queue pings, statuses, drains;
	struct deadline ping, status, drain;
	unsigned changes_seen; /* of the table, as of the last turn */
	bool draining;
	bool forbidden; /* the last address could not be had, and never will */
	struct passed *passed;
	int passed_count;
};

/* ---- sockets passed by systemd ---- */

static void passed_take(struct passed *p, int fd)
{
	socklen_t len = sizeof(p->addr.un), type_len = sizeof(int);
	int type = 0;

	*p = (struct passed){.fd = fd};
	if (getsockname(fd, &p->addr.sa, &len) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_len) < 0)
		return;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	p->addr.len = len;
	p->addr.transport = p->addr.sa.sa_family == AF_UNIX ? TRANSPORT_UNIX
			    : type == SOCK_DGRAM            ? TRANSPORT_UDP
							    : TRANSPORT_TCP;
}

static int passed_collect(struct server *s)
{
	int count = systemd_sockets();

	s->passed = calloc((size_t)count + 1, sizeof(*s->passed));
	if (s->passed == NULL)
		return -1;
	while (s->passed_count < count) {
		passed_take(&s->passed[s->passed_count], SYSTEMD_FIRST_FD + s->passed_count);
		s->passed_count++;
	}
	return 0;
}

/* Returns the socket passed for addr, now the caller's, or -1. */
static int passed_find(struct server *s, const struct addr *addr)
{
	for (int i = 0; i < s->passed_count; i++) {
		struct passed *p = &s->passed[i];
		int fd = p->fd;

		if (fd < 0 || !addr_equal(&p->addr, addr))
			continue;
		p->fd = -1;
		return fd;
	}
	return -1;
}

static void passed_free(struct server *s)
{
	for (int i = 0; i < s->passed_count; i++)
		if (s->passed[i].fd >= 0)
			close(s->passed[i].fd);
	free(s->passed);
	s->passed = NULL;
	s->passed_count = 0;
}

static void passed_report(const struct server *s)
{
	char text[ADDR_TEXT_MAX];

	for (int i = 0; i < s->passed_count; i++) {
		if (s->passed[i].fd < 0)
			continue;
		addr_print(&s->passed[i].addr, text, sizeof(text));
		log_warning("systemd passed %s, which no listener names; closed", text);
	}
}

/* ---- listeners: mark, match, sweep ---- */

static struct listener *listener_by_name(const struct listener_list *list, const char *name)
{
	struct listener *l;

	TAILQ_FOREACH(l, list, entry)
		if (strcmp(l->conf->section.name, name) == 0)
			return l;
	return NULL;
}

static int endpoints_claim_of(const struct listener *old, const char *spec, struct listener *l)
{
	struct endpoint *e;
	int count = 0;

	TAILQ_FOREACH(e, &old->endpoints, entry) {
		if (e->claimed != NULL || strcmp(e->spec, spec) != 0)
			continue;
		e->claimed = l;
		count++;
	}
	return count;
}

/* Claim the sockets that already stand for spec: those of the same name first, and those of other
 * listeners where the address is one (port 0 is a new one each time). Returns how many. */
static int endpoints_claim(const struct server *s, const struct addr_spec *spec, struct listener *l)
{
	const struct listener *old = listener_by_name(&s->listeners, l->conf->section.name);
	int count = old != NULL ? endpoints_claim_of(old, spec->text, l) : 0;

	if (count > 0 || strcmp(spec->port, "0") == 0)
		return count;
	TAILQ_FOREACH(old, &s->listeners, entry)
		count += endpoints_claim_of(old, spec->text, l);
	return count;
}

static int backlog_of(const struct listener *l, const struct settings *settings)
{
	return l->conf->backlog > 0 ? l->conf->backlog : settings->daemon->backlog;
}

/* The same for an address that was spelled in another way. */
static bool endpoint_claim(const struct server *s, const struct addr *addr, struct listener *l)
{
	const struct listener *old;
	struct endpoint *e;

	TAILQ_FOREACH(old, &s->listeners, entry) {
		TAILQ_FOREACH(e, &old->endpoints, entry) {
			if (e->claimed != NULL || !addr_equal(&e->addr, addr))
				continue;
			e->claimed = l;
			return true;
		}
	}
	return false;
}

static int addr_open(struct server *s, const struct settings *settings, struct listener *l,
		     const struct addr *addr, const char *spec, char *reason)
{
	struct endpoint *e;
	char text[ADDR_TEXT_MAX];

	if (endpoint_claim(s, addr, l))
		return 0;
	e = endpoint_open(l, &s->table, addr, spec, passed_find(s, addr), backlog_of(l, settings),
			  reason);
	if (e == NULL) {
		s->forbidden = errno == EACCES || errno == EPERM || errno == EROFS;
		return -1;
	}
	addr_print(&e->addr, text, sizeof(text));
	log_notice("listener %s: listening on %s", l->conf->section.name, text);
	return 0;
}

static int spec_open(struct server *s, const struct settings *settings, struct listener *l,
		     const struct addr_spec *spec)
{
	char reason[OPTION_REASON_MAX];
	struct addr addrs[ADDRS_PER_SPEC];
	int count;

	if (endpoints_claim(s, spec, l) > 0)
		return 0;
	count = addr_resolve(spec, addrs, ADDRS_PER_SPEC, reason, sizeof(reason));
	for (int i = 0; i < count; i++)
		if (addr_open(s, settings, l, &addrs[i], spec->text, reason) < 0)
			count = -1;
	if (count < 0)
		log_error("listener %s: %s", l->conf->section.name, reason);
	return count < 0 ? -1 : 0;
}

static int listener_open(struct server *s, const struct settings *settings, struct listener *l)
{
	for (size_t i = 0; i < l->conf->listen.count; i++)
		if (spec_open(s, settings, l, &l->conf->specs[i]) < 0)
			return -1;
	return 0;
}

static void listeners_close(struct listener_list *list)
{
	struct listener *l;
	struct endpoint *e;

	while ((l = TAILQ_FIRST(list)) != NULL) {
		while ((e = TAILQ_FIRST(&l->endpoints)) != NULL)
			endpoint_close(e);
		TAILQ_REMOVE(list, l, entry);
		listener_unref(l);
	}
}

/* Make listeners of settings and open what is new. Returns 0, or -1 with nothing changed. */
static int listeners_prepare(struct server *s, struct settings *settings,
			     struct listener_list *list)
{
	struct listener_conf *conf;
	struct listener *l;
	struct endpoint *e;

	while ((conf = settings_listener(settings, NULL)) != NULL) {
		TAILQ_REMOVE(&settings->sections, &conf->section, entry);
		l = listener_new(&s->loop, conf,
				 listener_by_name(&s->listeners, conf->section.name));
		if (l == NULL)
			goto fail;
		TAILQ_INSERT_TAIL(list, l, entry);
		if (listener_open(s, settings, l) < 0)
			goto fail;
	}
	return 0;
fail:
	TAILQ_FOREACH(l, &s->listeners, entry)
		TAILQ_FOREACH(e, &l->endpoints, entry)
			e->claimed = NULL;
	listeners_close(list);
	return -1;
}

/* A socket that is open cannot change all its ways. */
static void restart_keys_log(const struct endpoint *e, const struct section *new)
{
	const struct section *old = &e->listener->conf->section;
	char text[ADDR_TEXT_MAX];

	addr_print(&e->addr, text, sizeof(text));
	for (size_t key = 0; key < new->kind->count; key++) {
		const char *before = section_text(old, key), *after = section_text(new, key);

		if ((new->kind->options[key].flags &OPTION_RESTART) &&
		    strcmp(before != NULL ? before : "", after != NULL ? after : "") != 0)
			log_warning("listener %s: %s: changed, takes effect after a restart for %s",
				    new->name, new->kind->options[key].name, text);
	}
}

static void endpoint_handover(const struct server *s, struct endpoint *e)
{
	struct listener *l = e->claimed;

	restart_keys_log(e, &l->conf->section);
	e->claimed = NULL;
	endpoint_move(e, l);
	if (e->addr.transport != TRANSPORT_UDP)
		listen(e->watch.fd, backlog_of(l, s->settings));
}

static void listeners_swap(struct server *s, struct listener_list *list)
{
	struct listener *l;
	struct endpoint *e, *next;
	char text[ADDR_TEXT_MAX];

	TAILQ_FOREACH(l, &s->listeners, entry) {
		TAILQ_FOREACH_SAFE(e, &l->endpoints, entry, next) {
			addr_print(&e->addr, text, sizeof(text));
			if (e->claimed != NULL)
				endpoint_handover(s, e);
			else
				log_notice("listener %s: stopped listening on %s",
					   l->conf->section.name, text);
		}
	}
	listeners_close(&s->listeners);
	TAILQ_CONCAT(&s->listeners, list, entry);
}

static void endpoints_update(struct server *s)
{
	struct listener *l;
	struct endpoint *e;

	TAILQ_FOREACH(l, &s->listeners, entry)
		TAILQ_FOREACH(e, &l->endpoints, entry)
			endpoint_update(e);
}

/* ---- services ---- */

static int services_prepare(struct settings *settings)
{
	char reason[OPTION_REASON_MAX];

	for (size_t i = 0; services[i] != NULL; i++) {
		if (services[i]->prepare == NULL ||
		    services[i]->prepare(&settings->sections, reason) == 0)
			continue;
		log_error("service %s: %s", services[i]->name, reason);
		return -1;
	}
	return 0;
}

static void services_use(struct settings *settings)
{
	for (size_t i = 0; services[i] != NULL; i++)
		if (services[i]->use != NULL)
			services[i]->use(&settings->sections);
}

static void services_stop(void)
{
	for (size_t i = 0; services[i] != NULL; i++)
		if (services[i]->stop != NULL)
			services[i]->stop();
}

/* ---- settings in force ---- */

/* By the place of a word in daemon.def. */
static const enum log_target log_targets[] = {LOG_TARGET_AUTO, LOG_TARGET_SYSLOG,
					      LOG_TARGET_STDERR};
static const int log_levels[] = {LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG};
static const int log_facilities[] = {
	LOG_AUTH,   LOG_AUTHPRIV, LOG_CRON,   LOG_DAEMON, LOG_LOCAL0, LOG_LOCAL1, LOG_LOCAL2,
	LOG_LOCAL3, LOG_LOCAL4,   LOG_LOCAL5, LOG_LOCAL6, LOG_LOCAL7, LOG_USER,
};

static void log_use(const struct daemon_conf *daemon)
{
	log_open(log_targets[daemon->log_target], daemon->log_socket,
		 log_facilities[daemon->log_facility], log_levels[daemon->log_level]);
}

/* Raise the soft limit of descriptors to what max_clients needs, each with a file on its way, or
 * lower max_clients. */
static unsigned clients_that_fit(unsigned max_clients)
{
	struct rlimit limit;
	rlim_t needed = (rlim_t)max_clients + FDS_RESERVED, wanted = needed + max_clients;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return max_clients;
	limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || wanted < limit.rlim_max
				 ? wanted
				 : limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= needed)
		return max_clients;
	wanted = limit.rlim_cur > 2 * FDS_RESERVED ? limit.rlim_cur - FDS_RESERVED
						   : limit.rlim_cur / 2;
	log_warning("max_clients = %u does not fit the limit of %ju descriptors; %ju are served "
		    "(LimitNOFILE, ulimit -n)",
		    max_clients, (uintmax_t)limit.rlim_max, (uintmax_t)wanted);
	return (unsigned)wanted;
}

static void ports_use(const struct server *s)
{
	const struct listener *l;
	const struct endpoint *e;

	datagram_ports_clear();
	TAILQ_FOREACH(l, &s->listeners, entry)
		TAILQ_FOREACH(e, &l->endpoints, entry)
			datagram_port_add(&e->addr);
}

static void settings_use(struct server *s, struct settings *settings)
{
	s->table.max_clients = clients_that_fit((unsigned)settings->daemon->max_clients);
	services_use(settings); /* they may ask for the limit of descriptors */
	settings_free(s->settings);
	s->settings = settings;
	s->table.reject = settings->daemon->when_full == 1;
}

static void errors_log(const struct settings *settings)
{
	if (settings == NULL)
		log_error("out of memory");
	for (size_t i = 0; settings != NULL && i < settings->errors.count; i++)
		log_error("%s", settings->errors.items[i]);
}

/* ---- reload ---- */

static bool reload(struct server *s)
{
	struct listener_list list = TAILQ_HEAD_INITIALIZER(list);
	struct settings *settings = settings_load(s->path);

	errors_log(settings);
	if (settings == NULL || settings->errors.count > 0) {
		settings_free(settings);
		return false;
	}
	if (services_prepare(settings) < 0 || listeners_prepare(s, settings, &list) < 0) {
		settings_free(settings);
		return false;
	}
	settings_use(s, settings);
	listeners_swap(s, &list);
	ports_use(s);
	log_use(settings->daemon);
	endpoints_update(s);
	return true;
}

static void server_reload(struct server *s)
{
	pid_t asker = s->signals.sender;
	bool done;

	if (s->draining) {
		order_answer(asker, false);
		return;
	}
	systemd_reloading();
	done = reload(s);
	if (done)
		log_notice("reloaded %s", s->path);
	else
		log_error("%s is not used; the configuration stays as it was", s->path);
	systemd_ready(s->table.clients);
	order_answer(asker, done);
}

/* ---- drain and stop ---- */

static void drain_expired(struct deadline *d)
{
	struct server *s = container_of(d, struct server, drain);

	log_warning("drain_timeout is over; %u clients are cut off", s->table.clients);
	s->loop.stop = true;
}

/* Who is in the backlog has called before the stop, and may have asked already; unless systemd
 * keeps the socket for whoever comes after us. */
static void callers_accept(struct server *s)
{
	struct listener *l;
	struct endpoint *e;

	TAILQ_FOREACH(l, &s->listeners, entry)
		TAILQ_FOREACH(e, &l->endpoints, entry)
			if (!e->passed)
				endpoint_accept_all(e);
}

static void server_drain(struct server *s)
{
	if (s->draining) {
		log_notice("stopping at once");
		s->loop.stop = true;
		return;
	}
	log_notice("stopping: %u clients", s->table.clients);
	systemd_stopping();
	s->draining = true;
	callers_accept(s);
	listeners_close(&s->listeners);
	conn_table_drain(&s->table);
	if (s->settings->daemon->drain_timeout == 0)
		s->loop.stop = true;
	deadline_queue_init(&s->loop.deadlines, &s->drains, s->settings->daemon->drain_timeout,
			    drain_expired);
	deadline_start(&s->drains, &s->drain);
}

static void stats_log(void)
{
	char text[900];

	stats_print(text, sizeof(text));
	log_notice("stats %s", text);
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
		endpoints_update(s);
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
	TAILQ_INIT(&s->listeners);
	log_attach(&s->loop);
	endpoint_init(&s->loop);
	deadline_queue_init(&s->loop.deadlines, &s->pings, systemd_ping_ms(), ping_expired);
	deadline_queue_init(&s->loop.deadlines, &s->statuses, STATUS_MS, status_expired);
	if (jobs_init(&s->loop) < 0 || conn_table_init(&s->table, &s->loop) < 0)
		return -1;
	return signals_open(&s->signals, &s->loop, signal_arrived);
}

static void server_free(struct server *s)
{
	passed_free(s);
	listeners_close(&s->listeners);
	conn_table_free(&s->table);
	jobs_kill();
	services_stop();
	signals_close(&s->signals, &s->loop);
	settings_free(s->settings);
	log_finish(LAST_WORDS_MS);
	log_detach();
	loop_free(&s->loop);
}

static enum exit_status server_serve(struct server *s)
{
	struct listener_list list = TAILQ_HEAD_INITIALIZER(list);

	if (passed_collect(s) < 0)
		return EXIT_SYSTEM;
	if (listeners_prepare(s, s->settings, &list) < 0)
		return s->forbidden ? EXIT_SYSTEM : EXIT_BIND;
	listeners_swap(s, &list);
	passed_report(s);
	passed_free(s);
	ports_use(s);
	endpoints_update(s);
	log_notice("ready: %s", s->path);
	log_started();
	systemd_ready(0);
	deadline_start(&s->pings, &s->ping);
	if (loop_run(&s->loop) < 0) {
		log_error("poll: %m");
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

	signals_hold();
	log_open(LOG_TARGET_STDERR, "", LOG_DAEMON, LOG_INFO);
	settings = settings_load(path);
	errors_log(settings);
	if (settings == NULL || settings->errors.count > 0) {
		status = settings == NULL ? EXIT_SYSTEM : EXIT_CONFIG;
		settings_free(settings);
		log_finish(LAST_WORDS_MS);
		log_detach();
		return status;
	}
	log_use(settings->daemon);
	if (server_init(&s) < 0) {
		log_error("cannot start: %m");
		settings_free(settings);
		log_finish(LAST_WORDS_MS);
		return EXIT_SYSTEM;
	}
	if (services_prepare(settings) < 0) {
		settings_free(settings);
		status = EXIT_SYSTEM;
	} else {
		settings_use(&s, settings);
		status = server_serve(&s);
	}
	server_free(&s);
	return status;
}
