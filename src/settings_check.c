/* SPDX-License-Identifier: MIT */
#include "settings_check.h"

#include <stdlib.h>
#include <string.h>

#include "net/verb.h"
#include "services/registry.h"

/* An error of the listener conf of s at KEY. */
#define LISTENER_ERROR(s, conf, key, ...) \
	section_error(&(s)->errors, &(conf)->section, LISTENER_KEY_##key, __VA_ARGS__)

static bool is_given(const struct listener_conf *conf, int key)
{
	return conf->section.from[key].text != NULL;
}

/* ---- services ---- */

static void service_unknown(struct settings *s, const struct listener_conf *conf, const char *name)
{
	for (size_t i = 0; services[i] != NULL; i++) {
		if (!option_is_near(name, services[i]->name))
			continue;
		LISTENER_ERROR(s, conf, services, "there is no service '%s'; did you mean %s?",
			       name, services[i]->name);
		return;
	}
	LISTENER_ERROR(s, conf, services, "there is no service '%s'; pollard --list names them",
		       name);
}

/* A service whose section has a key that must be given needs the section. */
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

static const struct service *service_check(struct settings *s, const struct listener_conf *conf,
					   const char *name)
{
	const struct service *service = service_find(name);

	if (service == NULL)
		service_unknown(s, conf, name);
	else if (conf->wire != NULL && !(service->protocols & conf->wire->bit))
		LISTENER_ERROR(s, conf, services, "service '%s' makes no sense with protocol %s",
			       name, conf->wire->name);
	else if (section_is_missing(s, service))
		LISTENER_ERROR(s, conf, services, "service '%s' needs a section [service %s]", name,
			       name);
	return service;
}

/* What answers on a protocol with names: the verbs of the services, and those of any session. */
static void offers_check(struct settings *s, struct listener_conf *conf)
{
	const struct service **offers = calloc(conf->services.count + 2, sizeof(*offers));
	size_t count = 0;

	if (offers == NULL) {
		LISTENER_ERROR(s, conf, services, "out of memory");
		return;
	}
	offers[count++] = &service_session;
	for (size_t i = 0; i < conf->services.count; i++) {
		const struct service *service = service_check(s, conf, conf->services.items[i]);

		if (service != NULL && service != &service_session)
			offers[count++] = service;
	}
	conf->offers = offers;
	conf->service = &verb_service;
}

static void services_check(struct settings *s, struct listener_conf *conf)
{
	if (!is_given(conf, LISTENER_KEY_services))
		return;
	if (conf->wire != NULL && conf->wire->bit == PROTOCOL_RESP)
		offers_check(s, conf);
	else if (conf->services.count == 1)
		conf->service = service_check(s, conf, conf->services.items[0]);
	else
		LISTENER_ERROR(s, conf, services, "raw and line take exactly one service");
}

/* ---- addresses ---- */

static void udp_check(struct settings *s, const struct listener_conf *conf)
{
	if (conf->wire != NULL && conf->wire->bit != PROTOCOL_RAW)
		LISTENER_ERROR(s, conf, listen, "udp: needs protocol = raw");
	if (conf->service == NULL)
		return;
	if (!(conf->service->flags & SERVICE_DATAGRAM))
		LISTENER_ERROR(s, conf, listen,
			       "service '%s' does not answer over udp:", conf->service->name);
	if ((conf->service->flags & SERVICE_AMPLIFIES) && !conf->amplify)
		LISTENER_ERROR(s, conf, listen,
			       "service '%s' answers more than it is asked, so over udp: it needs "
			       "amplify = yes",
			       conf->service->name);
}

/* Who talks to an IP address may be anybody. */
static void network_check(struct settings *s, const struct listener_conf *conf)
{
	const char *const advice = "move the others to a listener with allow";

	if (conf->allow_users.count > 0)
		LISTENER_ERROR(s, conf, allow_users,
			       "only peers on unix: sockets are known by user; %s", advice);
	if (conf->allow_groups.count > 0)
		LISTENER_ERROR(s, conf, allow_groups,
			       "only peers on unix: sockets are known by group; %s", advice);
	for (size_t i = 0; conf->offers != NULL && conf->offers[i] != NULL; i++)
		if ((conf->offers[i]->flags & SERVICE_PRIVILEGED) && conf->allow.count == 0)
			LISTENER_ERROR(s, conf, services,
				       "service '%s' over tcp: needs an allow list",
				       conf->offers[i]->name);
}

/* Two listeners cannot have one address; names are compared as they are written. Port 0 is a new
 * one each time. */
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

static void addresses_check(struct settings *s, struct listener_conf *conf, struct index *taken)
{
	char reason[OPTION_REASON_MAX];
	bool udp = false, network = false;

	conf->specs = calloc(conf->listen.count + 1, sizeof(*conf->specs));
	if (conf->specs == NULL)
		LISTENER_ERROR(s, conf, listen, "out of memory");
	for (size_t i = 0; conf->specs != NULL && i < conf->listen.count; i++) {
		struct addr_spec *spec = &conf->specs[i];
		const char *text = conf->listen.items[i];
		bool optional = text[0] == '-';

		if (addr_spec_parse(spec, text + optional, reason, sizeof(reason)) < 0) {
			LISTENER_ERROR(s, conf, listen, "%s", reason);
			continue;
		}
		spec->optional = optional;
		if (optional && spec->transport == TRANSPORT_UNIX)
			LISTENER_ERROR(s, conf, listen, "'-' has no meaning for unix:");
		udp = udp || spec->transport == TRANSPORT_UDP;
		network = network || spec->transport != TRANSPORT_UNIX;
		address_check(s, conf, taken, spec);
	}
	if (udp)
		udp_check(s, conf);
	if (network)
		network_check(s, conf);
	else if (conf->allow.count > 0)
		LISTENER_ERROR(s, conf, allow, "none of the addresses is tcp: or udp:");
	if (conf->socket_owner.count > 1)
		LISTENER_ERROR(s, conf, socket_owner, "a file has one owner");
	if (conf->socket_group.count > 1)
		LISTENER_ERROR(s, conf, socket_group, "a file has one group");
}

/* Those who may call must get to the socket; the kernel says who they are, and the others are
 * hung up on. */
static void mode_check(struct settings *s, struct listener_conf *conf)
{
	struct option_source *from = &conf->section.from[LISTENER_KEY_socket_mode];

	if (from->text != NULL || (conf->allow_users.count == 0 && conf->allow_groups.count == 0))
		return;
	*from = (struct option_source){strdup("0666"), conf->section.file, conf->section.line};
	if (from->text == NULL)
		LISTENER_ERROR(s, conf, socket_mode, "out of memory");
	conf->socket_mode = 0666;
}

void listeners_check(struct settings *s)
{
	struct listener_conf *conf = NULL;
	struct index taken = {0}; /* addresses, by whom */

	while ((conf = settings_listener(s, conf)) != NULL) {
		conf->wire = protocol_find(conf->protocol);
		if (conf->wire == NULL)
			LISTENER_ERROR(s, conf, protocol,
				       "there is no protocol '%.100s'; pollard --list names them",
				       conf->protocol);
		services_check(s, conf);
		addresses_check(s, conf, &taken);
		mode_check(s, conf);
	}
	index_free(&taken);
}
