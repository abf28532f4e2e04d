/* SPDX-License-Identifier: MIT */
/*
 * Files beneath one folder. Only regular files are opened. Large ones go out with sendfile(2), a
 * bounded piece each turn.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/conn.h"
#include "net/resp.h"
#include "process/program.h"
#include "services/beneath.h"
#include "services/digest.h"
#include "services/registry.h"
#include "services/scan.h"

#define SMALL_BYTES (32 * 1024)  /* read into the reply; more goes out with sendfile(2) */
#define PIECE_BYTES (256 * 1024) /* of a file, sent in one call */
#define ETAG_MAX 80
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
static struct beneath *root_now(struct conn *c)
{
	if (files == NULL)
		return NULL;
	beneath_follow(files->beneath, loop_now_ms(c->table->loop));
	return files->beneath;
}

/* Returns 0 with the name of a regular file, or -1 with errno. */
static int file_find(struct conn *c, const struct slice *slice, char name[PATH_MAX],
		     struct stat *st)
{
	const struct beneath *root = root_now(c);

	conn_charge(c, OPEN_WORK);
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
static int file_open(struct conn *c, const struct slice *slice, struct stat *st)
{
	char name[PATH_MAX];
	int fd, error;

	if (file_find(c, slice, name, st) < 0)
		return -1;
	fd = beneath_open(files->beneath, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || file_check(fd, st) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static void etag_print(const struct stat *st, char text[ETAG_MAX])
{
	snprintf(text, ETAG_MAX, "%jx-%jx-%jx-%jx.%09lx", (uintmax_t)st->st_dev,
		 (uintmax_t)st->st_ino, (uintmax_t)st->st_size, (uintmax_t)st->st_mtim.tv_sec,
		 (unsigned long)st->st_mtim.tv_nsec);
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
	*s = (struct sending){
		.task = {.more = sending_more, .gone = sending_gone},
		.fd = fd,
		.at = first,
		.end = first + len,
	};
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
	return result < 0 ? beneath_refuse(c, slice) : resp_bulk(&c->out, small, len);
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
		return beneath_refuse(c, &req->argv[1]);
	return range_send(c, fd, &req->argv[1], 0, st.st_size);
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

	if (!slice_integer(&req->argv[2], &first) || !slice_integer(&req->argv[3], &last))
		return resp_error(&c->out, "ERR first and last are integers");
	fd = file_open(c, &req->argv[1], &st);
	if (fd < 0)
		return beneath_refuse(c, &req->argv[1]);
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

static int files_strlen(struct conn *c, const struct request *req)
{
	char name[PATH_MAX];
	struct stat st;

	if (file_find(c, &req->argv[1], name, &st) < 0)
		return error_is_none(errno) ? resp_integer(&c->out, 0)
					    : beneath_refuse(c, &req->argv[1]);
	return resp_integer(&c->out, st.st_size);
}

/* What is no file is none; of what cannot be looked at, nobody knows. */
static int files_exists(struct conn *c, const struct request *req)
{
	char name[PATH_MAX];
	struct stat st;
	int64_t count = 0;

	for (int i = 1; i < req->argc; i++) {
		if (file_find(c, &req->argv[i], name, &st) == 0)
			count++;
		else if (!error_is_none(errno) && errno != EISDIR)
			return beneath_refuse(c, &req->argv[i]);
	}
	return resp_integer(&c->out, count);
}

static int files_stat(struct conn *c, const struct request *req)
{
	char etag[ETAG_MAX], name[PATH_MAX];
	struct stat st;

	if (file_find(c, &req->argv[1], name, &st) < 0)
		return beneath_refuse(c, &req->argv[1]);
	etag_print(&st, etag);
	if (resp_array(&c->out, 6) < 0 || resp_bulk(&c->out, "size", 4) < 0 ||
	    resp_integer(&c->out, st.st_size) < 0 || resp_bulk(&c->out, "mtime", 5) < 0 ||
	    resp_integer(&c->out, st.st_mtim.tv_sec) < 0 || resp_bulk(&c->out, "etag", 4) < 0)
		return -1;
	return resp_bulk(&c->out, etag, strlen(etag));
}

static int files_scan(struct conn *c, const struct request *req)
{
	conn_charge(c, OPEN_WORK);
	return scan_reply(c, req, root_now(c));
}

/* ---- SHA256 ---- */

static int files_sha256(struct conn *c, const struct request *req)
{
	struct stat st;
	int fd = file_open(c, &req->argv[1], &st);

	if (fd < 0)
		return beneath_refuse(c, &req->argv[1]);
	return digest_reply(c, fd, &st);
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

static struct files_conf *files_section(const struct section_list *sections)
{
	struct section *s = section_of(TAILQ_FIRST(sections), &files_kind);

	return s != NULL ? container_of(s, struct files_conf, section) : NULL;
}

static int files_prepare(struct section_list *sections, char *reason)
{
	struct files_conf *conf = files_section(sections);

	if (conf == NULL)
		return 0;
	conf->beneath = beneath_new(conf->root, conf->hidden);
	if (conf->beneath != NULL)
		return 0;
	snprintf(reason, OPTION_REASON_MAX, "root %s: %s%s", conf->root, beneath_reason(errno),
		 errno == ENOSYS ? " (openat2(2), which RestrictSUIDSGID= hides)" : "");
	return -1;
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
		conf->beneath->fd_limit = limit.rlim_cur - FDS_SPARE;
	TAILQ_REMOVE(sections, &conf->section, entry);
	digest_use((unsigned)conf->max_digests);
}

static void files_stop(void)
{
	scan_stop();
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
