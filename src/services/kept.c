/* SPDX-License-Identifier: MIT */
#include "services/kept.h"

#include <stdlib.h>

#define LISTING_BYTES (4U << 20) /* of one listing, which takes 3 ms to free */
#define KEPT_MAX 4               /* listings that are kept */
#define KEPT_MS 10000            /* since a listing was last asked for */

static uint64_t epoch = KEPT_EPOCHS; /* the present one */

/* Those asked for longest ago are first, but for those that are being read. */
static TAILQ_HEAD(kept_list, kept) all = TAILQ_HEAD_INITIALIZER(all);
static unsigned kept_count; /* listings that are not being read */
static struct deadline_queue ends;

void kept_free(struct kept *k)
{
	TAILQ_REMOVE(&all, k, entry);
	if (!k->reading)
		kept_count--;
	deadline_cancel(&k->deadline);
	listing_free(&k->listing);
	free(k);
}

static void kept_expired(struct deadline *d)
{
	kept_free(container_of(d, struct kept, deadline));
}

struct kept *kept_new(const struct stat *folder, uint64_t place)
{
	struct kept *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return NULL;
	listing_init(&k->listing, place, LISTING_BYTES);
	k->dev = folder->st_dev;
	k->ino = folder->st_ino;
	k->reading = true;
	k->born = epoch;
	TAILQ_INSERT_TAIL(&all, k, entry);
	return k;
}

static bool kept_is_of(const struct kept *k, const struct stat *folder)
{
	return k->dev == folder->st_dev && k->ino == folder->st_ino;
}

uint64_t kept_epoch_begin(const struct stat *folder)
{
	const struct kept *k;

	TAILQ_FOREACH(k, &all, entry)
		if (kept_is_of(k, folder) && k->born == epoch)
			return ++epoch;
	return epoch;
}

uint64_t kept_epoch(uint64_t end)
{
	return epoch - (epoch - end) % KEPT_EPOCHS;
}

/* The youngest listing that may serve a scan which began in that epoch, so that the older ones fall
 * into disuse. */
static struct kept *kept_find(const struct stat *folder, uint64_t place, uint64_t begun)
{
	struct kept *k, *found = NULL;

	TAILQ_FOREACH(k, &all, entry)
		if (!k->reading && k->born >= begun && kept_is_of(k, folder) &&
		    place >= k->listing.from && place < k->listing.limit &&
		    (found == NULL || k->born > found->born))
			found = k;
	return found;
}

/* k has been asked for. */
static void kept_renew(struct kept *k)
{
	deadline_start(&ends, &k->deadline);
	TAILQ_REMOVE(&all, k, entry);
	TAILQ_INSERT_TAIL(&all, k, entry);
}

struct kept *kept_use(const struct stat *folder, uint64_t place, uint64_t begun)
{
	struct kept *k = kept_find(folder, place, begun);

	if (k != NULL)
		kept_renew(k);
	return k;
}

/* The listing that was asked for longest ago makes room. */
void kept_keep(struct kept *k)
{
	struct kept *oldest;

	k->reading = false;
	kept_renew(k);
	if (++kept_count <= KEPT_MAX)
		return;
	TAILQ_FOREACH(oldest, &all, entry)
		if (!oldest->reading)
			break;
	kept_free(oldest);
}

void kept_init(struct deadlines *deadlines)
{
	deadline_queue_init(deadlines, &ends, KEPT_MS, kept_expired);
}

void kept_stop(void)
{
	struct kept *k;

	while ((k = TAILQ_FIRST(&all)) != NULL)
		kept_free(k);
}
