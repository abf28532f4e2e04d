/* SPDX-License-Identifier: MIT */
/* A reply whose bytes are those of a file: they go from the file to the socket, a bounded piece
 * each turn. */
#include <stdlib.h>
#include <unistd.h>

#include "core/stats.h"
#include "net/table.h"

#define PIECE_BYTES (256 * 1024) /* sent in one call */
#define SMALL_BYTES (32 * 1024)  /* of a document: read into the reply, to go with its head */

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

static enum task_progress sending_more(const struct call *call, struct task *t)
{
	struct sending *s = container_of(t, struct sending, task);
	off_t left = s->end - s->at;
	size_t piece = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;

	if (left > 0 && conn_send_file(call->conn, s->fd, &s->at, piece) < 0)
		return TASK_FAILED;
	if (s->at < s->end)
		return TASK_WRITES;
	if (say_bytes_end(call) < 0)
		return TASK_FAILED;
	sending_free(s);
	return TASK_DONE;
}

/* Takes fd. What comes before the bytes has been said. */
static int sending_begin(const struct call *call, int fd, off_t first, off_t len)
{
	struct sending *s = malloc(sizeof(*s));

	if (s == NULL) {
		close(fd);
		return -1;
	}
	*s = (struct sending){
		.task = {.more = sending_more, .gone = sending_gone},
		.fd = fd,
		.at = first,
		.end = first + len,
	};
	conn_task(call->conn, &s->task);
	return 0;
}

int say_file(const struct call *call, int fd, off_t first, off_t len)
{
	if (say_bytes_begin(call, (uint64_t)len) < 0) {
		close(fd);
		return -1;
	}
	return sending_begin(call, fd, first, len);
}

/* Read len bytes of a file from first on into the reply. The kernel may give less than asked for.
 * Returns 0, or -1 where the file has become shorter, or cannot be read. */
static int small_read(const struct call *call, int fd, off_t first, size_t len)
{
	char *to = buf_reserve(call->out, len);
	ssize_t n = to != NULL ? 1 : -1;

	for (size_t done = 0; n > 0 && done < len; done += (size_t)n)
		n = pread(fd, to + done, len - done, first + (off_t)done);
	if (n <= 0)
		return -1;
	buf_commit(call->out, len);
	return 0;
}

int say_document_file(const struct call *call, struct document *d, int fd)
{
	int result = call->protocol->document(call->out, call->framing, call->get, d);

	stats.files_sent += d->len > 0;
	if (result == 0 && d->len > SMALL_BYTES)
		return sending_begin(call, fd, (off_t)d->first, (off_t)d->len);
	if (result == 0 && d->len > 0)
		result = small_read(call, fd, (off_t)d->first, (size_t)d->len);
	close(fd);
	return result;
}
