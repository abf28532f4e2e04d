/* SPDX-License-Identifier: MIT */
#ifndef SERVER_SCHEMA_H
#define SERVER_SCHEMA_H
/* What the configuration of the daemon may hold: the kinds of all its sections. */
#include "server/daemon.h"

/* Returns the schema, static. Its root is [daemon]. */
const struct settings_schema *daemon_schema(void);

#endif
