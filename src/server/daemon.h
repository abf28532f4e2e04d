/* SPDX-License-Identifier: MIT */
#ifndef SERVER_DAEMON_H
#define SERVER_DAEMON_H
/* The section [daemon], and what follows from all sections for the daemon. */
#include <sys/resource.h>

#include "config/settings.h"
#include "core/log.h"

/* What is done with callers for whom there is no place. */
#define WHEN_FULL_WORDS(WORD)   \
	WORD(WHEN_WAIT, "wait") \
	WORD(WHEN_REJECT, "reject")

typedef enum when_full { WHEN_FULL_WORDS(OPTION_CONSTANT) } opt_when_full;
typedef enum log_target opt_log_target;
typedef int opt_log_facility; /* LOG_DAEMON, ... */
typedef int opt_log_level;    /* LOG_INFO, ... */

enum {
#define OPT(key, ...) DAEMON_KEY_##key,
#include "server/daemon.def"
#undef OPT
	DAEMON_KEYS
};

struct daemon_conf {
	struct section section;
#define OPT(key, type, ...) opt_##type key;
#include "server/daemon.def"
#undef OPT
};

extern const struct section_kind daemon_kind;

/* The section [daemon] of settings, which is always there. */
struct daemon_conf *daemon_of(const struct settings *settings);

/* How many descriptors are enough for max_clients clients, and all else that the daemon does. */
rlim_t daemon_descriptors(const struct settings *settings);
/* How many clients there can be with so many descriptors: max_clients, or fewer. */
unsigned daemon_clients(const struct settings *settings, rlim_t descriptors);

#endif
