/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_KEPT_H
#define SERVICES_KEPT_H
/*
 * Listings that are kept from one request of a scan to the next: a few, a few seconds long, and for
 * whoever scans the same folder.
 *
 * A scan gives what was there before it began, so nothing that was read before then may serve it.
 * That is told by epochs: one ends where a scan begins that a listing of this epoch could be too
 * old for. A cursor carries the end of the number of the epoch in which its scan began; when that
 * is taken for one of the last few, the scan looks younger than it is, and no harm is done.
 */
#include <stdbool.h>
#include <sys/stat.h>

#include "core/deadline.h"
#include "services/listing.h"

#define KEPT_EPOCHS 256 /* that a cursor can tell apart */

struct kept {
	TAILQ_ENTRY(kept) entry;
	struct deadline deadline; /* runs when it has been read */
	struct listing listing;
	dev_t dev; /* of the folder */
	ino_t ino;
	bool reading;  /* its owner is who reads it */
	uint64_t born; /* the epoch in which reading began */
};

void kept_init(struct deadlines *deadlines);

/* Returns the epoch of a scan of folder that begins. */
uint64_t kept_epoch_begin(const struct stat *folder);
/* Returns the epoch of a scan that goes on, from its end, which the cursor had. */
uint64_t kept_epoch(uint64_t end);

/* Begin to read folder from place on; the caller's until kept_keep(), or kept_free(). Returns NULL
 * with ENOMEM. */
struct kept *kept_new(const struct stat *folder, uint64_t place);
void kept_free(struct kept *k);

/* Keep what has been read, for a while. */
void kept_keep(struct kept *k);

/* Find what may serve a scan of folder, from place on, that began in an epoch, and keep it for
 * longer. It is borrowed for one turn. Returns NULL where there is none. */
struct kept *kept_use(const struct stat *folder, uint64_t place, uint64_t begun);

/* Free all; the daemon ends, and nobody reads. */
void kept_stop(void);

#endif
