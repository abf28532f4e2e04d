/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_FILES_H
#define SERVICES_FILES_H
/* The service files: its section, and what its verbs and its documents share. */
#include <limits.h>
#include <sys/stat.h>

#include "config/section.h"
#include "net/call.h"
#include "services/beneath.h"
#include "services/media.h"

enum {
#define OPT(key, ...) FILES_KEY_##key,
#include "services/files.def"
#undef OPT
	FILES_KEYS
};

struct files_conf {
	struct section section;
#define OPT(key, type, ...) opt_##type key;
#include "services/files.def"
#undef OPT
	struct beneath *beneath; /* a reference */
	struct media *media;     /* owned */
};

#define ETAG_MAX 80

/* The section in force, with its folder as it is now; NULL: nothing is served. */
struct files_conf *files_now(const struct call *call);

/* Returns a descriptor of a regular file, or -1 with errno, EISDIR where it is none. */
int file_open(const struct call *call, const struct slice *slice, struct stat *st);

/* What changes whenever the file does. */
void etag_print(const struct stat *st, char text[ETAG_MAX]);

/* Answer a GET of call->get; struct service. */
int files_fetch(const struct call *call);

#endif
