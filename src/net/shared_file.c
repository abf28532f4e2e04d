/* SPDX-License-Identifier: MIT */
#include "net/shared_file.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct shared_file *shared_file_new(int fd)
{
	struct shared_file *f = malloc(sizeof(*f));

	if (f == NULL) {
		close(fd);
		return NULL;
	}
	*f = (struct shared_file){.fd = fd, .refs = 1};
	return f;
}

struct shared_file *shared_file_ref(struct shared_file *f)
{
	f->refs++;
	return f;
}

void shared_file_unref(struct shared_file *f)
{
	if (--f->refs > 0)
		return;
	close(f->fd);
	free(f);
}

int file_read(int fd, off_t first, char *to, size_t len)
{
	ssize_t n = 1;

	for (size_t done = 0; n > 0 && done < len; done += (size_t)n)
		n = pread(fd, to + done, len - done, first + (off_t)done);
	if (n == 0)
		errno = ENODATA;
	return n > 0 ? 0 : -1;
}
