/* SPDX-License-Identifier: MIT */
#ifndef NET_SHARED_FILE_H
#define NET_SHARED_FILE_H
/* An open file that several replies may be sent from at one time: each has an offset of its own. */
#include <sys/types.h>

struct shared_file {
	int fd; /* owned */
	unsigned refs;
};

/* Takes fd. Returns NULL with ENOMEM. */
struct shared_file *shared_file_new(int fd);
struct shared_file *shared_file_ref(struct shared_file *f);
/* The last one closes it. */
void shared_file_unref(struct shared_file *f);

/* Read len bytes of an open file from first on, though the kernel may give fewer at a time. Returns
 * 0, or -1 with errno, ENODATA where the file has become shorter. */
int file_read(int fd, off_t first, char *to, size_t len) __attribute__((warn_unused_result));

#endif
