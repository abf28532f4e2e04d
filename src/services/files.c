/* SPDX-License-Identifier: MIT */
/*
 * Files below one folder. A name is resolved by the kernel with openat2(2), which does not leave
 * the folder, and only regular files are opened. Large ones go out with sendfile(2), a bounded
 * piece each turn.
 */
#include <bsd/string.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "net/conn.h"
#include "net/resp.h"
#include "services/digest.h"
#include "services/registry.h"

#define SMALL_BYTES (32 * 1024)  /* read into the reply; more goes out with sendfile(2) */
#define PIECE_BYTES (256 * 1024) /* of a file, sent in one call */
#define ETAG_MAX 80
#define FDS_SPARE 64 /* descriptors that are left for callers, logs and a reload */
#define OPEN_TRIES 4 /* openat2(2): EAGAIN while something is renamed */
#define SCAN_DEFAULT 100
#define SCAN_MAX 1000          /* entries looked at for one request */
#define SCAN_WORK 8192         /* of conn_charge(), then it ends as well */
#define SCAN_BYTES (64 * 1024) /* of reply, likewise */
#define OPEN_WORK 16           /* for one name */
#define GLOB_MAX 255           /* bytes, as of a name */

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
	int root_fd;
	rlim_t fd_limit; /* files have descriptors below it */
};

