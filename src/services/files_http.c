/* SPDX-License-Identifier: MIT */
/* Files and folders as documents. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "services/files.h"
#include "services/files_page.h"

/* Of a path that is not served nothing is told, be there something or not. */
static int refuse(const struct call *call)
{
	struct document d = {.status = 403, .text = "It is not served."};

	if (error_is_none(errno) || errno == ENAMETOOLONG || errno == EILSEQ)
		return FETCH_NOT_MINE;
	if (error_is_shortage(errno))
		d = (struct document){.status = 503, .text = "Too busy, try again later."};
	return say_document(call, &d, NULL);
}

/* A folder that was asked for as if it were a file: links in it would lead elsewhere. */
static int redirect(const struct call *call, const char *name)
{
	char location[3 * PATH_MAX + 2];
	struct document d = {.status = 301, .location = location, .text = "It is a folder."};

	location[0] = '/';
	stpcpy(link_print(name, location + 1), "/");
	return say_document(call, &d, NULL);
}

/* ---- precompressed files ---- */

/* Returns a descriptor of NAME with an ending, if it is not older than the file NAME; else -1. */
static int variant_open(const struct call *call, const char *name, const char *ending,
			struct stat *st)
{
	char path[PATH_MAX + 4];
	struct stat variant;
	int fd;

	snprintf(path, sizeof(path), "%s%s", name, ending);
	fd = file_open(call, &(struct slice){path, strlen(path)}, &variant);
	if (fd >= 0 && variant.st_mtim.tv_sec < st->st_mtim.tv_sec) {
		close(fd);
		return -1;
	}
	if (fd >= 0)
		*st = variant;
	return fd;
}

/* In place of fd, of NAME, what is beside it and the client takes. */
static int variant_choose(const struct call *call, const char *name, int fd, struct stat *st,
			  struct document *d)
{
	int variant = -1;

	d->varies = true;
	if (call->get->accepts_br && (variant = variant_open(call, name, ".br", st)) >= 0)
		d->encoding = "br";
	else if (call->get->accepts_gzip && (variant = variant_open(call, name, ".gz", st)) >= 0)
		d->encoding = "gzip";
	if (variant < 0)
		return fd;
	close(fd);
	return variant;
}

/* ---- files and folders ---- */

/* Takes fd. */
static int file_say(const struct call *call, const struct files_conf *conf, const char *name,
		    int fd, struct stat *st)
{
	struct document d = {.status = 200, .type = media_type(conf->media, name)};
	char etag[ETAG_MAX];

	if (conf->precompressed)
		fd = variant_choose(call, name, fd, st, &d);
	etag_print(st, etag);
	d.etag = etag;
	d.modified = st->st_mtim.tv_sec;
	d.size = (uint64_t)st->st_size;
	return say_document_file(call, &d, fd);
}

static int file_fetch(const struct call *call, const struct files_conf *conf, const char *name)
{
	struct stat st = {0};
	int fd = file_open(call, &(struct slice){name, strlen(name)}, &st);

	if (fd < 0)
		return errno == EISDIR && S_ISDIR(st.st_mode) ? redirect(call, name) : refuse(call);
	return file_say(call, conf, name, fd, &st);
}

/* Where there is no index, a page that lists the folder, or nothing. */
static int folder_fetch(const struct call *call, const struct files_conf *conf, const char *folder)
{
	char name[PATH_MAX];
	int len = snprintf(name, sizeof(name), "%s%s", folder, conf->index), result, fd = -1;
	struct stat st;

	errno = ENAMETOOLONG;
	if (len < (int)sizeof(name))
		fd = file_open(call, &(struct slice){name, (size_t)len}, &st);
	if (fd >= 0)
		return file_say(call, conf, name, fd, &st);
	if (errno != ENOENT || !conf->listing || (!conf->beneath->hidden && name_is_hidden(folder)))
		return refuse(call);
	result = page_reply(call, conf->beneath, folder);
	return result == 1 ? refuse(call) : result;
}

int files_fetch(const struct call *call)
{
	const struct slice *path = &call->get->path;
	const struct files_conf *conf = files_now(call);
	char name[PATH_MAX];

	if (conf == NULL || path->len > sizeof(name))
		return FETCH_NOT_MINE;
	memcpy(name, path->data + 1, path->len - 1); /* it has no NUL */
	name[path->len - 1] = '\0';
	if (path->data[path->len - 1] == '/')
		return folder_fetch(call, conf, name);
	return file_fetch(call, conf, name);
}
