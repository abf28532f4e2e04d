/* SPDX-License-Identifier: MIT */
/* Files beneath one folder. Only regular files are opened. */
#include <errno.h>
#include <unistd.h>

#include "core/stats.h"
#include "net/conn.h"
#include "net/shared_file.h"
#include "services/digest.h"
#include "services/files.h"
#include "services/registry.h"
#include "services/scan.h"

#define SMALL_BYTES (32 * 1024) /* at most this is read into the reply; more is a sendfile(2) */

/* ---- GET ---- */

/* Say bytes of a file by way of memory. Takes fd. Nothing is said before all has been read, so that
 * an error can still be the reply. */
static int small_send(const struct call *call, int fd, const struct slice *slice, off_t first,
		      size_t len)
{
	static char small[SMALL_BYTES];
	int result = file_read(fd, first, small, len), error = errno;

	close(fd);
	errno = error;
	return result < 0 ? beneath_refuse(call, slice) : say_bytes(call, small, len);
}

/* Say len bytes of a file, from first on. Takes fd. */
static int range_send(const struct call *call, int fd, const struct slice *slice, off_t first,
		      off_t len)
{
	stats.files_sent++;
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

/* A range as GETRANGE has it: first and last are both in it, negative ones count from the end, and
 * what is outside of size is cut off. *first becomes an offset. Returns the length. */
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

/* A name that leads to no regular file does not count; one that cannot be looked at is an error. */
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
	.protocols = PROTOCOL_RESP | PROTOCOL_HTTP,
	.verbs = files_verbs,
	.fetch = files_fetch,
	.section = &files_kind,
	.prepare = files_prepare,
	.use = files_use,
	.stop = files_stop,
};
