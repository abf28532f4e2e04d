/* SPDX-License-Identifier: MIT */
#ifndef CORE_SYSTEMD_H
#define CORE_SYSTEMD_H
/* What systemd is told and asked; nothing happens where systemd did not start us. The protocols are
 * those of sd_notify(3), sd_watchdog_enabled(3) and sd_listen_fds(3), a few lines each. */
#include <stdint.h>

/* Messages of sd_notify(3), which never block and may be lost; clients: how many there are now. */
void systemd_ready(unsigned clients);
void systemd_reloading(void);
void systemd_stopping(void);
void systemd_status(unsigned clients);
/* We are alive, for the watchdog. */
void systemd_ping(void);

/* Milliseconds between pings, half of the watchdog's limit; 0: no watchdog. */
int64_t systemd_ping_ms(void);

/* Returns how many sockets were passed, the first as SYSTEMD_FIRST_FD, all CLOEXEC from now on. A
 * second call finds none. */
int systemd_sockets(void);
#define SYSTEMD_FIRST_FD 3

#endif
