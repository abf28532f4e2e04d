/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_REQUEST_H
#define CLIENT_REQUEST_H
/* Requests in the protocol resp: arrays of bulk strings. */
#include "core/buf.h"

/* Add a request of argv, which ends in NULL, to out. Returns 0, or -1 with ENOMEM. */
int request_add(struct buf *out, const char *const *argv) __attribute__((warn_unused_result));

/* Add a request of a verb and data[0, len), any bytes. Returns 0, or -1 with ENOMEM. */
int request_add_data(struct buf *out, const char *verb, const void *data, size_t len)
	__attribute__((warn_unused_result));

#endif
