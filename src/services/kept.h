/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_KEPT_H
#define SERVICES_KEPT_H
/*
 * Listings that are kept from one request of a scan to the next: a few of them, for a few seconds,
 * and for whoever scans the same folder.
 *
 * A scan gives what was there before it began, so no listing that was read before then may serve
 * it. Epochs tell which may: a new one begins where a scan of a folder begins and there is a
 * listing of that folder in the present epoch, which could be too old. A cursor carries the epoch
 * in which its scan began, modulo KEPT_EPOCHS; a scan that is older than so many epochs is taken
 * for a younger one, which does no harm: fewer listings may serve it.
 */
#include <stdbool.h>
#include <sys/stat.h>

#include "core/deadline.h"
#include "services/listing.h"

#define KEPT_EPOCHS 256 /* that a cursor can tell apart */

struct kept {
	TAILQ_ENTRY(kept) entry;
	struct deadline deadline; /* when it is freed; runs once it has been read */
	struct listing listing;
	dev_t dev;     /* of the folder */
	ino_t ino;     /* of the folder */
	bool reading;  /* a scan reads the folder, and owns this */
	uint64_t born; /* the epoch in which reading began */
};

/* Call before any other. */
void kept_init(struct deadlines *deadlines);

/* Returns the epoch of a scan of folder that begins. */
uint64_t kept_epoch_begin(const struct stat *folder);
/* Returns the epoch of a scan that goes on; end is what its cursor has of it. */
uint64_t kept_epoch(uint64_t end);

/* Make a listing of folder, empty, for names from place on. It is owned by the scan that reads the
 * folder, until kept_keep() or kept_free(). Returns NULL with ENOMEM. */
struct kept *kept_new(const struct stat *folder, uint64_t place);
void kept_free(struct kept *k);

/* Keep a listing that has been read, for a while; it is not the scan's any more. */
void kept_keep(struct kept *k);

/* Find a listing that may serve a scan of folder, from place on, that began in an epoch, and keep
 * it for longer. Returns it, borrowed for one turn, or NULL. */
struct kept *kept_use(const struct stat *folder, uint64_t place, uint64_t begun);

/* Free all listings; the daemon ends, and nobody reads. */
void kept_stop(void);

#endif
