/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_IO_H
#define CLIENT_IO_H
/* What all of pollcat does alike with descriptors, and with time. */
#include "core/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Write all of data to fd, however long it takes. Returns 0, or -1 with errno. */
int io_write_all(int fd, const void *data, size_t len) __attribute__((warn_unused_result));

/* A write to a standard descriptor has failed with errno: say so. Where nobody reads the output any
 * more, as with head(1), this ends the process instead, as SIGPIPE ends other programs: quietly,
 * and with a status that shells know. */
void io_write_failed(const char *name);

/* Write all of out to standard output; out is empty afterwards. Returns 0, or -1 with the reason
 * said.
 */
int io_output(struct buf *out) __attribute__((warn_unused_result));

/* Flush the stream stdout. Returns 0; or -1 with the reason said, also where a write of the stream
 * has failed before. */
int io_flush(void) __attribute__((warn_unused_result));

/* Whether an errno says to try again: at once, or when poll(2) says so. */
bool io_try_again(int error);

/* Milliseconds of the monotonic clock. */
int64_t io_clock_ms(void);

/* Milliseconds until give_up_ms of io_clock_ms(), as a timeout of poll(2); -1: never, for
 * give_up_ms 0. */
int io_patience_ms(int64_t give_up_ms);

#endif
