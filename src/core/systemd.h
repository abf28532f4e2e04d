/* SPDX-License-Identifier: MIT */
#ifndef CORE_SYSTEMD_H
#define CORE_SYSTEMD_H
/* What systemd is told and asked; nothing happens where it did not start us. The protocols are
 * those of sd_notify(3), sd_watchdog_enabled(3) and sd_listen_fds(3), a few lines each. */
#include <stdint.h>

void systemd_ready(unsigned clients);
void systemd_reloading(void);
void systemd_stopping(void);
void systemd_status(unsigned clients);
void systemd_ping(void);

/* Milliseconds between pings that the watchdog wants, half of its limit; 0: no watchdog. */
int64_t systemd_ping_ms(void);

/* How many sockets were passed; they begin at SYSTEMD_FIRST_FD. The second call finds none. */
int systemd_sockets(void);
#define SYSTEMD_FIRST_FD 3

#endif
