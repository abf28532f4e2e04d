/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_IO_H
#define CLIENT_IO_H
/* What reads and writes descriptors have in common. */
#include <stddef.h>
#include <stdint.h>

/* Write all of data, waiting as long as it takes. Returns 0, or -1 with errno. */
int io_write_all(int fd, const void *data, size_t len) __attribute__((warn_unused_result));

/* Milliseconds on the monotonic clock. */
int64_t io_clock_ms(void);

/* Milliseconds for poll(2) until give_up_ms on that clock; -1 where that is 0: never. */
int io_patience_ms(int64_t give_up_ms);

#endif
