/* SPDX-License-Identifier: MIT */
#include "net/quota.h"

#include <stdlib.h>
#include <string.h>

/* A row for sa that has all its answers left. */
static struct quota_row row_of(const struct sockaddr *sa)
{
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;
	struct quota_row row = {.address = {[10] = 0xff, [11] = 0xff}};

	if (sa->sa_family == AF_INET) {
		memcpy(row.address + 12, &in->sin_addr, 4);
		row.port = in->sin_port;
	} else {
		memcpy(row.address, &in6->sin6_addr, 16);
		row.port = in6->sin6_port;
	}
	return row;
}

/* Add bytes to a hash, FNV-1a; it begins with the seed. */
static uint64_t hash_add(uint64_t hash, const void *data, size_t len)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * 1099511628211U;
	return hash;
}

/* The row in which wanted has its place, whosever it is now. */
static struct quota_row *row_find(struct quota *q, const struct quota_row *wanted)
{
	uint64_t hash;

	while (q->seed == 0)
		arc4random_buf(&q->seed, sizeof(q->seed));
	hash = hash_add(q->seed, wanted->address, sizeof(wanted->address));
	hash = hash_add(hash, &wanted->port, sizeof(wanted->port));
	return &q->rows[(hash ^ hash >> 32) % QUOTA_ROWS];
}

bool quota_take(struct quota *q, const struct sockaddr *sa, int64_t now_ms)
{
	struct quota_row source = row_of(sa), *row = row_find(q, &source);

	if (row->port != source.port ||
	    memcmp(row->address, source.address, sizeof(row->address)) != 0)
		*row = source;
	if (row->whole_ms < now_ms)
		row->whole_ms = now_ms;
	if (row->whole_ms - now_ms > (QUOTA_ANSWERS - 1) * QUOTA_EVERY_MS)
		return false;
	row->whole_ms += QUOTA_EVERY_MS;
	return true;
}
