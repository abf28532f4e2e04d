/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_BENEATH_H
#define SERVICES_BENEATH_H
/*
 * The folder that is served, and names beneath it. A name is resolved by the kernel with
 * openat2(2), which does not leave the folder. Its path is followed: what it leads to is looked up
 * again each second that something is asked. Counted by reference: what takes more than one turn
 * ends beneath the folder that it began with, whatever a reload brings.
 */
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "net/call.h"

struct beneath {
	unsigned refs;
	char *path;      /* owned */
	int fd;          /* owned: what the path led to when last looked up */
	dev_t dev;       /* of that */
	ino_t ino;       /* likewise */
	bool hidden;     /* names that begin with a dot are served too */
	rlim_t fd_limit; /* files have descriptors below it */
	int64_t looked_ms;
	int error; /* why the path leads nowhere at present; 0: it does */
};

/* Returns NULL with errno. */
struct beneath *beneath_new(const char *path, bool hidden);
struct beneath *beneath_ref(struct beneath *root);
void beneath_unref(struct beneath *root);

/* Look its path up again where that was a second ago. */
void beneath_follow(struct beneath *root, int64_t now_ms);

/* Whether a name, or a folder on the way to it, begins with a dot. */
bool name_is_hidden(const char *name);

/* Returns 0 with name as a string, or -1 with errno. */
int beneath_name(const struct beneath *root, const struct slice *slice, char name[PATH_MAX]);

/* openat2(2) of name, which does not lead out of the folder. Returns a descriptor, or -1 with
 * errno. */
int beneath_resolve(int folder_fd, const char *name, int flags);

/* Returns a descriptor, or -1 with errno; EMFILE where those that are left are for others. */
int beneath_open(const struct beneath *root, const char *name, int flags);

/* What a name leads to, without opening it: a device would notice. Returns 0, or -1 with errno,
 * ENOTSUP for a file whose size is not known. */
int beneath_stat(const struct beneath *root, const char *name, struct stat *st);

/* Whether what is there has no size that could be told before it is read: the kernel's own files,
 * below /proc and /sys. Returns 0, or -1 with errno, ENOTSUP where it is so. */
int beneath_has_sizes(const struct beneath *root, int fd, const struct stat *st);

/* Whether errno says that there is nothing of that name; any other leaves it unknown. */
bool error_is_none(int error);

/* Whether it says that the daemon or the system is short of something: that passes. */
bool error_is_shortage(int error);

/* Say why a name cannot be had, as errno has it: nil where there is none. Returns 0, or -1 with
 * ENOMEM. */
int beneath_refuse(const struct call *call, const struct slice *slice);

/* errno for people. */
const char *beneath_reason(int error);

#endif
