/* SPDX-License-Identifier: MIT */
#include "server/listeners.h"

#include <errno.h>
#include <string.h>

#include "core/index.h"
#include "core/log.h"
#include "net/connections.h"
#include "net/datagram.h"
#include "net/names.h"
#include "net/opening.h"

#define KEY_MAX (64 + 2 * ADDR_TEXT_MAX) /* bytes; a name, a spec, an address */

/* A change from the listeners in force to those of settings. */
struct change {
	struct listeners *ls;
	const struct settings *settings; /* the new ones */
	struct index listeners;          /* those in force, by name */
	struct index endpoints; /* those in force, by address; and of port 0 by any_port_key() */
};

static int backlog_of(const struct listener *l, const struct settings *settings)
{
	return l->conf->backlog > 0 ? l->conf->backlog : daemon_of(settings)->backlog;
}

/* ---- mark: the endpoints that there are ---- */

/* Whether a spec has port 0, which becomes another port each time. */
static bool is_any_port(const char *spec)
{
	size_t len = strlen(spec);

	return len > 2 && strcmp(spec + len - 2, ":0") == 0;
}

/* The key[KEY_MAX] of an endpoint of port 0: the name of its listener, its spec, and addr without
 * the port that it became. */
static void any_port_key(char *key, const char *name, const char *spec, const struct addr *addr)
{
	struct addr host = *addr;
	char text[ADDR_TEXT_MAX];

	if (host.sa.sa_family == AF_INET)
		host.in.sin_port = 0;
	else
		host.in6.sin6_port = 0;
	addr_print(&host, text, sizeof(text));
	snprintf(key, KEY_MAX, "%s %s %s", name, spec, text);
}

static int endpoint_mark(struct change *change, struct endpoint *e)
{
	const char *name = e->listener->conf->section.name;
	char key[KEY_MAX];

	addr_print(&e->addr, key, sizeof(key));
	if (index_add(&change->endpoints, key, e) < 0)
		return -1;
	if (e->addr.transport == TRANSPORT_UNIX || !is_any_port(e->spec))
		return 0;
	any_port_key(key, name, e->spec, &e->addr);
	return index_add(&change->endpoints, key, e);
}

static int change_begin(struct change *change)
{
	struct listener *l;
	struct endpoint *e;

	TAILQ_FOREACH(l, &change->ls->live, entry) {
		if (index_add(&change->listeners, l->conf->section.name, l) < 0)
			return -1;
		TAILQ_FOREACH(e, &l->endpoints, entry)
			if (endpoint_mark(change, e) < 0)
				return -1;
	}
	return 0;
}

static void change_end(struct change *change)
{
	index_free(&change->listeners);
	index_free(&change->endpoints);
}

/* The endpoint in force that can serve addr for l; NULL: none. One of port 0 is only its own
 * listener's. */
static struct endpoint *endpoint_find(const struct change *change, const struct listener *l,
				      const struct addr_spec *spec, const struct addr *addr)
{
	char key[KEY_MAX];

	if (spec->transport != TRANSPORT_UNIX && is_any_port(spec->text))
		any_port_key(key, l->conf->section.name, spec->text, addr);
	else
		addr_print(addr, key, sizeof(key));
	return index_find(&change->endpoints, key);
}

/* Claim the endpoint of addr for l. Returns false where there is none, or it is claimed already, or
 * its socket file has been removed or replaced, and is to be made anew; but files of systemd are
 * left to systemd. */
static bool endpoint_claim(const struct change *change, struct listener *l,
			   const struct addr_spec *spec, const struct addr *addr)
{
	struct endpoint *e = endpoint_find(change, l, spec, addr);

	if (e == NULL || e->claimed != NULL)
		return false;
	if (!endpoint_is_reachable(e)) {
		log_warning("socket_file_gone", log_text("listener", l->conf->section.name),
			    log_text("address", spec->text),
			    log_text("text", e->passed ? "restart the systemd socket" : NULL));
		if (!e->passed)
			return false;
	}
	e->claimed = l;
	e->claimed_spec = spec->text;
	return true;
}

/* Claim for l what endpoints its predecessor has for spec, whose host cannot be resolved now.
 * Returns whether there are any. */
