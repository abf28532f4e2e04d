/* SPDX-License-Identifier: MIT */
#ifndef CORE_BUF_H
#define CORE_BUF_H
/*
 * A byte queue: added at the tail, consumed at the head.
 *
 *	0 .. head     consumed
 *	head .. tail  waiting
 *	tail .. cap   room
 *
 * Its storage is its own, or borrowed for one turn of the loop from a scratch area that
 * all connections share: an idle connection holds no memory. buf_settle() ends the loan.
 */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUF_MAX (1U << 30) /* bytes; more is refused as if memory had run out */

struct buf {
	char *data;
	uint32_t head, tail, cap;
	bool borrowed; /* data belongs to who lent it, until buf_settle() */
};

static inline size_t buf_len(const struct buf *b)
{
	return b->tail - b->head;
}

static inline char *buf_data(const struct buf *b)
{
	return b->data != NULL ? b->data + b->head : NULL;
}

/* Lend storage[0, cap) to the queue until buf_settle(), if the queue has none. */
static inline void buf_borrow(struct buf *b, char *storage, size_t cap)
{
	if (b->data == NULL)
		*b = (struct buf){.data = storage, .cap = (uint32_t)cap, .borrowed = true};
}

/* The slow part of buf_settle(), which see: bytes that wait on borrowed storage are copied, own
 * storage that is empty or far too large is given back. */
int buf_shrink(struct buf *b) __attribute__((warn_unused_result));

/* End a loan: what still waits is copied to storage of its own. Returns 0, or -1 with ENOMEM
 * and the queue empty. */
__attribute__((warn_unused_result)) static inline int buf_settle(struct buf *b)
{
	if (!b->borrowed || buf_len(b) > 0)
		return buf_shrink(b);
	*b = (struct buf){0};
	return 0;
}

/* The slow part of buf_reserve(), which see: what waits moves to the front, or to larger storage.
 */
char *buf_make_room(struct buf *b, size_t len) __attribute__((warn_unused_result));

/* Make room for len more bytes. Returns where to write them, or NULL with ENOMEM. Bytes count only
 * after buf_commit(). */
__attribute__((warn_unused_result)) static inline char *buf_reserve(struct buf *b, size_t len)
{
	if (b->data == NULL || len > b->cap - b->tail)
		return buf_make_room(b, len);
	return b->data + b->tail;
}

/* Count len bytes, written where buf_reserve() said; at most as many as were asked for there. */
static inline void buf_commit(struct buf *b, size_t len)
{
	assert(len <= b->cap - b->tail);
	b->tail += (uint32_t)len;
}

/* Copy len bytes to the tail. Returns 0, or -1 with ENOMEM and the queue as it was. */
int buf_add(struct buf *b, const void *data, size_t len) __attribute__((warn_unused_result));

/* Drop the first len bytes; at most buf_len(). */
static inline void buf_consume(struct buf *b, size_t len)
{
	assert(len <= buf_len(b));
	b->head += (uint32_t)len;
	if (b->head == b->tail)
		b->head = b->tail = 0;
}

/* Drop what waits and give the storage back, own or borrowed. The queue is empty and usable. */
void buf_free(struct buf *b);

#endif
