/* SPDX-License-Identifier: MIT */
/* [service files]: the folder that is served, and what a name in it leads to. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config/settings.h"
#include "net/conn.h"
#include "process/program.h"
#include "services/digest.h"
#include "services/files.h"
#include "services/opened.h"
#include "services/scan.h"

#define MEDIA_PATH "/etc/mime.types"
#define FDS_SPARE 64 /* descriptors that are left for callers, logs and a reload */

static const struct option_def files_options[FILES_KEYS] = {
#define OPT(key, kind, ...) \
	{#key, &option_##kind, offsetof(struct files_conf, key), OPTION_REST(__VA_ARGS__)},
#include "services/files.def"
#undef OPT
};

static struct files_conf *files; /* in force; NULL: none */

/* ---- names ---- */

struct files_conf *files_now(const struct call *call)
{
	if (files != NULL)
		beneath_follow(files->beneath, loop_now_ms(conn_loop(call->conn)));
	return files;
}

int file_find(const struct call *call, const struct slice *slice, char name[PATH_MAX],
	      struct stat *st)
{
	const struct files_conf *conf = files_now(call);

	conn_charge(call->conn, OPEN_WORK);
	errno = ENOENT;
	if (conf == NULL || beneath_name(conf->beneath, slice, name) < 0 ||
	    beneath_stat(conf->beneath, name, st) < 0)
		return -1;
	errno = EISDIR;
	return S_ISREG(st->st_mode) ? 0 : -1;
}

/* Find out whether a file of size 0 is one: in some file systems of FUSE bytes come out of it all
 * the same; or it has been written to since. Returns 0 with *st, or -1 with errno. */
static int file_check_empty(int fd, struct stat *st)
{
	char byte;
	ssize_t n = pread(fd, &byte, 1, 0);

	if (n <= 0)
		return (int)n;
	if (fstat(fd, st) < 0)
		return -1;
	errno = ENOTSUP;
	return st->st_size > 0 ? 0 : -1;
}

/* Whether an open file is a regular one that tells its size. Returns 0 with *st, or -1 with errno.
 */
static int file_check(int fd, struct stat *st)
{
	if (fstat(fd, st) < 0)
		return -1;
	errno = EISDIR;
	if (!S_ISREG(st->st_mode))
		return -1;
	return st->st_size > 0 ? 0 : file_check_empty(fd, st);
}

/* The same of what a regular file was found at. */
static int name_open(const char *name, struct stat *st)
{
	int fd = beneath_open(files->beneath, name, O_RDONLY | O_NONBLOCK | O_NOCTTY), error;

	if (fd < 0 || file_check(fd, st) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

void id_print(const struct stat *st, char text[ID_MAX])
{
	snprintf(text, ID_MAX, "%jx-%jx", (uintmax_t)st->st_dev, (uintmax_t)st->st_ino);
}

int file_open(const struct call *call, const struct slice *slice, struct stat *st)
{
	char name[PATH_MAX];

	return file_find(call, slice, name, st) < 0 ? -1 : name_open(name, st);
}

struct shared_file *file_borrow(const struct call *call, const char *text, struct stat *st)
{
	const struct slice slice = {text, strlen(text)};
	struct shared_file *file;
	char name[PATH_MAX];
	int fd;

	if (file_find(call, &slice, name, st) < 0)
		return NULL;
	file = st->st_size > 0 ? opened_find(st) : NULL;
	if (file != NULL)
		return file;
	fd = name_open(name, st);
	return fd >= 0 ? opened_keep(&conn_loop(call->conn)->deadlines, fd, st) : NULL;
}

/* At least so many digits. Returns the end. */
static char *hex_print(char *to, uint64_t number, int digits)
{
	int len = 1;

	while (len < 16 && number >> 4 * len > 0)
		len++;
	if (len < digits)
		len = digits;
	for (int i = len; i-- > 0; number >>= 4)
		to[i] = "0123456789abcdef"[number & 15];
	return to + len;
}

/* By hand: each GET over http has one. */
void etag_print(const struct stat *st, char text[ETAG_MAX])
{
	char *to = text;

	*(to = hex_print(to, st->st_dev, 1)) = '-';
	*(to = hex_print(to + 1, st->st_ino, 1)) = '-';
	*(to = hex_print(to + 1, (uint64_t)st->st_size, 1)) = '-';
	*(to = hex_print(to + 1, (uint64_t)st->st_mtim.tv_sec, 1)) = '.';
	*hex_print(to + 1, (uint64_t)st->st_mtim.tv_nsec, 9) = '\0';
}

/* ---- [service files] ---- */

static void files_free(struct section *s)
{
	struct files_conf *conf = container_of(s, struct files_conf, section);

	beneath_unref(conf->beneath);
	media_free(conf->media);
}

static void files_check(struct section *s, struct option_list *errors)
{
	const struct files_conf *conf = container_of(s, struct files_conf, section);

	if (conf->index != NULL && (conf->index[0] == '\0' || strchr(conf->index, '/') != NULL))
		section_error(errors, s, FILES_KEY_index, "is the name of a file in each folder");
}

static void files_warn(struct section *s, struct option_list *warnings)
{
	const struct files_conf *conf = container_of(s, struct files_conf, section);
	struct reason reason;

	if (conf->root != NULL && folder_is_refused(conf->root, &reason))
		section_warning(warnings, s, FILES_KEY_root, "%s", reason.text);
}

const struct section_kind files_kind = {
	.word = "service",
	.name = "files",
	.options = files_options,
	.count = FILES_KEYS,
	.size = sizeof(struct files_conf),
	.check = files_check,
	.warn = files_warn,
	.free = files_free,
};

static struct files_conf *files_section(const struct settings *settings)
{
	struct section *s = section_of(TAILQ_FIRST(&settings->sections), &files_kind);

	return s != NULL ? container_of(s, struct files_conf, section) : NULL;
}

int files_prepare(struct settings *settings, struct reason *reason)
{
	struct files_conf *conf = files_section(settings);

	if (conf == NULL)
		return 0;
	conf->media = media_new(MEDIA_PATH);
	conf->beneath = conf->media != NULL ? beneath_new(conf->root, conf->hidden) : NULL;
	if (conf->beneath != NULL)
		return 0;
	return reason_set(reason, "root %s: %s%s", conf->root, beneath_reason(errno),
			  errno == ENOSYS ? " (openat2(2), which RestrictSUIDSGID= hides)" : "");
}

/* Let go of the folder at once, though others may keep the generation, so that it can be unmounted.
 */
static void files_release(void)
{
	opened_stop();
	if (files == NULL)
		return;
	beneath_unref(files->beneath);
	files->beneath = NULL;
	settings_unref(files->section.settings);
	files = NULL;
}

void files_use(struct settings *settings)
{
	struct rlimit limit;

	files_release();
	files = files_section(settings);
	if (files == NULL)
		return;
	settings_ref(settings);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > FDS_SPARE)
		files->beneath->fd_limit = limit.rlim_cur - FDS_SPARE;
	digest_use((unsigned)files->max_digests);
}

void files_stop(void)
{
	scan_stop();
	files_release();
}
