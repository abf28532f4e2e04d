/* SPDX-License-Identifier: MIT */
#include "core/systemd.h"

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <fcntl.h>
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

/* As sd_notify(3), but without that function's wait, which is for ever where systemd does not read.
 */
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

/* The number in a variable of the environment; 0: there is no such variable, or it has no number.
 */
static int64_t number_of(const char *name)
{
	const char *text = getenv(name), *error;

	return text != NULL ? strtonum(text, 0, INT64_MAX, &error) : 0;
}

/* WATCHDOG_PID says which process the watchdog is about; where it is not set, any. */
int64_t systemd_ping_ms(void)
{
	if (getenv("WATCHDOG_PID") != NULL && number_of("WATCHDOG_PID") != getpid())
		return 0;
	return number_of("WATCHDOG_USEC") / 2000;
}

int systemd_sockets(void)
{
	int64_t passed = number_of("LISTEN_PID") == getpid() ? number_of("LISTEN_FDS") : 0;
	int count = 0;

	while (count < passed && fcntl(SYSTEMD_FIRST_FD + count, F_SETFD, FD_CLOEXEC) == 0)
		count++;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return count;
}
