/* SPDX-License-Identifier: MIT */
#include "client/part.h"

#include "client/escape.h"
#include "client/io.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MODE 0666      /* of new files, less the umask */
#define NAME_KEPT 200  /* bytes of a name that is too long with a suffix */
#define ETAG_MAX 1024U /* bytes that are read of an etag */

/* Whether the part that was opened still has its name. Where another process has renamed it
 * meanwhile, the lock on it is of no use. */
static bool still_named(const struct part *p, const struct stat *opened)
{
	struct stat named;

	return lstat(p->path, &named) == 0 && named.st_dev == opened->st_dev &&
	       named.st_ino == opened->st_ino;
}

/* Lock the part, and find out its size. Returns 0, or -1 with the reason said. */
static int part_lock(struct part *p)
{
	struct stat st;

	if (fstat(p->fd, &st) < 0) {
		escape_warnx("%s: %m", p->path);
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		escape_warnx("%s: not a regular file", p->path);
		return -1;
	}
	if (flock(p->fd, LOCK_EX | LOCK_NB) < 0 || !still_named(p, &st)) {
		escape_warnx("%s: another download is at work on it", p->path);
		return -1;
	}
	p->size = st.st_size;
	return 0;
}

/* FNV-1a. */
static uint64_t hash(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *text != '\0'; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
	return hash;
}

char *part_path(const char *target, const char *suffix)
{
	const char *slash = strrchr(target, '/'), *name = slash != NULL ? slash + 1 : target;
	char *path;
	int len;

	if (strlen(name) + strlen(PART_ETAG_SUFFIX) <= NAME_MAX)
		len = asprintf(&path, "%s%s", target, suffix);
	else
		len = asprintf(&path, "%.*s~%016" PRIx64 "%s", (int)(name - target) + NAME_KEPT,
			       target, hash(name), suffix);
	return len < 0 ? NULL : path;
}

int part_open(struct part *p, const char *target)
{
	*p = (struct part){.target = target, .fd = -1};
	p->path = part_path(target, PART_SUFFIX);
	p->etag_path = part_path(target, PART_ETAG_SUFFIX);
	if (p->path == NULL || p->etag_path == NULL) {
		escape_warnx("%s: %m", target);
		return -1;
	}
	/* O_NONBLOCK: a pipe of that name is refused and not waited for. */
	p->fd = open(p->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, MODE);
	if (p->fd < 0) {
		escape_warnx("%s: %m", p->path);
		return -1;
	}
	if (part_lock(p) == 0)
		return 0;
	close(p->fd);
	p->fd = -1; /* another process has it */
	return -1;
}

bool part_is_of(const struct part *p, const char *etag)
{
	int fd = open(p->etag_path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char text[ETAG_MAX];
	ssize_t len;

	if (fd < 0)
		return false;
	len = read(fd, text, sizeof(text));
	close(fd);
	return len > 0 && (size_t)len == strlen(etag) && memcmp(text, etag, (size_t)len) == 0;
}

/* Write the file with the etag. Returns 0, or -1 with errno. */
static int etag_write(const struct part *p, const char *etag)
{
	int error = 0, fd;

	fd = open(p->etag_path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		  MODE);
	if (fd < 0)
		return -1;
	if (io_write_all(fd, etag, strlen(etag)) < 0)
		error = errno;
	if (close(fd) < 0 && error == 0)
		error = errno;
	errno = error;
	return error == 0 ? 0 : -1;
}

int part_restart(struct part *p, const char *etag)
{
	/* In this order: never the new etag beside the old bytes. */
	if (ftruncate(p->fd, 0) < 0) {
		escape_warnx("%s: %m", p->path);
		return -1;
	}
	p->size = 0;
	if (etag_write(p, etag) == 0)
		return 0;
	escape_warnx("%s: %m", p->etag_path);
	return -1;
}

int part_add(struct part *p, const char *data, size_t len)
{
	ssize_t written;

	while (len > 0) {
		written = pwrite(p->fd, data, len, p->size);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0) {
			escape_warnx("%s: %m", p->path);
			return -1;
		}
		p->size += written;
		data += written;
		len -= (size_t)written;
	}
	return 0;
}

int part_finish(struct part *p)
{
	if (fsync(p->fd) < 0) {
		escape_warnx("%s: %m", p->path);
		return -1;
	}
	if (rename(p->path, p->target) < 0) {
		escape_warnx("%s: %m", p->target);
		return -1;
	}
	unlink(p->etag_path);
	return 0;
}

void part_remove(struct part *p)
{
	unlink(p->path);
	unlink(p->etag_path);
}

void part_close(struct part *p)
{
	if (p->fd >= 0)
		close(p->fd);
	free(p->path);
	free(p->etag_path);
}
