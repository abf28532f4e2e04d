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
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUF_MAX (1U << 30) /* bytes; more is refused as if memory had run out */

struct buf {
	char *data;
	uint32_t head, tail, cap;
	bool borrowed; /* data belongs to the lender */
};

static inline size_t buf_len(const struct buf *b)
{
	return b->tail - b->head;
}

static inline char *buf_data(const struct buf *b)
{
	return b->data != NULL ? b->data + b->head : NULL;
}

/* Use storage[0, cap) until buf_settle(), if the queue holds none of its own. */
void buf_borrow(struct buf *b, char *storage, size_t cap);

/* End a loan: what still waits is copied to storage of its own. Returns 0, or -1 with ENOMEM
 * and the queue empty. */
int buf_settle(struct buf *b) __attribute__((warn_unused_result));

/* Make room for len more bytes. Returns where they go, or NULL with ENOMEM. They count only
 * after buf_commit(). */
char *buf_reserve(struct buf *b, size_t len) __attribute__((warn_unused_result));
void buf_commit(struct buf *b, size_t len);

/* Returns 0, or -1 with ENOMEM and the queue as it was. */
int buf_add(struct buf *b, const void *data, size_t len) __attribute__((warn_unused_result));

/* Drop the first len bytes; at most buf_len(). */
void buf_consume(struct buf *b, size_t len);

void buf_free(struct buf *b);

#endif
