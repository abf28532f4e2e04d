/* SPDX-License-Identifier: MIT */
/* Files beneath one folder. Only regular files are opened. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/settings.h"
#include "net/conn.h"
#include "process/program.h"
#include "services/beneath.h"
#include "services/digest.h"
#include "services/registry.h"
#include "services/scan.h"

#define SMALL_BYTES (32 * 1024) /* read into the reply; more goes out with sendfile(2) */
#define ETAG_MAX 80
#define ID_MAX 40
#define FDS_SPARE 64 /* descriptors that are left for callers, logs and a reload */
#define OPEN_WORK 16 /* for one name */

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
};

static const struct option_def files_options[FILES_KEYS] = {
#define OPT(key, kind, ...) \
	{#key, &option_##kind, offsetof(struct files_conf, key), OPTION_REST(__VA_ARGS__)},
#include "services/files.def"
#undef OPT
};

static struct files_conf *files; /* in force; NULL: none */

/* ---- names ---- */

/* Where its path leads now; NULL: nothing is served. */
static struct beneath *root_now(const struct call *call)
{
	if (files == NULL)
		return NULL;
	beneath_follow(files->beneath, loop_now_ms(conn_loop(call->conn)));
	return files->beneath;
}

/* Returns 0 with the name of a regular file, or -1 with errno. */
static int file_find(const struct call *call, const struct slice *slice, char name[PATH_MAX],
		     struct stat *st)
{
	const struct beneath *root = root_now(call);

	conn_charge(call->conn, OPEN_WORK);
	errno = ENOENT;
	if (root == NULL || beneath_name(root, slice, name) < 0 || beneath_stat(root, name, st) < 0)
		return -1;
	errno = EISDIR;
	return S_ISREG(st->st_mode) ? 0 : -1;
}

/* An empty file out of which comes something: as in some file systems of FUSE, unless it has been
 * written to since. Returns 0, or -1 with errno. */
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

static int file_check(int fd, struct stat *st)
{
	if (fstat(fd, st) < 0)
		return -1;
	errno = EISDIR;
	if (!S_ISREG(st->st_mode))
		return -1;
	return st->st_size > 0 ? 0 : file_check_empty(fd, st);
}

/* Returns a descriptor of a regular file, or -1 with errno. */
static int file_open(const struct call *call, const struct slice *slice, struct stat *st)
{
	char name[PATH_MAX];
	int fd, error;

	if (file_find(call, slice, name, st) < 0)
		return -1;
	fd = beneath_open(files->beneath, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || file_check(fd, st) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* Of the file itself, whatever is in it. */
static void id_print(const struct stat *st, char text[ID_MAX])
{
	snprintf(text, ID_MAX, "%jx-%jx", (uintmax_t)st->st_dev, (uintmax_t)st->st_ino);
}

static void etag_print(const struct stat *st, char text[ETAG_MAX])
{
	snprintf(text, ETAG_MAX, "%jx-%jx-%jx-%jx.%09lx", (uintmax_t)st->st_dev,
		 (uintmax_t)st->st_ino, (uintmax_t)st->st_size, (uintmax_t)st->st_mtim.tv_sec,
		 (unsigned long)st->st_mtim.tv_nsec);
}

/* ---- GET ---- */

/* The kernel may give less than asked for. Returns 0, or -1 with errno, ENODATA where the file has
 * become shorter. */
static int small_read(int fd, off_t first, char *to, size_t len)
{
	ssize_t n = 1;

	for (size_t done = 0; n > 0 && done < len; done += (size_t)n)
		n = pread(fd, to + done, len - done, first + (off_t)done);
	if (n == 0)
		errno = ENODATA;
	return n > 0 ? 0 : -1;
}

/* Takes fd. Nothing is said before all has been read: what cannot be read gets an answer too. */
static int small_send(const struct call *call, int fd, const struct slice *slice, off_t first,
		      size_t len)
{
	static char small[SMALL_BYTES];
	int result = small_read(fd, first, small, len), error = errno;

	close(fd);
	errno = error;
	return result < 0 ? beneath_refuse(call, slice) : say_bytes(call, small, len);
}

/* Takes fd. */
static int range_send(const struct call *call, int fd, const struct slice *slice, off_t first,
		      off_t len)
{
	if (len <= SMALL_BYTES)
		return small_send(call, fd, slice, first, (size_t)len);
	return say_file(call, fd, first, len);
}

static int files_get(const struct call *call)
{
	struct stat st;
	int fd = file_open(call, &call->argv[1], &st);

	if (fd < 0)
		return beneath_refuse(call, &call->argv[1]);
	return range_send(call, fd, &call->argv[1], 0, st.st_size);
}

/* Both ends count, negative ones from the end, and what is outside is cut off. Returns the
 * length. */
static off_t range_cut(int64_t *first, int64_t last, off_t size)
{
	if (*first < 0)
		*first = *first + size < 0 ? 0 : *first + size;
	if (last < 0)
		last += size;
	if (last >= size)
		last = size - 1;
	return *first > last ? 0 : last - *first + 1;
}

/* Whether the caller means this file as it is, by its etag, or in any case, by its id. */
static bool file_is_meant(const struct stat *st, const struct slice *tag)
{
	char etag[ETAG_MAX], id[ID_MAX];

	etag_print(st, etag);
	id_print(st, id);
	return slice_is(tag, etag) || slice_is(tag, id);
}

static int files_getrange(const struct call *call)
{
	char name[SLICE_TEXT_MAX];
	int64_t first, last;
	struct stat st;
	off_t len;
	int fd;

	if (!slice_integer(&call->argv[2], &first) || !slice_integer(&call->argv[3], &last))
		return say_error(call, "ERR first and last are integers");
	fd = file_open(call, &call->argv[1], &st);
	if (fd < 0)
		return beneath_refuse(call, &call->argv[1]);
	if (call->argc > 4 && !file_is_meant(&st, &call->argv[4])) {
		close(fd);
		return say_error(call, "STALE '%s' has changed", slice_print(&call->argv[1], name));
	}
	len = range_cut(&first, last, st.st_size);
	return range_send(call, fd, &call->argv[1], first, len);
}

/* ---- what there is ---- */

static int files_strlen(const struct call *call)
{
	char name[PATH_MAX];
	struct stat st;

	if (file_find(call, &call->argv[1], name, &st) < 0)
		return error_is_none(errno) ? say_integer(call, 0)
					    : beneath_refuse(call, &call->argv[1]);
	return say_integer(call, st.st_size);
}

/* What is no file is none; of what cannot be looked at, nobody knows. */
static int files_exists(const struct call *call)
{
	char name[PATH_MAX];
	struct stat st;
	int64_t count = 0;

	for (int i = 1; i < call->argc; i++) {
		if (file_find(call, &call->argv[i], name, &st) == 0)
			count++;
		else if (!error_is_none(errno) && errno != EISDIR)
			return beneath_refuse(call, &call->argv[i]);
	}
	return say_integer(call, count);
}

static int files_stat(const struct call *call)
{
	char etag[ETAG_MAX], id[ID_MAX], name[PATH_MAX];
	struct stat st;

	if (file_find(call, &call->argv[1], name, &st) < 0)
		return beneath_refuse(call, &call->argv[1]);
	etag_print(&st, etag);
	id_print(&st, id);
	if (say_pairs(call, 4) < 0 || say_text(call, "size") < 0 ||
	    say_integer(call, st.st_size) < 0 || say_text(call, "mtime") < 0 ||
	    say_integer(call, st.st_mtim.tv_sec) < 0 || say_text(call, "id") < 0 ||
	    say_text(call, id) < 0 || say_text(call, "etag") < 0)
		return -1;
	return say_text(call, etag);
}

static int files_scan(const struct call *call)
{
	conn_charge(call->conn, OPEN_WORK);
	return scan_reply(call, root_now(call));
}

/* ---- SHA256 ---- */

static int files_sha256(const struct call *call)
{
	struct stat st;
	int fd = file_open(call, &call->argv[1], &st);

	if (fd < 0)
		return beneath_refuse(call, &call->argv[1]);
	return digest_reply(call, fd, &st);
}

/* ---- its section ---- */

static void files_free(struct section *s)
{
	struct files_conf *conf = container_of(s, struct files_conf, section);

	beneath_unref(conf->beneath);
}

static void files_warn(struct section *s, struct option_list *warnings)
{
	const struct files_conf *conf = container_of(s, struct files_conf, section);
	char reason[PROGRAM_REASON_MAX];

	if (conf->root != NULL && folder_is_refused(conf->root, reason))
		section_warning(warnings, s, FILES_KEY_root, "%s", reason);
}

static const struct section_kind files_kind = {
	.word = "service",
	.name = "files",
	.options = files_options,
	.count = FILES_KEYS,
	.size = sizeof(struct files_conf),
	.warn = files_warn,
	.free = files_free,
};

static struct files_conf *files_section(const struct settings *settings)
{
	struct section *s = section_of(TAILQ_FIRST(&settings->sections), &files_kind);

	return s != NULL ? container_of(s, struct files_conf, section) : NULL;
}

static int files_prepare(struct settings *settings, char *reason)
{
	struct files_conf *conf = files_section(settings);

	if (conf == NULL)
		return 0;
	conf->beneath = beneath_new(conf->root, conf->hidden);
	if (conf->beneath != NULL)
		return 0;
	snprintf(reason, OPTION_REASON_MAX, "root %s: %s%s", conf->root, beneath_reason(errno),
		 errno == ENOSYS ? " (openat2(2), which RestrictSUIDSGID= hides)" : "");
	return -1;
}

/* The folder is let go of at once, whoever else keeps the generation, so that it can be unmounted.
 */
static void files_release(void)
{
	if (files == NULL)
		return;
	beneath_unref(files->beneath);
	files->beneath = NULL;
	settings_unref(files->section.settings);
	files = NULL;
}

static void files_use(struct settings *settings)
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

static void files_stop(void)
{
	scan_stop();
	files_release();
}

static const struct verb files_verbs[] = {
	{"GET", "name", "the file's bytes; nil where there is none", 1, 1, files_get},
	{"GETRANGE", "name first last [tag]", "a part of them; STALE where etag or id is another",
	 3, 4, files_getrange},
	{"STRLEN", "name", "the file's size; 0 where there is none", 1, 1, files_strlen},
	{"EXISTS", "name...", "how many of these files there are", 1, REQUEST_ARGS_MAX,
	 files_exists},
	{"STAT", "name", "size, mtime, id and etag", 1, 1, files_stat},
	{"SCAN", "cursor [MATCH glob] [COUNT n]", "names in a folder, some at a time", 1, 5,
	 files_scan},
	{"SHA256", "name", "the file's digest", 1, 1, files_sha256},
	{.name = NULL},
};

const struct service service_files = {
	.name = "files",
	.summary = "serves the files below a folder",
	.protocols = PROTOCOL_RESP,
	.verbs = files_verbs,
	.section = &files_kind,
	.prepare = files_prepare,
	.use = files_use,
	.stop = files_stop,
};
