/* SPDX-License-Identifier: MIT */
#include "server/daemon.h"

#include "net/listener.h"
#include "net/opening.h"

#define DESCRIPTORS_RESERVED 128 /* for other things than clients: log, signals, jobs, callers */

#define LOG_TARGET_WORDS(WORD)            \
	WORD(LOG_TARGET_AUTO, "auto")     \
	WORD(LOG_TARGET_SYSLOG, "syslog") \
	WORD(LOG_TARGET_STDERR, "stderr")

#define LOG_FACILITY_WORDS(WORD)       \
	WORD(LOG_AUTH, "auth")         \
	WORD(LOG_AUTHPRIV, "authpriv") \
	WORD(LOG_CRON, "cron")         \
	WORD(LOG_DAEMON, "daemon")     \
	WORD(LOG_LOCAL0, "local0")     \
	WORD(LOG_LOCAL1, "local1")     \
	WORD(LOG_LOCAL2, "local2")     \
	WORD(LOG_LOCAL3, "local3")     \
	WORD(LOG_LOCAL4, "local4")     \
	WORD(LOG_LOCAL5, "local5")     \
	WORD(LOG_LOCAL6, "local6")     \
	WORD(LOG_LOCAL7, "local7")     \
	WORD(LOG_USER, "user")

#define LOG_LEVEL_WORDS(WORD)        \
	WORD(LOG_ERR, "error")       \
	WORD(LOG_WARNING, "warning") \
	WORD(LOG_NOTICE, "notice")   \
	WORD(LOG_INFO, "info")       \
	WORD(LOG_DEBUG, "debug")

OPTION_WORDS(when_full, WHEN_FULL_WORDS);
OPTION_WORDS(log_target, LOG_TARGET_WORDS);
OPTION_WORDS(log_facility, LOG_FACILITY_WORDS);
OPTION_WORDS(log_level, LOG_LEVEL_WORDS);

static const struct option_def daemon_options[DAEMON_KEYS] = {
#define OPT(key, kind, ...) \
	{#key, &option_##kind, offsetof(struct daemon_conf, key), OPTION_REST(__VA_ARGS__)},
#include "server/daemon.def"
#undef OPT
};

const struct section_kind daemon_kind = {
	.word = "daemon",
	.name = "",
	.options = daemon_options,
	.count = DAEMON_KEYS,
	.size = sizeof(struct daemon_conf),
};

struct daemon_conf *daemon_of(const struct settings *settings)
{
	return container_of(settings->root, struct daemon_conf, section);
}

/* Whether callers of some listener can be in their opening. */
static bool has_openings(const struct settings *settings)
{
	const struct listener_conf *conf = NULL;

	while ((conf = listener_conf_next(settings, conf)) != NULL)
		if (conf->steps[0] != NULL)
			return true;
	return false;
}

/* How many descriptors are kept for other things than clients, and callers in their opening. */
static rlim_t descriptors_reserved(const struct settings *settings)
{
	const struct listener_conf *conf = NULL;
	rlim_t count = DESCRIPTORS_RESERVED + (has_openings(settings) ? OPENINGS_SPARE : 0);

	while ((conf = listener_conf_next(settings, conf)) != NULL)
		count += conf->listen.count;
	return count;
}

/* How many descriptors go with a client: beside each there may be a caller in its opening. */
static rlim_t descriptors_of_client(const struct settings *settings)
{
	return has_openings(settings) ? 2 : 1;
}

rlim_t daemon_descriptors(const struct settings *settings)
{
	rlim_t max_clients = (rlim_t)daemon_of(settings)->max_clients;

	return descriptors_reserved(settings) + max_clients * descriptors_of_client(settings);
}

unsigned daemon_clients(const struct settings *settings, rlim_t descriptors)
{
	rlim_t reserved = descriptors_reserved(settings);

	if (descriptors >= daemon_descriptors(settings))
		return (unsigned)daemon_of(settings)->max_clients;
	descriptors = descriptors > 2 * reserved ? descriptors - reserved : descriptors / 2;
	return (unsigned)(descriptors / descriptors_of_client(settings));
}