static bool endpoints_claim_of(const struct change *change, struct listener *l,
			       const struct addr_spec *spec)
{
	const struct listener *old = index_find(&change->listeners, l->conf->section.name);
	struct endpoint *e;
	bool found = false;

	if (old == NULL)
		return false;
	TAILQ_FOREACH(e, &old->endpoints, entry) {
		if (e->claimed != NULL || strcmp(e->spec, spec->text) != 0)
			continue;
		e->claimed = l;
		e->claimed_spec = spec->text;
		found = true;
	}
	return found;
}

/* ---- match: the endpoints that are missing ---- */

/* Warn where an IPv6 socket of systemd takes IPv4 or not, otherwise than v6only says. */
static void v6only_check(const struct endpoint *e, const char *text)
{
	int v6only = 0;
	socklen_t len = sizeof(v6only);

	if (!e->passed || e->addr.sa.sa_family != AF_INET6 ||
	    !IN6_IS_ADDR_UNSPECIFIED(&e->addr.in6.sin6_addr) ||
	    getsockopt(e->watch.fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, &len) < 0 ||
	    (v6only != 0) == e->listener->conf->v6only)
		return;
	log_warning("v6only_ignored", log_text("listener", e->listener->conf->section.name),
		    log_text("address", text),
		    log_text("text", v6only ? "systemd passed it with BindIPv6Only=ipv6-only"
					    : "systemd passed it with BindIPv6Only=both"));
}

/* Whether an error of bind(2) or socket(2) says that this machine does not have the address, or the
 * whole family. */
static bool is_not_there(int error)
{
	return error == EADDRNOTAVAIL || error == EAFNOSUPPORT;
}

static void listener_log_failed(const struct listener *l, const char *reason)
{
	log_error("failed", log_text("listener", l->conf->section.name),
		  log_text("reason", reason));
}

/* Claim or open the endpoint of one address. Returns 0, or -1 with the reason logged. */
static int addr_open(const struct change *change, struct listener *l, const struct addr_spec *spec,
		     const struct addr *addr)
{
	struct listeners *ls = change->ls;
	struct reason reason;
	char text[ADDR_TEXT_MAX];
	struct endpoint *e;

	if (endpoint_claim(change, l, spec, addr))
		return 0;
	e = endpoint_open(l, ls->table, addr, spec->text, passed_take(&ls->passed, addr),
			  backlog_of(l, change->settings), &reason);
	if (e != NULL) {
		addr_print(&e->addr, text, sizeof(text));
		log_notice("listening", log_text("listener", l->conf->section.name),
			   log_text("address", text));
		v6only_check(e, text);
		return 0;
	}
	if (spec->optional && is_not_there(errno)) {
		log_notice("left_out", log_text("listener", l->conf->section.name),
			   log_text("reason", reason.text));
		return 0;
	}
	ls->forbidden = errno == EACCES || errno == EPERM || errno == EROFS;
	if (errno == EADDRINUSE)
		passed_explain(&ls->passed, addr, &reason);
	listener_log_failed(l, reason.text);
	return -1;
}

/* Claim or open the endpoints of all addresses of spec. Returns 0, or -1 with the reason logged. */
static int spec_open(const struct change *change, struct listener *l, const struct addr_spec *spec)
{
	const struct name *host = names_ask(NAME_HOST, spec->text);
	const struct addr *addrs = host->value;

	if (host->error != NULL && endpoints_claim_of(change, l, spec)) {
		log_warning("sockets_kept", log_text("listener", l->conf->section.name),
			    log_text("reason", host->error));
		return 0;
	}
	if (host->error != NULL) {
		listener_log_failed(l, host->error);
		return -1;
	}
	for (size_t i = 0; i < host->size / sizeof(*addrs); i++)
		if (addr_open(change, l, spec, &addrs[i]) < 0)
			return -1;
	return 0;
}

static int listener_open(const struct change *change, struct listener *l)
{
	for (size_t i = 0; i < l->conf->listen.count; i++)
		if (spec_open(change, l, &l->conf->specs[i]) < 0)
			return -1;
	return 0;
}

