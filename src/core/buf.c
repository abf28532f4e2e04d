/* SPDX-License-Identifier: MIT */
#include "core/buf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLACK 4 /* own storage is exchanged when it is so many times what waits in it, or more */

int buf_shrink(struct buf *b)
{
	char *own;
	size_t len = buf_len(b);

	if (len == 0) {
		buf_free(b);
		return 0;
	}
	if (!b->borrowed && len >= b->cap / SLACK)
		return 0;
	own = malloc(len);
	if (own == NULL && !b->borrowed)
		return 0;
	if (own == NULL) {
		buf_free(b);
		return -1;
	}
	memcpy(own, buf_data(b), len);
	buf_free(b);
	*b = (struct buf){.data = own, .tail = (uint32_t)len, .cap = (uint32_t)len};
	return 0;
}

/* Move what waits to the front of own storage of at least cap bytes. */
static int buf_grow(struct buf *b, size_t cap)
{
	size_t len = buf_len(b), doubled = (size_t)b->cap * 2;
	char *own;

	if (cap < doubled && doubled <= BUF_MAX)
		cap = doubled;
	if (cap == 0)
		cap = 1; /* malloc(0) may be NULL */
	own = malloc(cap);
	if (own == NULL)
		return -1;
	if (len > 0)
		memcpy(own, buf_data(b), len);
	buf_free(b);
	*b = (struct buf){.data = own, .tail = (uint32_t)len, .cap = (uint32_t)cap};
	return 0;
}

char *buf_make_room(struct buf *b, size_t len)
{
	size_t waiting = buf_len(b);

	if (len > BUF_MAX - waiting) {
		errno = ENOMEM;
		return NULL;
	}
	if (b->data != NULL && waiting + len <= b->cap && b->head >= waiting) {
		memcpy(b->data, buf_data(b), waiting);
		b->head = 0;
		b->tail = (uint32_t)waiting;
	} else if (buf_grow(b, waiting + len) < 0) {
		return NULL;
	}
	return b->data + b->tail;
}

int buf_add(struct buf *b, const void *data, size_t len)
{
	char *to = buf_reserve(b, len);

	if (to == NULL)
		return -1;
	if (len > 0)
		memcpy(to, data, len);
	buf_commit(b, len);
	return 0;
}

void buf_free(struct buf *b)
{
	if (!b->borrowed)
		free(b->data);
	*b = (struct buf){0};
}
