/* SPDX-License-Identifier: MIT */
/* A reply whose bytes are those of a file: they go from the file to the socket, a bounded piece
 * each turn. */
#include <stdlib.h>

#include "core/stats.h"
#include "net/conn.h"
#include "net/shared_file.h"
#include "net/table.h"

#define PIECE_BYTES (256 * 1024) /* sent in one call */
#define SMALL_BYTES (32 * 1024)  /* of a document: read into the reply, to go with its head */

struct sending {
	struct task task;
	struct shared_file *file; /* a reference */
	off_t at, end;            /* of the file: the next byte, and after the last */
};

static void sending_free(struct sending *s)
{
	shared_file_unref(s->file);
	free(s);
}

static void sending_gone(struct task *t)
{
	sending_free(container_of(t, struct sending, task));
}

static enum task_progress sending_more(const struct call *call, struct task *t)
{
	struct sending *s = container_of(t, struct sending, task);
	off_t left = s->end - s->at;
	size_t piece = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;

	if (left > 0 && conn_send_file(call->conn, s->file->fd, &s->at, piece) < 0)
		return TASK_FAILED;
	if (s->at < s->end)
		return TASK_WRITES;
	if (say_bytes_end(call) < 0)
		return TASK_FAILED;
	sending_free(s);
	return TASK_DONE;
}

/* What comes before the bytes has been said. */
static int sending_begin(const struct call *call, struct shared_file *file, off_t first, off_t len)
{
	struct sending *s = malloc(sizeof(*s));

	if (s == NULL)
		return -1;
	*s = (struct sending){
		.task = {.more = sending_more, .gone = sending_gone},
		.file = shared_file_ref(file),
		.at = first,
		.end = first + len,
	};
	conn_task(call->conn, &s->task);
	return 0;
}

int say_file(const struct call *call, int fd, off_t first, off_t len)
{
	struct shared_file *file = shared_file_new(fd);
	int result = -1;

	if (file == NULL)
		return -1;
	if (say_bytes_begin(call, (uint64_t)len) == 0)
		result = sending_begin(call, file, first, len);
	shared_file_unref(file);
	return result;
}

/* Read len bytes of a file from first on into the reply. Returns 0, or -1. */
static int small_read(const struct call *call, int fd, off_t first, size_t len)
{
	char *to = buf_reserve(call->out, len);

	if (to == NULL || file_read(fd, first, to, len) < 0)
		return -1;
	buf_commit(call->out, len);
	return 0;
}

int say_document_file(const struct call *call, struct document *d, struct shared_file *file)
{
	if (say_document_head(call, d) < 0)
		return -1;
	stats.files_sent += d->len > 0;
	if (d->len > SMALL_BYTES)
		return sending_begin(call, file, (off_t)d->first, (off_t)d->len);
	return d->len > 0 ? small_read(call, file->fd, (off_t)d->first, (size_t)d->len) : 0;
}
