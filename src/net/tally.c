/* SPDX-License-Identifier: MIT */
#include "net/tally.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <string.h>

struct tally *tally_new(void)
{
	struct tally *tally = calloc(1, sizeof(*tally));

	if (tally == NULL)
		return NULL;
	tally->refs = 1;
	tally->seed = arc4random();
	return tally;
}

struct tally *tally_ref(struct tally *tally)
{
	tally->refs++;
	return tally;
}

void tally_unref(struct tally *tally)
{
	if (tally != NULL && --tally->refs == 0)
		free(tally);
}

static void source_key(unsigned char key[8], const struct sockaddr *sa)
{
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;
	const unsigned char *bytes = in6->sin6_addr.s6_addr;

	memset(key, 0, 8);
	if (sa->sa_family == AF_INET)
		memcpy(key + 4, &in->sin_addr, 4);
	else if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		memcpy(key + 4, bytes + 12, 4);
	else
		memcpy(key, bytes, 8);
}

/* The bucket of a key, by FNV-1a, seeded. */
static unsigned source_bucket(uint32_t hash, const unsigned char key[8])
{
	for (int i = 0; i < 8; i++)
		hash = (hash ^ key[i]) * 16777619U;
	return (hash ^ hash >> 16) % TALLY_BUCKETS;
}

struct source *tally_enter(struct tally *tally, const struct sockaddr *sa, unsigned max)
{
	struct source *source;
	unsigned char key[8];
	unsigned bucket;

	source_key(key, sa);
	bucket = source_bucket(tally->seed, key);
	LIST_FOREACH(source, &tally->buckets[bucket], entry) {
		if (memcmp(source->key, key, sizeof(key)) == 0)
			break;
	}
	if (source != NULL && max > 0 && source->clients >= max) {
		errno = EUSERS;
		return NULL;
	}
	if (source == NULL) {
		source = calloc(1, sizeof(*source));
		if (source == NULL)
			return NULL;
		memcpy(source->key, key, sizeof(key));
		LIST_INSERT_HEAD(&tally->buckets[bucket], source, entry);
	}
	source->clients++;
	return source;
}

void tally_leave(struct source *source)
{
	if (source == NULL || --source->clients > 0)
		return;
	LIST_REMOVE(source, entry);
	free(source);
}
