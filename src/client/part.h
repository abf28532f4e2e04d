/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_PART_H
#define CLIENT_PART_H
/*
 * A file while it is downloaded: TARGET.part, and TARGET.part.etag, which tells what it is a
 * part of. It gets its name once it is whole, and by one rename(2), so that under that name is
 * always either the old file or the new. What fails is said on standard error.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PART_SUFFIX ".part"
#define PART_ETAG_SUFFIX ".part.etag"

/* The path with one of these, for as long as target is not whole; a name that would become too long
 * is cut, with a hash of all of it. Returns what the caller frees, or NULL with ENOMEM. */
char *part_path(const char *target, const char *suffix);

struct part {
	const char *target; /* borrowed */
	char *path;
	char *etag_path;
	int fd;
	int64_t size; /* bytes */
};

/* Open the part, or make one, and keep every other process from it. Returns 0 or -1, as all
 * below; after either, part_close() is due. */
int part_open(struct part *p, const char *target) __attribute__((warn_unused_result));

/* True if the part is one of what has this etag. */
bool part_is_of(const struct part *p, const char *etag);

/* Empty it, to be a part of what has this etag. */
int part_restart(struct part *p, const char *etag) __attribute__((warn_unused_result));

int part_add(struct part *p, const char *data, size_t len) __attribute__((warn_unused_result));

/* It is whole: give it its name. */
int part_finish(struct part *p) __attribute__((warn_unused_result));

void part_remove(struct part *p);

void part_close(struct part *p);

#endif
