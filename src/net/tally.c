/* SPDX-License-Identifier: MIT */
#include "net/tally.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <string.h>

#include "core/index.h"

static struct index by_name;
static TAILQ_HEAD(, tally) all = TAILQ_HEAD_INITIALIZER(all);

const struct figure tally_figures[TALLY_FIGURES] = {
#define FIGURE(field, ...) FIGURE_ROW(struct tally, field, __VA_ARGS__),
#include "net/tally.def"
#undef FIGURE
};

const struct figure answers_figures[1] = {
	FIGURE_ROW(
		struct answers, lap.took, HISTOGRAM, "pollard_request_duration_seconds", "",
		"Requests that were answered and how long that took, by listener and verb, or "
		"service where the protocol has no verbs: from what was read to what was sent in "
		"answer. Those that were read together are answered together, and took as long "
		"as all of them."),
};

/* ---- one of them ---- */

static struct tally *tally_new(const char *name)
{
	size_t size = strlen(name) + 1;
	struct tally *tally = calloc(1, sizeof(*tally) + size);

	if (tally == NULL)
		return NULL;
	TAILQ_INIT(&tally->answers);
	tally->seed = arc4random();
	memcpy(tally->name, name, size);
	if (index_add(&by_name, name, tally) < 0) {
		free(tally);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&all, tally, entry);
	return tally;
}

struct tally *tally_named(const char *name)
{
	struct tally *tally = index_find(&by_name, name);

	if (tally == NULL)
		tally = tally_new(name);
	return tally != NULL ? tally_ref(tally) : NULL;
}

struct tally *tally_ref(struct tally *tally)
{
	tally->refs++;
	return tally;
}

void tally_unref(struct tally *tally)
{
	struct answers *answers;

	if (tally == NULL || --tally->refs > 0)
		return;
	while ((answers = TAILQ_FIRST(&tally->answers)) != NULL) {
		TAILQ_REMOVE(&tally->answers, answers, entry);
		free(answers);
	}
	TAILQ_REMOVE(&all, tally, entry);
	index_remove(&by_name, tally->name);
	free(tally);
}

struct tally *tally_next(const struct tally *tally)
{
	return tally != NULL ? TAILQ_NEXT(tally, entry) : TAILQ_FIRST(&all);
}

struct answers *tally_answers(struct tally *tally, const char *verb)
{
	struct answers *answers;

	TAILQ_FOREACH(answers, &tally->answers, entry)
		if (strcmp(answers->verb, verb) == 0)
			return answers;
	answers = calloc(1, sizeof(*answers));
	if (answers == NULL)
		return NULL;
	answers->tally = tally;
	answers->verb = verb;
	TAILQ_INSERT_TAIL(&tally->answers, answers, entry);
	return answers;
}

/* ---- its sources ---- */

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

/* FNV-1a, seeded. */
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
