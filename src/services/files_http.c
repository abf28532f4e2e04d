/* SPDX-License-Identifier: MIT */
/* Files and folders as documents. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "net/shared_file.h"
#include "services/files.h"
#include "services/files_page.h"

/* Say that there is no such path, whether there is something that is not served or not. */
static int refuse(const struct call *call)
{
	struct document d = {.status = 403, .text = "It is not served."};

	if (error_is_none(errno) || errno == ENAMETOOLONG || errno == EILSEQ)
		return FETCH_NOT_MINE;
	if (error_is_shortage(errno))
		d = (struct document){.status = 503, .text = "Too busy, try again later."};
	return say_document(call, &d, NULL);
}

/* Redirect to the path of a folder, which ends in a slash: without that, links in its page would
 * lead elsewhere. */
static int redirect(const struct call *call, const char *name)
{
	char location[3 * PATH_MAX + 2];
	struct document d = {.status = 301, .location = location, .text = "It is a folder."};

	location[0] = '/';
	stpcpy(link_print(name, location + 1), "/");
	return say_document(call, &d, NULL);
}

/* ---- precompressed files ---- */

/* NAME with an ending, if it is not older than the file NAME; else NULL, with st as it was. */
static struct shared_file *variant_borrow(const struct call *call, const char *name,
					  const char *ending, struct stat *st)
{
	char path[PATH_MAX + 4];
	struct shared_file *file;
	struct stat variant;

	snprintf(path, sizeof(path), "%s%s", name, ending);
	file = file_borrow(call, path, &variant);
	if (file == NULL || variant.st_mtim.tv_sec < st->st_mtim.tv_sec)
		return NULL;
	*st = variant;
	return file;
}

/* The precompressed file beside the file NAME that the client takes, or NULL. */
static struct shared_file *variant_choose(const struct call *call, const char *name,
					  struct stat *st, struct document *d)
{
	struct shared_file *variant = NULL;

	d->varies = true;
	if (call->get->accepts_br && (variant = variant_borrow(call, name, ".br", st)) != NULL)
		d->encoding = "br";
	else if (call->get->accepts_gzip &&
		 (variant = variant_borrow(call, name, ".gz", st)) != NULL)
		d->encoding = "gzip";
	return variant;
}

/* ---- files and folders ---- */

static int file_say(const struct call *call, const struct files_conf *conf, const char *name,
		    struct shared_file *file, struct stat *st)
{
	struct document d = {.status = 200, .type = media_type(conf->media, name)};
	struct shared_file *variant = NULL;
	char etag[ETAG_MAX];
	int result;

	shared_file_ref(file); /* opening another may let go of it */
	if (conf->precompressed)
		variant = variant_choose(call, name, st, &d);
	etag_print(st, etag);
	d.etag = etag;
	d.modified = st->st_mtim.tv_sec;
	d.size = (uint64_t)st->st_size;
	result = say_document_file(call, &d, variant != NULL ? variant : file);
	shared_file_unref(file);
	return result;
}

static int file_fetch(const struct call *call, const struct files_conf *conf, const char *name)
{
	struct stat st = {0};
	struct shared_file *file = file_borrow(call, name, &st);

	if (file != NULL)
		return file_say(call, conf, name, file, &st);
	return errno == EISDIR && S_ISDIR(st.st_mode) ? redirect(call, name) : refuse(call);
}

/* Answer for a folder: its index, or else a page that lists it, or nothing. */
static int folder_fetch(const struct call *call, const struct files_conf *conf, const char *folder)
{
	char name[PATH_MAX];
	int len = snprintf(name, sizeof(name), "%s%s", folder, conf->index), result;
	struct shared_file *file = NULL;
	struct stat st;

	errno = ENAMETOOLONG;
	if (len < (int)sizeof(name))
		file = file_borrow(call, name, &st);
	if (file != NULL)
		return file_say(call, conf, name, file, &st);
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