static const struct option_def files_options[FILES_KEYS] = {
#define OPT(key, kind, ...) \
	{#key, &option_##kind, offsetof(struct files_conf, key), OPTION_REST(__VA_ARGS__)},
#include "services/files.def"
#undef OPT
};

static struct files_conf *files; /* in force; NULL: none */

/* ---- names ---- */

static bool name_is_hidden(const char *name)
{
	for (; name != NULL; name = strchr(name, '/')) {
		name += *name == '/';
		if (name[0] == '.')
			return true;
	}
	return false;
}

/* Returns 0 with name as a string, or -1 with errno. */
static int name_take(struct conn *c, const struct slice *slice, char name[PATH_MAX])
{
	conn_charge(c, OPEN_WORK);
	errno = EINVAL;
	if (slice->len == 0 || memchr(slice->data, '\0', slice->len) != NULL)
		return -1;
	errno = ENAMETOOLONG;
	if (slice->len >= PATH_MAX)
		return -1;
	memcpy(name, slice->data, slice->len);
	name[slice->len] = '\0';
	errno = ENOENT;
	return files == NULL || (!files->hidden && name_is_hidden(name)) ? -1 : 0;
}

static int beneath_open(int root_fd, const char *name, int flags)
{
	const struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd = -1;

	for (int n = 0; n < OPEN_TRIES; n++) {
		fd = syscall(__NR_openat2, root_fd, name, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return (int)fd;
}

/* What a name leads to, without opening it: a device would notice. Returns 0, or -1 with errno. */
static int name_stat(const char *name, struct stat *st)
{
	int fd = beneath_open(files->root_fd, name, O_PATH), result;

	if (fd < 0)
		return -1;
	result = fstat(fd, st);
	close(fd);
	return result;
}

/* Returns a descriptor of a regular file, or -1 with errno. */
static int file_open(struct conn *c, const struct slice *slice, struct stat *st)
{
	char name[PATH_MAX];
	int fd;

	if (name_take(c, slice, name) < 0 || name_stat(name, st) < 0)
		return -1;
	errno = EISDIR;
	if (!S_ISREG(st->st_mode))
		return -1;
	fd = beneath_open(files->root_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && (rlim_t)fd >= files->fd_limit) {
		close(fd);
		errno = EMFILE;
		return -1;
	}
	if (fd >= 0 && fstat(fd, st) == 0 && S_ISREG(st->st_mode))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static void etag_print(const struct stat *st, char text[ETAG_MAX])
{
	snprintf(text, ETAG_MAX, "%jx-%jx-%jx-%jx.%09lx", (uintmax_t)st->st_dev,
		 (uintmax_t)st->st_ino, (uintmax_t)st->st_size, (uintmax_t)st->st_mtim.tv_sec,
		 (unsigned long)st->st_mtim.tv_nsec);
}

/* Say that a file cannot be had; that there is none is nil. */
static int file_refuse(struct conn *c, const struct slice *slice)
{
	char name[SLICE_TEXT_MAX];
	const char *reason = strerror(errno);

	if (errno == ENOENT || errno == ENOTDIR)
		return resp_nil(&c->out);
	if (errno == EXDEV)
		reason = "leads out of the folder that is served";
	else if (errno == EISDIR)
		reason = "is not a regular file";
	else if (errno == EINVAL)
		reason = "is empty or holds a NUL";
	else if (errno == ENODATA)
		reason = "has become shorter";
	else if (errno == EMFILE)
		return resp_error(&c->out, "BUSY too many files are open, try again later");
	return resp_error(&c->out, "ERR '%s': %s", slice_print(slice, name), reason);
}

/* ---- GET ---- */

struct sending {
	struct task task;
	int fd; /* owned */
	off_t at, end;
};

static void sending_free(struct sending *s)
{
	close(s->fd);
	free(s);
}

static void sending_gone(struct task *t)
{
	sending_free(container_of(t, struct sending, task));
}

static enum task_progress sending_more(struct conn *c, struct task *t)
{
	struct sending *s = container_of(t, struct sending, task);
	off_t left = s->end - s->at;

	if (left > 0) {
		size_t piece = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;

		return conn_send_file(c, s->fd, &s->at, piece) < 0 ? TASK_FAILED : TASK_WRITES;
	}
	if (resp_bulk_end(&c->out) < 0)
		return TASK_FAILED;
	sending_free(s);
	return TASK_DONE;
}

/* Takes fd. */
static int sending_begin(struct conn *c, int fd, off_t first, off_t len)
{
	struct sending *s = malloc(sizeof(*s));

	if (s == NULL || resp_bulk_begin(&c->out, (uint64_t)len) < 0) {
		free(s);
		close(fd);
		return -1;
	}
	*s = (struct sending){{sending_more, sending_gone}, fd, first, first + len};
	conn_task(c, &s->task);
	return 0;
}

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
static int small_send(struct conn *c, int fd, const struct slice *slice, off_t first, size_t len)
{
	static char small[SMALL_BYTES];
	int result = small_read(fd, first, small, len), error = errno;

	close(fd);
	errno = error;
	return result < 0 ? file_refuse(c, slice) : resp_bulk(&c->out, small, len);
}

/* Takes fd. */
static int range_send(struct conn *c, int fd, const struct slice *slice, off_t first, off_t len)
{
	if (len <= SMALL_BYTES)
		return small_send(c, fd, slice, first, (size_t)len);
	return sending_begin(c, fd, first, len);
}

static int files_get(struct conn *c, const struct request *req)
{
	struct stat st;
	int fd = file_open(c, &req->argv[1], &st);

	if (fd < 0)
		return file_refuse(c, &req->argv[1]);
	return range_send(c, fd, &req->argv[1], 0, st.st_size);
}

static bool integer_take(const struct slice *s, int64_t *value)
{
	char text[24], *end;

	if (s->len == 0 || s->len >= sizeof(text))
		return false;
	memcpy(text, s->data, s->len);
	text[s->len] = '\0';
	if (text[strspn(text, "-0123456789")] != '\0')
		return false;
	errno = 0;
	*value = strtoll(text, &end, 10);
	return errno == 0 && end == text + s->len;
}

/* Both ends count, negative ones from behind, and what is outside is cut off. Returns the
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

static int files_getrange(struct conn *c, const struct request *req)
{
	char etag[ETAG_MAX], name[SLICE_TEXT_MAX];
	int64_t first, last;
	struct stat st;
	off_t len;
	int fd;

	if (!integer_take(&req->argv[2], &first) || !integer_take(&req->argv[3], &last))
		return resp_error(&c->out, "ERR first and last are integers");
	fd = file_open(c, &req->argv[1], &st);
	if (fd < 0)
		return file_refuse(c, &req->argv[1]);
	etag_print(&st, etag);
	if (req->argc > 4 && !slice_is(&req->argv[4], etag)) {
		close(fd);
		return resp_error(&c->out, "STALE '%s' has changed",
				  slice_print(&req->argv[1], name));
	}
	len = range_cut(&first, last, st.st_size);
	return range_send(c, fd, &req->argv[1], first, len);
}

/* ---- what there is ---- */

static int slice_stat(struct conn *c, const struct slice *slice, struct stat *st)
{
	char name[PATH_MAX];

	if (name_take(c, slice, name) < 0 || name_stat(name, st) < 0)
		return -1;
	errno = EISDIR;
	return S_ISREG(st->st_mode) ? 0 : -1;
}

static int files_strlen(struct conn *c, const struct request *req)
{
	struct stat st;

	if (slice_stat(c, &req->argv[1], &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? resp_integer(&c->out, 0)
							   : file_refuse(c, &req->argv[1]);
	return resp_integer(&c->out, st.st_size);
}

static int files_exists(struct conn *c, const struct request *req)
{
	struct stat st;
	int64_t count = 0;

	for (int i = 1; i < req->argc; i++)
		count += slice_stat(c, &req->argv[i], &st) == 0;
	return resp_integer(&c->out, count);
}

static int files_stat(struct conn *c, const struct request *req)
{
	char etag[ETAG_MAX];
	struct stat st;

	if (slice_stat(c, &req->argv[1], &st) < 0)
		return file_refuse(c, &req->argv[1]);
	etag_print(&st, etag);
	if (resp_array(&c->out, 6) < 0 || resp_bulk(&c->out, "size", 4) < 0 ||
	    resp_integer(&c->out, st.st_size) < 0 || resp_bulk(&c->out, "mtime", 5) < 0 ||
	    resp_integer(&c->out, st.st_mtim.tv_sec) < 0 || resp_bulk(&c->out, "etag", 4) < 0)
		return -1;
	return resp_bulk(&c->out, etag, strlen(etag));
}

/* ---- SCAN ---- */

struct scan {
	int64_t cursor; /* of the kernel's, getdents(2); 0: the beginning, or the end */
	int64_t count;
	char folder[PATH_MAX]; /* "" or "sub/folder/" */
	char glob[PATH_MAX];   /* of names in the folder */
	unsigned work;         /* done */
	struct buf found;
	size_t found_count;
};

/* "sub/ *.txt": what is before the last slash is the folder. */
static int scan_match(struct scan *scan, const struct slice *pattern)
{
	const char *slash;

	if (pattern->len >= PATH_MAX || memchr(pattern->data, '\0', pattern->len) != NULL)
		return -1;
	scan->folder[0] = '\0';
	memcpy(scan->glob, pattern->data, pattern->len);
	scan->glob[pattern->len] = '\0';
	slash = strrchr(scan->glob, '/');
	if (slash != NULL) {
		memcpy(scan->folder, scan->glob, (size_t)(slash + 1 - scan->glob));
		scan->folder[slash + 1 - scan->glob] = '\0';
		memmove(scan->glob, slash + 1, strlen(slash + 1) + 1);
	}
	return strlen(scan->glob) <= GLOB_MAX ? 0 : -1;
}

static int scan_options(struct scan *scan, const struct request *req)
{
	if (!integer_take(&req->argv[1], &scan->cursor) || scan->cursor < 0 || req->argc % 2 != 0)
		return -1;
	for (int i = 2; i + 1 < req->argc; i += 2) {
		if (slice_is(&req->argv[i], "MATCH")) {
			if (scan_match(scan, &req->argv[i + 1]) < 0)
				return -1;
		} else if (!slice_is(&req->argv[i], "COUNT") ||
			   !integer_take(&req->argv[i + 1], &scan->count) || scan->count < 1) {
			return -1;
		}
	}
	if (scan->count > SCAN_MAX)
		scan->count = SCAN_MAX;
	return 0;
}

/* The kind of what is in the folder, as in struct dirent; a symbolic link counts as what it
 * leads to. */
static unsigned char entry_type(const struct scan *scan, const struct dirent *entry)
{
	char name[PATH_MAX];
	struct stat st;

	if (entry->d_type == DT_REG || entry->d_type == DT_DIR)
		return entry->d_type;
	if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
		return DT_UNKNOWN;
	if (snprintf(name, sizeof(name), "%s%s", scan->folder, entry->d_name) >= PATH_MAX ||
	    name_stat(name, &st) < 0)
		return DT_UNKNOWN;
	return S_ISREG(st.st_mode) ? DT_REG : S_ISDIR(st.st_mode) ? DT_DIR : DT_UNKNOWN;
}

static int scan_entry(struct scan *scan, const struct dirent *entry)
{
	char name[PATH_MAX + 2];
	unsigned char type;
	int len;

	if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
	    (entry->d_name[0] == '.' && !files->hidden) ||
	    (scan->glob[0] != '\0' && fnmatch(scan->glob, entry->d_name, 0) != 0))
		return 0;
	type = entry_type(scan, entry);
	if (type == DT_UNKNOWN)
		return 0;
	len = snprintf(name, sizeof(name), "%s%s%s", scan->folder, entry->d_name,
		       type == DT_DIR ? "/" : "");
	if (len >= PATH_MAX)
		return 0;
	scan->found_count++;
	return resp_bulk(&scan->found, name, (size_t)len);
}

/* fnmatch(3) can try all of the glob at each byte of the name. */
static unsigned entry_work(const struct scan *scan, const struct dirent *entry)
{
	size_t work = 4 + strlen(scan->glob) * strlen(entry->d_name) / 64;

	return (unsigned)work + (entry->d_type == DT_LNK ? OPEN_WORK : 0);
}

/* Look at count entries from the cursor on, or fewer where that is much work, and leave the cursor
 * behind them. */
static int scan_run(struct scan *scan, DIR *dir)
{
	const struct dirent *entry = NULL;

	if (scan->cursor > 0)
		seekdir(dir, (long)scan->cursor);
	for (int64_t n = 0;
	     n < scan->count && scan->work < SCAN_WORK && buf_len(&scan->found) < SCAN_BYTES; n++) {
		entry = readdir(dir);
		if (entry == NULL)
			break;
		scan->work += entry_work(scan, entry);
		if (scan_entry(scan, entry) < 0)
			return -1;
	}
	scan->cursor = entry != NULL ? telldir(dir) : 0;
	return 0;
}

static int scan_reply(struct conn *c, const struct scan *scan)
{
	char cursor[24];

	snprintf(cursor, sizeof(cursor), "%" PRId64, scan->cursor);
	if (resp_array(&c->out, 2) < 0 || resp_bulk(&c->out, cursor, strlen(cursor)) < 0 ||
	    resp_array(&c->out, scan->found_count) < 0)
		return -1;
	return buf_add(&c->out, buf_data(&scan->found), buf_len(&scan->found));
}

static DIR *folder_open(const char *name)
{
	char copy[PATH_MAX];
	DIR *dir = NULL;
	int fd;

	strlcpy(copy, name[0] != '\0' ? name : ".", sizeof(copy));
	fd = beneath_open(files->root_fd, copy, O_RDONLY | O_DIRECTORY);
	if (fd >= 0)
		dir = fdopendir(fd);
	if (dir == NULL && fd >= 0)
		close(fd);
	return dir;
}

static int files_scan(struct conn *c, const struct request *req)
{
	struct scan scan = {.count = SCAN_DEFAULT};
	DIR *dir = NULL;
	int result;

	conn_charge(c, OPEN_WORK);
	if (scan_options(&scan, req) < 0)
		return resp_error(&c->out,
				  "ERR write SCAN cursor [MATCH glob] [COUNT n], a glob "
				  "of at most %d bytes",
				  GLOB_MAX);
	if (files != NULL && (files->hidden || !name_is_hidden(scan.folder)))
		dir = folder_open(scan.folder);
	if (dir == NULL) { /* a folder that is not there holds nothing */
		scan.cursor = 0;
		return scan_reply(c, &scan);
	}
	result = scan_run(&scan, dir);
	conn_charge(c, scan.work);
	closedir(dir);
	if (result == 0)
		result = scan_reply(c, &scan);
	buf_free(&scan.found);
	return result;
}

/* ---- SHA256 ---- */

static int files_sha256(struct conn *c, const struct request *req)
{
	struct stat st;
	int fd = file_open(c, &req->argv[1], &st);

	if (fd < 0)
		return file_refuse(c, &req->argv[1]);
	return digest_reply(c, fd, &st);
}

/* ---- its section ---- */

static void files_free(struct section *s)
{
	struct files_conf *conf = container_of(s, struct files_conf, section);

	if (conf->root_fd > 0)
		close(conf->root_fd);
}

static void files_check(struct section *s, struct option_list *errors)
{
	const struct files_conf *conf = container_of(s, struct files_conf, section);

	if (conf->root != NULL && conf->root[0] != '/')
		section_error(errors, s, FILES_KEY_root, "'%s' is not an absolute path",
			      conf->root);
}

static const struct section_kind files_kind = {
	.word = "service",
	.name = "files",
	.options = files_options,
	.count = FILES_KEYS,
	.size = sizeof(struct files_conf),
	.check = files_check,
	.free = files_free,
};

static struct files_conf *files_section(const struct section_list *sections)
{
	struct section *s = section_of(TAILQ_FIRST(sections), &files_kind);

	return s != NULL ? container_of(s, struct files_conf, section) : NULL;
}

static int files_prepare(struct section_list *sections, char *reason)
{
	struct files_conf *conf = files_section(sections);
	int fd;

	if (conf == NULL)
		return 0;
	conf->root_fd = open(conf->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = conf->root_fd >= 0 ? beneath_open(conf->root_fd, ".", O_PATH) : -1;
	if (fd < 0) {
		snprintf(reason, OPTION_REASON_MAX, "root %s: %s%s", conf->root, strerror(errno),
			 errno == ENOSYS ? " (openat2(2), which RestrictSUIDSGID= hides)" : "");
		return -1;
	}
	close(fd);
	return 0;
}

static void files_use(struct section_list *sections)
{
	struct files_conf *conf = files_section(sections);
	struct rlimit limit;

	if (files != NULL)
		section_free(&files->section);
	files = conf;
	if (conf == NULL)
		return;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > FDS_SPARE)
		conf->fd_limit = limit.rlim_cur - FDS_SPARE;
	TAILQ_REMOVE(sections, &conf->section, entry);
	digest_use((unsigned)conf->max_digests);
}

static void files_stop(void)
{
	if (files != NULL)
		section_free(&files->section);
	files = NULL;
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
	.protocols = PROTOCOL_RESP,
	.verbs = files_verbs,
	.section = &files_kind,
	.prepare = files_prepare,
	.use = files_use,
	.stop = files_stop,
};
