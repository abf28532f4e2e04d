/* SPDX-License-Identifier: MIT */
#ifndef NET_RESP_H
#define NET_RESP_H
/*
 * RESP2, the wire format of Redis: https://redis.io/docs/reference/protocol-spec/. The requests
 * are protocol_resp's business; here are the typed replies, for services that have more to say
 * than one string. Each returns 0, or -1 with ENOMEM and the queue as it was.
 */
#include <stdint.h>

#include "core/buf.h"

/* One line; CR and LF in its text become blanks. */
int resp_status(struct buf *out, const char *text) __attribute__((warn_unused_result));

/* The same for "CODE reason", a code in capitals. */
int resp_error(struct buf *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), warn_unused_result));

int resp_integer(struct buf *out, int64_t value) __attribute__((warn_unused_result));
int resp_bulk(struct buf *out, const void *data, size_t len) __attribute__((warn_unused_result));
int resp_nil(struct buf *out) __attribute__((warn_unused_result));

/* count replies follow, and are its items. */
int resp_array(struct buf *out, size_t count) __attribute__((warn_unused_result));
/* The same in two pieces, for who does not know yet how many. */
int resp_array_begin(struct buf *out) __attribute__((warn_unused_result));
int resp_array_end(struct buf *out, size_t count) __attribute__((warn_unused_result));

/* A bulk string around len bytes that do not pass through out. */
int resp_bulk_begin(struct buf *out, uint64_t len) __attribute__((warn_unused_result));
int resp_bulk_end(struct buf *out) __attribute__((warn_unused_result));

#endif
