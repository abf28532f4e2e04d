/* SPDX-License-Identifier: MIT */
/* Files as documents. */
#include <errno.h>

#include "services/files.h"

static int refuse(const struct call *call, int error)
{
	struct document d = {.status = 403, .text = "It is not served."};

	if (error_is_none(error))
		return FETCH_NOT_MINE;
	if (error_is_shortage(error))
		d = (struct document){.status = 503, .text = "Too busy, try again later."};
	return say_document(call, &d, NULL);
}

int files_fetch(const struct call *call)
{
	const struct slice name = {call->get->path.data + 1, call->get->path.len - 1};
	struct document d = {.status = 200};
	char etag[ETAG_MAX];
	struct stat st;
	int fd = file_open(call, &name, &st);

	if (fd < 0)
		return refuse(call, errno);
	etag_print(&st, etag);
	d.etag = etag;
	d.modified = st.st_mtim.tv_sec;
	d.size = (uint64_t)st.st_size;
	return say_document_file(call, &d, fd);
}
