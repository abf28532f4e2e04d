/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_PART_H
#define CLIENT_PART_H
/*
 * A file while it is downloaded: TARGET.part, and TARGET.part.etag, which has the etag of the file
 * on the server that it is a part of. Once it is whole, one rename(2) makes it TARGET, so that
 * there is always either the old file or the new one. Functions say on standard error what fails.
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
	char *path;         /* of the part; owned */
	char *etag_path;    /* of the file with its etag; owned */
	int fd;             /* of the part, locked; owned; -1: not open */
	int64_t size;       /* bytes of the part */
};

/* Open the part of target, or make one, and keep other processes from it. Returns 0; or -1 with the
 * reason said, as all below. After either, part_close() is due. */
int part_open(struct part *p, const char *target) __attribute__((warn_unused_result));

/* Whether the part is of the file that has this etag. */
bool part_is_of(const struct part *p, const char *etag);

/* Empty the part, and note that it is of the file that has this etag. */
int part_restart(struct part *p, const char *etag) __attribute__((warn_unused_result));

/* Add bytes at the end. */
int part_add(struct part *p, const char *data, size_t len) __attribute__((warn_unused_result));

/* The part is whole: make it target. */
int part_finish(struct part *p) __attribute__((warn_unused_result));

/* Remove both files. */
void part_remove(struct part *p);

/* Close the part, wherever its files are then, and free the paths. */
void part_close(struct part *p);

#endif
