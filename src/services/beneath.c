/* SPDX-License-Identifier: MIT */
#include "services/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/log.h"

#define FOLLOW_MS 1000 /* until a path is looked up again */
#define OPEN_TRIES 4   /* openat2(2) fails with EAGAIN while something is renamed */

/* ---- the folder ---- */

/* Whether a file system, statfs(2), makes the bytes of a file as it is read: the size of the file
 * is 0, or that of a page, however many bytes there are; some files wait for the next byte, or have
 * no end. */
static bool is_made_by_reading(unsigned long type)
{
	static const unsigned long types[] = {
		PROC_SUPER_MAGIC,     SYSFS_MAGIC,        DEBUGFS_MAGIC, TRACEFS_MAGIC,
		SECURITYFS_MAGIC,     CGROUP_SUPER_MAGIC, BPF_FS_MAGIC,  CGROUP2_SUPER_MAGIC,
		RDTGROUP_SUPER_MAGIC, SELINUX_MAGIC,      SMACK_MAGIC,   BINFMTFS_MAGIC,
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i] == type)
			return true;
	return false;
}

/* Whether the file system of fd tells sizes. Returns 0, or -1 with errno, ENOTSUP where it does
 * not.
 */
static int has_sizes(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return -1;
	errno = ENOTSUP;
	return is_made_by_reading((unsigned long)fs.f_type) ? -1 : 0;
}

/* Returns a descriptor of the folder that path leads to, and *st; or -1 with errno. */
static int folder_open(const char *path, struct stat *st)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), error;

	if (fd < 0 || (fstat(fd, st) == 0 && has_sizes(fd) == 0))
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* Serve the folder fd, which is taken, from now on. */
static void beneath_put(struct beneath *root, int fd, const struct stat *st)
{
	if (root->fd >= 0)
		close(root->fd);
	root->fd = fd;
	root->dev = st->st_dev;
	root->ino = st->st_ino;
}

struct beneath *beneath_new(const char *path, bool hidden)
{
	struct beneath *root = calloc(1, sizeof(*root));
	struct stat st;
	int fd;

	if (root == NULL)
		return NULL;
	*root = (struct beneath){.refs = 1, .fd = -1, .hidden = hidden};
	root->fd_limit = RLIM_INFINITY;
	root->path = strdup(path);
	fd = root->path != NULL ? folder_open(path, &st) : -1;
	if (fd >= 0)
		beneath_put(root, fd, &st);
	if (fd >= 0 && beneath_stat(root, ".", &st) == 0) /* openat2(2) is there */
		return root;
	fd = errno;
	beneath_unref(root);
	errno = fd;
	return NULL;
}

struct beneath *beneath_ref(struct beneath *root)
{
	root->refs++;
	return root;
}

void beneath_unref(struct beneath *root)
{
	if (root == NULL || --root->refs > 0)
		return;
	if (root->fd >= 0)
		close(root->fd);
	free(root->path);
	free(root);
}

/* Where the path leads nowhere, the folder of before is kept: a folder is often replaced in two
 * steps. */
void beneath_follow(struct beneath *root, int64_t now_ms)
{
	struct stat st;
	int fd;

	if (now_ms - root->looked_ms < FOLLOW_MS)
		return;
	root->looked_ms = now_ms;
	fd = folder_open(root->path, &st);
	if (fd < 0) {
		if (errno != root->error)
			log_warning("root_lost", log_text("root", root->path),
				    log_text("reason", beneath_reason(errno)),
				    log_text("text", "what was there is served on"));
		root->error = errno;
		return;
	}
	if (root->error != 0 || st.st_dev != root->dev || st.st_ino != root->ino)
		log_notice("root_changed", log_text("root", root->path));
	root->error = 0;
	beneath_put(root, fd, &st);
}

/* ---- names ---- */

bool name_is_hidden(const char *name)
{
	for (; name != NULL; name = strchr(name, '/')) {
		name += *name == '/';
		if (name[0] == '.')
			return true;
	}
	return false;
}

