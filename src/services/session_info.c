/* SPDX-License-Identifier: MIT */
/* INFO, as far as clients and monitors of Redis look at it before they trust a server. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "core/stats.h"
#include "net/conn.h"
#include "services/session.h"

#define REDIS_VERSION "7.0.0" /* whose answers clients may expect; some compare it */
#define SECTION_MAX 256       /* bytes */

struct info_section {
	const char *name, *title;
	int (*print)(const struct call *call, char *text, size_t size); /* as snprintf(3) */
};

static int server_print(const struct call *call, char *text, size_t size)
{
	return snprintf(text, size,
			"redis_version:%s\r\nserver_name:pollard\r\npollard_version:%s\r\n"
			"redis_mode:standalone\r\narch_bits:%zu\r\n",
			REDIS_VERSION, PACKAGE_VERSION, 8 * sizeof(void *));
}

static int clients_print(const struct call *call, char *text, size_t size)
{
	return snprintf(text, size,
			"connected_clients:%u\r\nmaxclients:%u\r\nblocked_clients:0\r\n",
			conn_clients(call->conn), conn_max_clients(call->conn));
}

static int memory_print(const struct call *call, char *text, size_t size)
{
	return snprintf(text, size, "used_memory:%zu\r\n", mallinfo2().uordblks);
}

static int persistence_print(const struct call *call, char *text, size_t size)
{
	return snprintf(text, size,
			"loading:0\r\nrdb_bgsave_in_progress:0\r\n"
			"aof_rewrite_in_progress:0\r\n");
}

static int stats_print(const struct call *call, char *text, size_t size)
{
	return snprintf(text, size,
			"total_connections_received:%" PRIu64 "\r\n"
			"total_commands_processed:%" PRIu64 "\r\n"
			"total_net_input_bytes:%" PRIu64 "\r\n"
			"total_net_output_bytes:%" PRIu64 "\r\n",
			stats.accepted, stats.requests, stats.bytes_in, stats.bytes_out);
}

static int replication_print(const struct call *call, char *text, size_t size)
{
	return snprintf(text, size, "role:master\r\nconnected_slaves:0\r\n");
}

static const struct info_section sections[] = {
	{"server", "# Server", server_print}, {"clients", "# Clients", clients_print},
	{"memory", "# Memory", memory_print}, {"persistence", "# Persistence", persistence_print},
	{"stats", "# Stats", stats_print},    {"replication", "# Replication", replication_print},
};

static bool section_is_asked(const struct call *call, const char *name)
{
	for (int i = 1; i < call->argc; i++)
		if (slice_is(&call->argv[i], name) || slice_is(&call->argv[i], "all") ||
		    slice_is(&call->argv[i], "default") || slice_is(&call->argv[i], "everything"))
			return true;
	return call->argc == 1;
}

int session_info(const struct call *call)
{
	const size_t count = sizeof(sections) / sizeof(sections[0]);
	char text[sizeof(sections) / sizeof(sections[0]) * SECTION_MAX], *at = text;

	*at = '\0';
	for (size_t i = 0; i < count; i++) {
		if (!section_is_asked(call, sections[i].name))
			continue;
		at += sprintf(at, "%s%s\r\n", at > text ? "\r\n" : "", sections[i].title);
		at += sections[i].print(call, at, SECTION_MAX - 20);
	}
	return say_text(call, text);
}
