/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_MEDIA_H
#define SERVICES_MEDIA_H
/* Media types, by what a file's name ends in: those of /etc/mime.types, and the most usual ones
 * where that is not there. */

struct media;

/* Returns NULL with ENOMEM. */
struct media *media_new(const char *path);
void media_free(struct media *m);

/* The type of a file of that name, with the charset of a text. Borrowed from m, or static. */
const char *media_type(const struct media *m, const char *name);

#endif
