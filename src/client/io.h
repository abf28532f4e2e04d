/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_IO_H
#define CLIENT_IO_H
/* What reads and writes descriptors have in common. */
#include "core/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Write all of data, waiting as long as it takes. Returns 0, or -1 with errno. */
int io_write_all(int fd, const void *data, size_t len) __attribute__((warn_unused_result));

/* Writing to a standard descriptor failed with errno: say so. Where nobody reads it any more, as
 * with head(1), this ends the process instead, as SIGPIPE ends other programs: quietly, and with a
 * status that shells know. */
void io_write_failed(const char *name);

/* Write all that waits in out to standard output; afterwards nothing does. Returns 0, or -1 with
 * the reason said. */
int io_output(struct buf *out) __attribute__((warn_unused_result));

/* The same for what waits in stdout, or could not be written from there before. Returns 0, or -1
 * with the reason said. */
int io_flush(void) __attribute__((warn_unused_result));

/* Whether errno says to wait for poll(2). */
bool io_try_again(int error);

/* Milliseconds on the monotonic clock. */
int64_t io_clock_ms(void);

/* Milliseconds for poll(2) until give_up_ms on that clock; -1 where that is 0: never. */
int io_patience_ms(int64_t give_up_ms);

#endif
