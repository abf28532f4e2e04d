/* SPDX-License-Identifier: MIT */
#ifndef NET_TALLY_H
#define NET_TALLY_H
/* What is counted of a listener: its figures, what it has answered, and its clients from each
 * address. It goes by the listener's name and outlives a reload: all generations share it. */
#include <bsd/sys/queue.h>
#include <netinet/in.h>

#include "core/figure.h"
#include "core/ready.h"

#define TALLY_BUCKETS 256

struct source { /* an IPv4 address, or an IPv6 /64: what one customer is given */
	LIST_ENTRY(source) entry;
	unsigned char key[8]; /* the /64; or four zeros and the IPv4 address */
	unsigned clients;     /* from here; > 0 */
};

/* Requests of one verb; where a protocol has no verbs, those of its service. */
struct answers {
	TAILQ_ENTRY(answers) entry;
	struct tally *tally; /* whose they are */
	const char *verb;    /* static */
	struct lap lap;      /* how long they took */
};

struct tally {
	TAILQ_ENTRY(tally) entry;
	unsigned refs;
#define FIGURE(field, kind, ...) FIGURE_FIELD_##kind field;
#include "net/tally.def"
#undef FIGURE
	TAILQ_HEAD(answers_list, answers) answers;
	uint32_t seed; /* nobody outside can choose a bucket */
	LIST_HEAD(, source) buckets[TALLY_BUCKETS];
	char name[];
};

enum {
#define FIGURE(field, ...) TALLY_FIGURE_##field,
#include "net/tally.def"
#undef FIGURE
	TALLY_FIGURES
};

/* Of a struct tally, and of a struct answers. */
extern const struct figure tally_figures[TALLY_FIGURES], answers_figures[1];

/* Returns a reference to that of this name, which may be new, or NULL with ENOMEM. */
struct tally *tally_named(const char *name) __attribute__((warn_unused_result));
struct tally *tally_ref(struct tally *tally);
/* Give a reference back; the last one frees. NULL: nothing to do. */
void tally_unref(struct tally *tally);

/* The one after it, in the order in which they were made; of NULL the first. NULL: no more. */
struct tally *tally_next(const struct tally *tally);

/* The one of this name; NULL: there is none. */
struct tally *tally_find(const char *name);

/* What is counted of a verb, which is static, there from now on. Returns NULL with ENOMEM. */
struct answers *tally_answers(struct tally *tally, const char *verb);

/* Add to sum how long all took that it has answered. */
void tally_join_answers(struct histogram *sum, const struct tally *tally);
/* How long all took that was ever answered, by those that are gone too. */
void tally_all_answers(struct histogram *sum);

/* Count one more client from sa, an IPv4 or IPv6 address. Returns its source, for tally_leave(); or
 * NULL with ENOMEM, or with EUSERS where the source has max (> 0) clients already. */
struct source *tally_enter(struct tally *tally, const struct sockaddr *sa, unsigned max);
/* One client of source less. NULL: nothing to do. */
void tally_leave(struct source *source);

/* "192.0.2.1", "2001:db8:0:1::/64". Returns text[SOURCE_TEXT_MAX]. */
#define SOURCE_TEXT_MAX (INET6_ADDRSTRLEN + 3)
const char *source_print(const struct source *source, char *text);

#endif
