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

#define ETAG_MAX 80  /* bytes, with the NUL */
#define ID_MAX 40    /* likewise */
#define OPEN_WORK 16 /* of conn_charge(), for one name */

/* The section in force, with its folder as it is now; NULL: nothing is served. */
struct files_conf *files_now(const struct call *call);

/* Returns 0 with the name of a regular file and what stat(2) says; or -1 with errno, EISDIR where
 * it is none. */
int file_find(const struct call *call, const struct slice *slice, char name[PATH_MAX],
	      struct stat *st);
/* The same with a descriptor, the caller's, in place of 0. */
int file_open(const struct call *call, const struct slice *slice, struct stat *st);
/* A regular file, borrowed for one turn. Returns NULL with errno, EISDIR where it is none, and then
 * with st. */
struct shared_file *file_borrow(const struct call *call, const char *name, struct stat *st);

/* What changes whenever the file does. */
void etag_print(const struct stat *st, char text[ETAG_MAX]);

/* What stays the same while it is the same file, whatever is in it. */
void id_print(const struct stat *st, char text[ID_MAX]);

/* Of struct service. */
extern const struct section_kind files_kind;
int files_prepare(struct settings *settings, struct reason *reason);
void files_use(struct settings *settings);
void files_stop(void);

/* Answer a GET of call->get; struct service. */
int files_fetch(const struct call *call);

#endif