int beneath_name(const struct beneath *root, const struct slice *slice, char name[PATH_MAX])
{
	errno = EILSEQ;
	if (slice->len == 0 || memchr(slice->data, '\0', slice->len) != NULL)
		return -1;
	errno = ENAMETOOLONG;
	if (slice->len >= PATH_MAX)
		return -1;
	memcpy(name, slice->data, slice->len);
	name[slice->len] = '\0';
	errno = ENOENT;
	return !root->hidden && name_is_hidden(name) ? -1 : 0;
}

int beneath_resolve(int folder_fd, const char *name, int flags)
{
	const struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd = -1;

	for (int n = 0; n < OPEN_TRIES; n++) {
		fd = syscall(__NR_openat2, folder_fd, name, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return (int)fd;
}

int beneath_open(const struct beneath *root, const char *name, int flags)
{
	int fd = beneath_resolve(root->fd, name, flags);

	if (fd < 0 || (rlim_t)fd < root->fd_limit)
		return fd;
	close(fd);
	errno = EMFILE;
	return -1;
}

/* Whether the file or folder fd, of which st is, tells sizes before it is read: the kernel's own
 * files, as below /proc and /sys, do not. Returns 0 if so, or -1 with errno, ENOTSUP if not. The
 * file system of the folder that is served has been looked at. */
static int beneath_has_sizes(const struct beneath *root, int fd, const struct stat *st)
{
	return st->st_dev == root->dev ? 0 : has_sizes(fd);
}

DIR *beneath_opendir(const struct beneath *root, const char *folder, struct stat *st)
{
	const char *name = folder[0] != '\0' ? folder : ".";
	int fd = beneath_open(root, name, O_RDONLY | O_DIRECTORY), error;
	DIR *dir = NULL;

	if (fd < 0)
		return NULL;
	if (fstat(fd, st) == 0 && beneath_has_sizes(root, fd, st) == 0)
		dir = fdopendir(fd);
	error = errno;
	if (dir == NULL)
		close(fd);
	errno = error;
	return dir;
}

/* What is in the folder itself, and no link, does not lead out of it: one call in place of three.
 */
static bool stat_here(const struct beneath *root, const char *name, struct stat *st)
{
	return strchr(name, '/') == NULL && fstatat(root->fd, name, st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISREG(st->st_mode) && st->st_dev == root->dev;
}

int beneath_stat(const struct beneath *root, const char *name, struct stat *st)
{
	int fd, result, error;

	if (stat_here(root, name, st))
		return 0;
	fd = beneath_resolve(root->fd, name, O_PATH);
	if (fd < 0)
		return -1;
	result = fstat(fd, st);
	if (result == 0 && S_ISREG(st->st_mode))
		result = beneath_has_sizes(root, fd, st);
	error = errno;
	close(fd);
	errno = error;
	return result;
}

/* ---- what is wrong with a name ---- */

bool error_is_none(int error)
{
	return error == ENOENT || error == ENOTDIR;
}

bool error_is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOMEM || error == EAGAIN;
}

const char *beneath_reason(int error)
{
	switch (error) {
	case EXDEV:
		return "leads out of the folder that is served";
	case EISDIR:
		return "is not a regular file";
	case EILSEQ:
		return "is empty or holds a NUL";
	case ENODATA:
		return "has become shorter";
	case ENOTSUP:
		return "what is there has no size before it is read, as in /proc and /sys";
	default:
		return strerror(error);
	}
}

int beneath_refuse(const struct call *call, const struct slice *slice)
{
	char name[SLICE_TEXT_MAX];
	int error = errno;

	if (error_is_none(error))
		return say_nil(call);
	if (error_is_shortage(error))
		return say_error(call, "BUSY '%s': %s, try again later", slice_print(slice, name),
				 beneath_reason(error));
	return say_error(call, "ERR '%s': %s", slice_print(slice, name), beneath_reason(error));
}
