/* SPDX-License-Identifier: MIT */
/* Files beneath one folder. Only regular files are opened. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/settings.h"
#include "net/conn.h"
#include "process/program.h"
#include "services/digest.h"
#include "services/files.h"
#include "services/opened.h"
#include "services/registry.h"
#include "services/scan.h"

#define MEDIA_PATH "/etc/mime.types"
#define SMALL_BYTES (32 * 1024) /* read into the reply; more goes out with sendfile(2) */
#define FDS_SPARE 64            /* descriptors that are left for callers, logs and a reload */
#define OPEN_WORK 16            /* for one name */

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

/* Returns 0 with the name of a regular file, or -1 with errno. */
static int file_find(const struct call *call, const struct slice *slice, char name[PATH_MAX],
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

/* Returns a descriptor of a regular file, or -1 with errno. */
static int file_open(const struct call *call, const struct slice *slice, struct stat *st)
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

static int files_getrange(const struct call *call)
{
	char etag[ETAG_MAX], name[SLICE_TEXT_MAX];
	int64_t first, last;
	struct stat st;
	off_t len;
	int fd;

	if (!slice_integer(&call->argv[2], &first) || !slice_integer(&call->argv[3], &last))
		return say_error(call, "ERR first and last are integers");
	fd = file_open(call, &call->argv[1], &st);
	if (fd < 0)
		return beneath_refuse(call, &call->argv[1]);
	etag_print(&st, etag);
	if (call->argc > 4 && !slice_is(&call->argv[4], etag)) {
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
	char etag[ETAG_MAX], name[PATH_MAX];
	struct stat st;

	if (file_find(call, &call->argv[1], name, &st) < 0)
		return beneath_refuse(call, &call->argv[1]);
	etag_print(&st, etag);
	if (say_pairs(call, 3) < 0 || say_text(call, "size") < 0 ||
	    say_integer(call, st.st_size) < 0 || say_text(call, "mtime") < 0 ||
	    say_integer(call, st.st_mtim.tv_sec) < 0 || say_text(call, "etag") < 0)
		return -1;
	return say_text(call, etag);
}

static int files_scan(const struct call *call)
{
	const struct files_conf *conf = files_now(call);

	conn_charge(call->conn, OPEN_WORK);
	return scan_reply(call, conf != NULL ? conf->beneath : NULL);
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
	.check = files_check,
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
	conf->media = media_new(MEDIA_PATH);
	conf->beneath = conf->media != NULL ? beneath_new(conf->root, conf->hidden) : NULL;
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
	opened_stop();
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
	{"GETRANGE", "name first last [etag]", "a part of them; STALE where the etag is another", 3,
	 4, files_getrange},
	{"STRLEN", "name", "the file's size; 0 where there is none", 1, 1, files_strlen},
	{"EXISTS", "name...", "how many of these files there are", 1, REQUEST_ARGS_MAX,
	 files_exists},
	{"STAT", "name", "size, mtime and etag", 1, 1, files_stat},
	{"SCAN", "cursor [MATCH glob] [COUNT n]", "names in a folder, some at a time", 1, 5,
	 files_scan},
	{"SHA256", "name", "the file's digest", 1, 1, files_sha256},
	{.name = NULL},
};

const struct service service_files = {
	.name = "files",
	.summary = "serves the files below a folder",
	.protocols = PROTOCOL_RESP | PROTOCOL_HTTP,
	.verbs = files_verbs,
	.fetch = files_fetch,
	.section = &files_kind,
	.prepare = files_prepare,
	.use = files_use,
	.stop = files_stop,
};
