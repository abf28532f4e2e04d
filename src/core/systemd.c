/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "core/systemd.h"

#include <bsd/string.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

/* As sd_notify(3), which waits for ever where the manager does not read. */
static void __attribute__((format(printf, 1, 2))) notify(const char *format, ...)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	char text[128];
	va_list args;
	socklen_t len;
	int fd, text_len;

	if (path == NULL ||
	    strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >= sizeof(sun.sun_path))
		return;
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@')
		sun.sun_path[0] = '\0'; /* an abstract name, unix(7) */
	va_start(args, format);
	text_len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	sendto(fd, text, (size_t)text_len, MSG_NOSIGNAL, (struct sockaddr *)&sun, len);
	close(fd);
}

void systemd_ready(unsigned clients)
{
	notify("READY=1\nSTATUS=%u clients", clients);
}

void systemd_reloading(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	notify("RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
	       (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000);
}

void systemd_stopping(void)
{
	notify("STOPPING=1\nSTATUS=draining");
}

void systemd_status(unsigned clients)
{
	notify("STATUS=%u clients", clients);
}

void systemd_ping(void)
{
	notify("WATCHDOG=1");
}

#ifdef HAVE_SYSTEMD
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
int64_t systemd_ping_ms(void)
{
	return 0;
}

int systemd_sockets(void)
{
	return 0;
}
#endif
