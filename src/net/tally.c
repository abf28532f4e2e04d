/* SPDX-License-Identifier: MIT */
#include "net/tally.h"

#include <arpa/inet.h>
#include <bsd/stdlib.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/index.h"

static struct index by_name;
static TAILQ_HEAD(, tally) all = TAILQ_HEAD_INITIALIZER(all);
static struct histogram gone; /* what those have answered that are no more */

const struct figure tally_figures[TALLY_FIGURES] = {
#define FIGURE(field, ...) FIGURE_ROW(struct tally, field, __VA_ARGS__),
#include "net/tally.def"
#undef FIGURE
};

const struct figure answers_figures[1] = {
	FIGURE_ROW(struct answers, lap.took, HISTOGRAM, "pollard_request_duration_seconds", "",
		   "Requests that were answered and how long that took, from what was read to the "
		   "end of the answer, by listener and verb, or by service where there are no "
		   "verbs. Those that were read together are answered together, and each of them "
		   "took as long as all."),
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
		histogram_join(&gone, &answers->lap.took);
		free(answers);
	}
	TAILQ_REMOVE(&all, tally, entry);
	index_remove(&by_name, tally->name);
	free(tally);
}

struct tally *tally_find(const char *name)
{
	return index_find(&by_name, name);
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

void tally_join_answers(struct histogram *sum, const struct tally *tally)
{
	const struct answers *answers;

	TAILQ_FOREACH(answers, &tally->answers, entry)
		histogram_join(sum, &answers->lap.took);
}

void tally_all_answers(struct histogram *sum)
{
	const struct tally *tally;

	*sum = gone;
	TAILQ_FOREACH(tally, &all, entry)
		tally_join_answers(sum, tally);
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

/* No host has an IPv6 address with 32 zero bits in front, but for this host itself. */
const char *source_print(const struct source *source, char *text)
{
	static const unsigned char zeros[8];
	struct in6_addr in6 = {0};
	char network[INET6_ADDRSTRLEN] = "";

	memcpy(&in6, source->key, sizeof(source->key));
	if (memcmp(source->key, zeros, 8) == 0) {
		snprintf(text, SOURCE_TEXT_MAX, "::1");
	} else if (memcmp(source->key, zeros, 4) == 0) {
		inet_ntop(AF_INET, source->key + 4, text, SOURCE_TEXT_MAX);
	} else {
		inet_ntop(AF_INET6, &in6, network, sizeof(network));
		snprintf(text, SOURCE_TEXT_MAX, "%s/64", network);
	}
	return text;
}
