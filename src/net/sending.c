/* SPDX-License-Identifier: MIT */
/* A reply whose bytes are those of a file: they go from the file to the socket, a bounded piece
 * each turn. */
#include <stdlib.h>
#include <unistd.h>

#include "core/stats.h"
#include "net/table.h"

#define PIECE_BYTES (256 * 1024) /* sent in one call */

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

	if (left > 0) {
		size_t piece = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;

		return conn_send_file(call->conn, s->fd, &s->at, piece) < 0 ? TASK_FAILED
									    : TASK_WRITES;
	}
	if (say_bytes_end(call) < 0)
		return TASK_FAILED;
	sending_free(s);
	return TASK_DONE;
}

int say_file(const struct call *call, int fd, off_t first, off_t len)
{
	struct sending *s = malloc(sizeof(*s));

	if (s == NULL || say_bytes_begin(call, (uint64_t)len) < 0) {
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
	stats.files_sent++;
	conn_task(call->conn, &s->task);
	return 0;
}
