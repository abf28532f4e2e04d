/* SPDX-License-Identifier: MIT */
#include "server/checks.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "config/near.h"
#include "net/listener.h"
#include "net/resource.h"
#include "net/verb.h"
#include "server/daemon.h"
#include "services/command.h"
#include "services/registry.h"
#include "wire/protocols.h"

/* Add an error to s, at KEY of the listener conf. */
#define LISTENER_ERROR(s, conf, key, ...) \
	section_error(&(s)->errors, &(conf)->section, LISTENER_KEY_##key, __VA_ARGS__)

/* Add a warning to s, at KEY of the listener conf. */
#define LISTENER_WARNING(s, conf, key, ...) \
	section_warning(&(s)->warnings, &(conf)->section, LISTENER_KEY_##key, __VA_ARGS__)

/* Whether an error is noted for a key: what its value should be is not known, and not to be judged.
 */
static bool is_wrong(const struct listener_conf *conf, int key)
{
	return conf->section.from[key].wrong;
}

/* ---- services ---- */

static void service_unknown(struct settings *s, const struct listener_conf *conf, const char *name)
{
	for (size_t i = 0; services[i] != NULL; i++) {
		if (!word_is_near(name, services[i]->name))
			continue;
		LISTENER_ERROR(s, conf, services, "there is no service '%s'; did you mean %s?",
			       name, services[i]->name);
		return;
	}
	LISTENER_ERROR(s, conf, services, "there is no service '%s'; %s", name,
		       strchr(name, ',') != NULL ? OPTION_COMMAS : "pollard --list names them");
}

/* Whether a service needs its section, as that has a key that must be given, and it is not there.
 */
static bool section_is_missing(const struct settings *s, const struct service *service)
{
	const struct section_kind *kind = service->section;

	if (kind == NULL || kind->name == NULL ||
	    section_of(TAILQ_FIRST(&s->sections), kind) != NULL)
		return false;
	for (size_t i = 0; i < kind->count; i++)
		if (kind->options[i].flags & OPTION_REQUIRED)
			return true;
	return false;
}

/* Whether conf is the first listener with a service: what the service lacks is told once. */
static bool is_first_with(const struct settings *s, const struct listener_conf *conf,
			  const char *name)
{
	const struct listener_conf *other = NULL;

	while ((other = listener_conf_next(s, other)) != NULL && other != conf)
		for (size_t i = 0; i < other->services.count; i++)
			if (strcmp(other->services.items[i], name) == 0)
				return false;
	return true;
}

/* Returns the service of that name, perhaps with an error; or NULL with an error. */
static const struct service *service_check(struct settings *s, const struct listener_conf *conf,
					   const char *name)
{
	const struct service *service = service_find(name);

	if (service == NULL)
		service_unknown(s, conf, name);
	else if (conf->wire != NULL && !(service->protocols & conf->wire->bit))
		LISTENER_ERROR(s, conf, services, "service '%s' makes no sense with protocol %s",
			       name, conf->wire->name);
	else if (section_is_missing(s, service) && is_first_with(s, conf, name))
		LISTENER_ERROR(s, conf, services, "service '%s' needs a section [service %s]", name,
			       name);
	return service;
}

/* On a protocol with names or paths all services answer, each by what it has; where there are
 * names, the service session as well. */
static void offers_check(struct settings *s, struct listener_conf *conf)
{
	const struct service **offers = calloc(conf->services.count + 2, sizeof(*offers));
	size_t count = 0;

	if (offers == NULL) {
		LISTENER_ERROR(s, conf, services, "out of memory");
		return;
	}
	if (conf->wire->bit == PROTOCOL_RESP)
		offers[count++] = &service_session;
	for (size_t i = 0; i < conf->services.count; i++) {
		const struct service *service = service_check(s, conf, conf->services.items[i]);

		if (service != NULL && service != &service_session)
			offers[count++] = service;
	}
	conf->offers = offers;
	conf->service = conf->wire->document != NULL ? &resource_service : &verb_service;
}

static void services_check(struct settings *s, struct listener_conf *conf)
{
	if (conf->wire != NULL && (conf->wire->bit & (PROTOCOL_RESP | PROTOCOL_HTTP)))
		offers_check(s, conf);
	else if (conf->wire != NULL && conf->services.count > 1)
		LISTENER_ERROR(s, conf, services, "raw and line take exactly one service");
	else
		for (size_t i = 0; i < conf->services.count; i++)
			conf->service = service_check(s, conf, conf->services.items[i]);
}

static void protocol_check(struct settings *s, struct listener_conf *conf)
{
	if (is_wrong(conf, LISTENER_KEY_protocol))
		return;
	conf->wire = protocol_find(conf->protocol);
	if (conf->wire != NULL && conf->wire->bit == PROTOCOL_RAW && conf->log_requests)
		LISTENER_ERROR(s, conf, log_requests, "raw has no requests, but bytes alone");
	if (conf->wire != NULL && conf->wire->bit != PROTOCOL_HTTP &&
	    conf->log_format == LOG_FORMAT_COMBINED)
		LISTENER_ERROR(s, conf, log_format, "combined is of protocol http");
	if (conf->wire != NULL)
		return;
	for (size_t i = 0; protocols[i] != NULL; i++) {
		if (!word_is_near(conf->protocol, protocols[i]->name))
			continue;
		LISTENER_ERROR(s, conf, protocol, "there is no protocol '%.100s'; did you mean %s?",
			       conf->protocol, protocols[i]->name);
		return;
	}
	LISTENER_ERROR(s, conf, protocol,
		       "there is no protocol '%.100s'; pollard --list names them", conf->protocol);
}

/* ---- addresses ---- */

/* A transport as a member of a set. */
#define TRANSPORT(name) (1U << TRANSPORT_##name)

static void udp_check(struct settings *s, const struct listener_conf *conf)
{
	if (conf->wire != NULL && conf->wire->bit != PROTOCOL_RAW)
		LISTENER_ERROR(s, conf, listen,
			       "udp: needs protocol = raw; give it a listener of its own");
	if (conf->service == NULL || conf->wire == NULL || conf->wire->bit != PROTOCOL_RAW)
		return;
	if (!(conf->service->flags & SERVICE_DATAGRAM))
		LISTENER_ERROR(s, conf, listen,
			       "service '%s' does not answer over udp:", conf->service->name);
	if ((conf->service->flags & SERVICE_AMPLIFIES) && !conf->amplify &&
	    !is_wrong(conf, LISTENER_KEY_amplify))
		LISTENER_ERROR(s, conf, listen,
			       "service '%s' answers more than it is asked, so over udp: it needs "
			       "amplify = yes",
			       conf->service->name);
}

static void privileged_check(struct settings *s, const struct listener_conf *conf)
{
	for (size_t i = 0; conf->offers != NULL && conf->offers[i] != NULL; i++)
		if (conf->offers[i]->flags & SERVICE_PRIVILEGED)
			LISTENER_ERROR(s, conf, services,
				       "service '%s' over tcp: needs an allow list",
				       conf->offers[i]->name);
}

/* Peers on unix: sockets are known by user and group, all others by their address. A list is an
 * error where no peer of its kind can call; and one of users or groups also where the others, who
 * may be anybody, are let in without a list of their own. */
static void access_check(struct settings *s, const struct listener_conf *conf, unsigned transports)
{
	bool local = transports & TRANSPORT(UNIX), network = transports & ~TRANSPORT(UNIX);
	bool has_users = conf->allow_users.count > 0, has_groups = conf->allow_groups.count > 0;
	bool is_open = conf->allow.count == 0 && !is_wrong(conf, LISTENER_KEY_allow);
	const char *const advice =
		local ? "the other addresses need allow as well" : "none of the addresses is unix:";

	if (has_users && (!local || (network && is_open)))
		LISTENER_ERROR(s, conf, allow_users,
			       "only peers on unix: sockets are known by user; %s", advice);
	if (has_groups && (!local || (network && is_open && !has_users)))
		LISTENER_ERROR(s, conf, allow_groups,
			       "only peers on unix: sockets are known by group; %s", advice);
	if (!network && conf->allow.count > 0)
		LISTENER_ERROR(s, conf, allow, "none of the addresses is tcp: or udp:");
	if ((transports & TRANSPORT(TCP)) && is_open && !has_users && !has_groups)
		privileged_check(s, conf);
}

/* Two listeners cannot have one address; hosts are compared as they are written. Port 0 stands for
 * a new port each time, so only two of one listener are the same. */
static void address_check(struct settings *s, struct listener_conf *conf, struct index *taken,
			  const struct addr_spec *spec)
{
	char key[ADDR_TEXT_MAX + 80];
	const struct listener_conf *other;

	snprintf(key, sizeof(key), "%s %.64s", spec->text,
		 strcmp(spec->port, "0") == 0 ? conf->section.name : "");
	other = index_find(taken, key);
	if (other != NULL)
		LISTENER_ERROR(s, conf, listen, "%.100s is taken by listener %.64s", spec->text,
			       other->section.name);
	else if (index_add(taken, key, conf) < 0)
		LISTENER_ERROR(s, conf, listen, "out of memory");
}

/* Take an address of `listen`. Returns its transport, as a member of a set, or 0 with an error. */
static unsigned address_take(struct settings *s, struct listener_conf *conf, struct index *taken,
			     size_t index)
{
	struct addr_spec *spec = &conf->specs[index];
	const char *text = conf->listen.items[index], *comma = strchr(text, ',');
	bool optional = text[0] == '-';
	struct reason reason;
	int result = addr_spec_parse(spec, text + optional, &reason);

	if (comma != NULL && (result < 0 || strchr(comma, ':') != NULL)) {
		result = reason_set(&reason, "'%.100s': " OPTION_COMMAS, text);
	}
	if (result < 0) {
		LISTENER_ERROR(s, conf, listen, "%s", reason.text);
		conf->section.from[LISTENER_KEY_listen].wrong = true;
		return 0;
	}
	spec->optional = optional;
	if (optional && spec->transport == TRANSPORT_UNIX)
		LISTENER_ERROR(s, conf, listen, "'-' has no meaning for unix:");
	address_check(s, conf, taken, spec);
	return 1U << spec->transport;
}

static void addresses_check(struct settings *s, struct listener_conf *conf, struct index *taken)
{
	unsigned transports = 0;
	bool all = conf->listen.count > 0;

	conf->specs = calloc(conf->listen.count + 1, sizeof(*conf->specs));
	if (conf->specs == NULL) {
		LISTENER_ERROR(s, conf, listen, "out of memory");
		conf->section.from[LISTENER_KEY_listen].wrong = true;
		return;
	}
	for (size_t i = 0; i < conf->listen.count; i++) {
		unsigned transport = address_take(s, conf, taken, i);

		transports |= transport;
		all = all && transport != 0;
	}
	if (transports & TRANSPORT(UDP))
		udp_check(s, conf);
	if (all)
		access_check(s, conf, transports);
	if (conf->socket_owner.count > 1)
		LISTENER_ERROR(s, conf, socket_owner, "a file has one owner");
	if (conf->socket_group.count > 1)
		LISTENER_ERROR(s, conf, socket_group, "a file has one group");
}

/* With allow_users or allow_groups, socket_mode is 0666 by default: those who may call must get to
 * the socket file. The kernel says who calls, and the others are hung up on. */
static void mode_check(struct settings *s, struct listener_conf *conf)
{
	struct option_source *from = &conf->section.from[LISTENER_KEY_socket_mode];

	if (from->text != NULL || (conf->allow_users.count == 0 && conf->allow_groups.count == 0))
		return;
	*from = (struct option_source){strdup("0666"), conf->section.file, conf->section.line,
				       false};
	if (from->text == NULL)
		LISTENER_ERROR(s, conf, socket_mode, "out of memory");
	conf->socket_mode = 0666;
}

static void listeners_check(struct settings *s)
{
	struct listener_conf *conf = NULL;
	struct index taken = {0}; /* the listener that has an address, by address_check()'s key */

	while ((conf = listener_conf_next(s, conf)) != NULL) {
		if (conf->section.again)
			continue;
		protocol_check(s, conf);
		services_check(s, conf);
		addresses_check(s, conf, &taken);
		mode_check(s, conf);
	}
	index_free(&taken);
}

void settings_check(struct settings *s)
{
	listeners_check(s);
	if (s->files.count > 0 && s->errors.count == 0 && listener_conf_next(s, NULL) == NULL)
		error_add(&s->errors, s->files.items[0].path, 0, "there is no [listener NAME]");
}

/* ---- warnings ---- */

/* Whether a listener has service, or a name that may be a slip of it; also where nobody can tell.
 */
static bool service_is_used(const struct settings *s, const struct service *service)
{
	const struct listener_conf *conf = NULL;

	while ((conf = listener_conf_next(s, conf)) != NULL) {
		if (is_wrong(conf, LISTENER_KEY_services))
			return true;
		for (size_t i = 0; i < conf->services.count; i++) {
			const char *name = conf->services.items[i];

			if (strcmp(name, service->name) == 0 ||
			    (service_find(name) == NULL && word_is_near(name, service->name)))
				return true;
		}
	}
	return listener_conf_next(s, NULL) == NULL;
}

static void sections_unused_warn(struct settings *s)
{
	for (size_t i = 0; services[i] != NULL; i++) {
		const struct section_kind *kind = services[i]->section;
		struct section *section;

		if (kind == NULL || service_is_used(s, services[i]))
			continue;
		TAILQ_FOREACH(section, &s->sections, entry)
			if (section->kind == kind && !section->again)
				error_add(&s->warnings, section->file, section->line,
					  "[%s %s]: warning: no listener has the service %s",
					  kind->word, section->name, services[i]->name);
	}
}

static void offers_warn(struct settings *s, const struct listener_conf *conf)
{
	for (size_t i = 0; conf->offers != NULL && conf->offers[i] != NULL; i++) {
		const struct service *service = conf->offers[i];
		const struct section_kind *kind = service->section;

		if (service->verbs == NULL && conf->wire->bit == PROTOCOL_RESP &&
		    (service->protocols & PROTOCOL_RESP))
			LISTENER_WARNING(s, conf, services,
					 "service '%s' adds nothing to protocol resp; PING, ECHO "
					 "and such are always there",
					 service->name);
		if (kind != NULL && kind->name == NULL &&
		    section_of(TAILQ_FIRST(&s->sections), kind) == NULL &&
		    is_first_with(s, conf, service->name))
			LISTENER_WARNING(s, conf, services,
					 "service '%s' has nothing to offer; there is no [%s NAME]",
					 service->name, kind->word);
	}
}

static bool has_commands(const struct listener_conf *conf)
{
	for (size_t i = 0; conf->offers != NULL && conf->offers[i] != NULL; i++)
		if (conf->offers[i]->section == &command_kind)
			return true;
	return false;
}

static void commands_reach_warn(struct settings *s)
{
	const struct listener_conf *conf = NULL;
	struct section *section;
	unsigned transports = 0;

	while ((conf = listener_conf_next(s, conf)) != NULL) {
		if (is_wrong(conf, LISTENER_KEY_listen))
			return;
		for (size_t i = 0; has_commands(conf) && i < conf->listen.count; i++)
			transports |= 1U << conf->specs[i].transport;
	}
	if (transports == 0)
		return;
	TAILQ_FOREACH(section, &s->sections, entry)
		if (section->kind == &command_kind && !section->again)
			command_reach_warn(section, transports & TRANSPORT(UNIX),
					   transports & ~TRANSPORT(UNIX), &s->warnings);
}

/* The most that listen(2) makes of a backlog; INT_MAX where the kernel does not tell. */
static int backlog_max(void)
{
	FILE *file = fopen("/proc/sys/net/core/somaxconn", "re");
	int max = INT_MAX;

	if (file == NULL)
		return max;
	if (fscanf(file, "%d", &max) != 1)
		max = INT_MAX;
	fclose(file);
	return max;
}

static void backlog_warn(struct settings *s, const struct section *section, size_t key, int backlog,
			 int max)
{
	if (section->from[key].text != NULL && backlog > max)
		section_warning(&s->warnings, section, key,
				"the kernel makes it %d (sysctl net.core.somaxconn)", max);
}

static void clients_warn(struct settings *s)
{
	unsigned max_clients = (unsigned)daemon_of(s)->max_clients, fitting;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || s->root->from[DAEMON_KEY_max_clients].wrong)
		return;
	fitting = daemon_clients(s, limit.rlim_max);
	if (fitting < max_clients)
		section_warning(&s->warnings, s->root, DAEMON_KEY_max_clients,
				"%u do not fit the limit of %ju descriptors; %u are served "
				"(LimitNOFILE, ulimit -n)",
				max_clients, (uintmax_t)limit.rlim_max, fitting);
}

void settings_warn(struct settings *s)
{
	const struct listener_conf *conf = NULL;
	int max = backlog_max();

	clients_warn(s);
	backlog_warn(s, s->root, DAEMON_KEY_backlog, daemon_of(s)->backlog, max);
	while ((conf = listener_conf_next(s, conf)) != NULL) {
		backlog_warn(s, &conf->section, LISTENER_KEY_backlog, conf->backlog, max);
		offers_warn(s, conf);
	}
	sections_unused_warn(s);
	commands_reach_warn(s);
}
