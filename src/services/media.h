/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_MEDIA_H
#define SERVICES_MEDIA_H
/* Media types, by what the name of a file ends in: those of /etc/mime.types, or where there is no
 * such file, the most usual ones. */

struct media;

/* Returns NULL with ENOMEM. */
struct media *media_new(const char *path);
void media_free(struct media *m);

/* The type of a file of that name, with the charset of a text. Borrowed from m, or static. */
const char *media_type(const struct media *m, const char *name);

#endif
