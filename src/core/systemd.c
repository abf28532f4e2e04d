/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "core/systemd.h"

#ifdef HAVE_SYSTEMD
#include <inttypes.h>
#include <systemd/sd-daemon.h>
#include <time.h>

void systemd_ready(unsigned clients)
{
	sd_notifyf(0, "READY=1\nSTATUS=%u clients", clients);
}

void systemd_reloading(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		   (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000);
}

void systemd_stopping(void)
{
	sd_notify(0, "STOPPING=1\nSTATUS=draining");
}

void systemd_status(unsigned clients)
{
	sd_notifyf(0, "STATUS=%u clients", clients);
}

void systemd_ping(void)
{
	sd_notify(0, "WATCHDOG=1");
}

int64_t systemd_ping_ms(void)
{
	uint64_t usec;

	return sd_watchdog_enabled(0, &usec) > 0 ? (int64_t)(usec / 2000) : 0;
}

int systemd_sockets(void)
{
	int count = sd_listen_fds(1);

	return count > 0 ? count : 0;
}
#else
void systemd_ready(unsigned clients)
{
}

void systemd_reloading(void)
{
}

void systemd_stopping(void)
{
}

void systemd_status(unsigned clients)
{
}

void systemd_ping(void)
{
}

int64_t systemd_ping_ms(void)
{
	return 0;
}

int systemd_sockets(void)
{
	return 0;
}
#endif
