/* SPDX-License-Identifier: MIT */
#include "server/daemon.h"

#include "net/listener.h"
#include "server/checks.h"
#include "services/registry.h"

#define DESCRIPTORS_RESERVED 128 /* that are not clients: log, signals, lingering callers */

static const struct option_def daemon_options[DAEMON_KEYS] = {
#define OPT(key, kind, ...) \
	{#key, &option_##kind, offsetof(struct daemon_conf, key), OPTION_REST(__VA_ARGS__)},
#include "server/daemon.def"
#undef OPT
};

static const struct section_kind daemon_kind = {
	.word = "daemon",
	.name = "",
	.options = daemon_options,
	.count = DAEMON_KEYS,
	.size = sizeof(struct daemon_conf),
};

const struct settings_schema *daemon_schema(void)
{
	static const struct section_kind *kinds[SERVICES + 3]; /* the last one stays NULL */
	static const struct settings_schema schema = {kinds, settings_check, settings_warn};
	size_t count = 0;

	kinds[count++] = &daemon_kind;
	kinds[count++] = &listener_kind;
	for (size_t i = 0; services[i] != NULL; i++)
		if (services[i]->section != NULL)
			kinds[count++] = services[i]->section;
	return &schema;
}

struct daemon_conf *daemon_of(const struct settings *settings)
{
	return container_of(settings->root, struct daemon_conf, section);
}

static rlim_t descriptors_reserved(const struct settings *settings)
{
	const struct listener_conf *conf = NULL;
	rlim_t count = DESCRIPTORS_RESERVED;

	while ((conf = listener_conf_next(settings, conf)) != NULL)
		count += conf->listen.count;
	return count;
}

rlim_t daemon_descriptors(const struct settings *settings)
{
	return descriptors_reserved(settings) + (rlim_t)daemon_of(settings)->max_clients;
}

unsigned daemon_clients(const struct settings *settings, rlim_t descriptors)
{
	rlim_t reserved = descriptors_reserved(settings);

	if (descriptors >= daemon_descriptors(settings))
		return (unsigned)daemon_of(settings)->max_clients;
	return (unsigned)(descriptors > 2 * reserved ? descriptors - reserved : descriptors / 2);
}