static int listeners_make(const struct change *change, struct listener_list *next)
{
	struct listener_conf *conf = NULL;
	struct listener *l;

	while ((conf = listener_conf_next(change->settings, conf)) != NULL) {
		l = listener_new(change->ls->table->loop, conf, &conn_deadlines);
		if (l == NULL) {
			log_error("failed", log_text("reason", "out of memory"));
			return -1;
		}
		TAILQ_INSERT_TAIL(next, l, entry);
		if (listener_open(change, l) < 0)
			return -1;
	}
	return 0;
}

int listeners_prepare(struct listeners *ls, const struct settings *settings,
		      struct listener_list *next)
{
	struct change change = {.ls = ls, .settings = settings};
	struct listener *l;
	struct endpoint *e;
	int result = change_begin(&change);

	if (result < 0)
		log_error("failed", log_text("reason", "out of memory"));
	else
		result = listeners_make(&change, next);
	change_end(&change);
	if (result == 0)
		return 0;
	TAILQ_FOREACH(l, &ls->live, entry)
		TAILQ_FOREACH(e, &l->endpoints, entry)
			e->claimed = NULL;
	listeners_close(next);
	return -1;
}

/* ---- sweep ---- */

/* Warn of keys that a socket which is bound already cannot go by: v6only, socket_owner, ... */
static void restart_keys_log(const struct endpoint *e, const struct section *new)
{
	const struct section *old = &e->listener->conf->section;
	char text[ADDR_TEXT_MAX];

	addr_print(&e->addr, text, sizeof(text));
	for (size_t key = 0; key < new->kind->count; key++) {
		const struct option_def *def = &new->kind->options[key];
		const char *before = section_text(old, key), *after = section_text(new, key);

		if ((def->flags & OPTION_RESTART) &&
		    strcmp(before != NULL ? before : "", after != NULL ? after : "") != 0)
			log_warning("needs_restart", log_text("listener", new->name),
				    log_text("address", text), log_text("key", def->name));
	}
}

static void endpoint_handover(struct endpoint *e, const struct settings *settings)
{
	restart_keys_log(e, &e->claimed->conf->section);
	endpoint_move(e);
	if (e->addr.transport != TRANSPORT_UDP)
		listen(e->watch.fd, backlog_of(e->listener, settings));
}

static void listening_log_end(const struct endpoint *e)
{
	char text[ADDR_TEXT_MAX];

	addr_print(&e->addr, text, sizeof(text));
	log_notice("not_listening", log_text("listener", e->listener->conf->section.name),
		   log_text("address", text));
}

static void ports_use(const struct listeners *ls)
{
	const struct listener *l;
	const struct endpoint *e;

	datagram_ports_clear();
	TAILQ_FOREACH(l, &ls->live, entry)
		TAILQ_FOREACH(e, &l->endpoints, entry)
			datagram_port_add(&e->addr);
}

void listeners_swap(struct listeners *ls, struct listener_list *next,
		    const struct settings *settings)
{
	struct listener *l;
	struct endpoint *e, *after;

	TAILQ_FOREACH(l, &ls->live, entry) {
		TAILQ_FOREACH_SAFE(e, &l->endpoints, entry, after) {
			if (e->claimed != NULL)
				endpoint_handover(e, settings);
			else
				listening_log_end(e);
		}
	}
	listeners_close(&ls->live);
	TAILQ_CONCAT(&ls->live, next, entry);
	ports_use(ls);
}

/* ---- from the start to the end ---- */

void listeners_init(struct listeners *ls, struct conn_table *table)
{
	*ls = (struct listeners){.table = table};
	TAILQ_INIT(&ls->live);
}

void listeners_update(struct listeners *ls)
{
	struct listener *l;
	struct endpoint *e;

	opening_admit_waiting(ls->table);
	TAILQ_FOREACH(l, &ls->live, entry)
		TAILQ_FOREACH(e, &l->endpoints, entry)
			endpoint_update(e);
}

/* A caller in the backlog came before the stop, and may have asked already. It is not accepted from
 * a socket of systemd, which keeps that for the next process. */
void listeners_end(struct listeners *ls)
{
	struct listener *l;
	struct endpoint *e;

	TAILQ_FOREACH(l, &ls->live, entry)
		TAILQ_FOREACH(e, &l->endpoints, entry)
			if (!e->passed)
				endpoint_accept_all(e);
	listeners_close(&ls->live);
}

void listeners_close(struct listener_list *list)
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
