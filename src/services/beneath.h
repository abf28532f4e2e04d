/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_BENEATH_H
#define SERVICES_BENEATH_H
/*
 * The folder that is served, and names beneath it. A name is resolved by the kernel with
 * openat2(2), which does not leave the folder. The folder is the one that its path leads to, which
 * is looked up again each second that something is asked. References are counted: a scan that takes
 * more than one turn ends beneath the folder that it began with, whatever a reload brings.
 */
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "net/call.h"

struct beneath {
	unsigned refs;
	char *path;        /* owned */
	int fd;            /* O_PATH, owned: the folder that path led to when last looked up */
	dev_t dev;         /* of that folder */
	ino_t ino;         /* of that folder */
	bool hidden;       /* names that begin with a dot are served too */
	rlim_t fd_limit;   /* beneath_open() gives descriptors below this */
	int64_t looked_ms; /* when path was last looked up */
	int error;         /* errno: why path leads nowhere at present; 0: it leads somewhere */
};

/* Returns a reference, or NULL with errno. */
struct beneath *beneath_new(const char *path, bool hidden);
struct beneath *beneath_ref(struct beneath *root);
/* Give a reference back; the last one frees. NULL: nothing to do. */
void beneath_unref(struct beneath *root);

/* Look the path up again, if that was a second ago; now_ms is of the loop's clock. */
void beneath_follow(struct beneath *root, int64_t now_ms);

/* Whether a name, or a folder on the way to it, begins with a dot. */
bool name_is_hidden(const char *name);

/* Take a slice as a name, and a string. Returns 0, or -1 with errno: EILSEQ, ENAMETOOLONG; ENOENT
 * where the name is hidden and such names are not served. */
int beneath_name(const struct beneath *root, const struct slice *slice, char name[PATH_MAX]);

/* openat2(2) of name, which does not lead out of the folder. Returns a descriptor, or -1 with
 * errno. */
int beneath_resolve(int folder_fd, const char *name, int flags);

/* As beneath_resolve() in root; fails with EMFILE also where the descriptors that are left are for
 * clients, logs and a reload. */
int beneath_open(const struct beneath *root, const char *name, int flags);

/* As stat(2) of a name, without opening it: a device would notice. Returns 0, or -1 with errno,
 * ENOTSUP for a file whose size is not known. */
int beneath_stat(const struct beneath *root, const char *name, struct stat *st);

/* Open a folder, "" or "sub/folder/", to read its names. Returns it, the caller's, and *st; or NULL
 * with errno, ENOTSUP for a folder of files whose sizes are not known. */
DIR *beneath_opendir(const struct beneath *root, const char *folder, struct stat *st);

/* Whether an errno says that there is nothing of a name. Any other does not tell. */
bool error_is_none(int error);

/* Whether an errno says that the daemon or the system is short of something, which passes. */
bool error_is_shortage(int error);

/* Say why a name cannot be had, as errno has it: nil where there is none. Returns 0, or -1 with
 * ENOMEM. */
int beneath_refuse(const struct call *call, const struct slice *slice);

/* An errno of the functions above, for people; static, or strerror(3)'s. */
const char *beneath_reason(int error);

#endif
