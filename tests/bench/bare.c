/* SPDX-License-Identifier: MIT */
/*
 * What pollard is measured against: the least that answers in upper case, without a table of
 * clients, a limit, a timeout, a log or a counter. "bare epoll PORT" waits with epoll(7), "bare
 * poll PORT" with poll(2) over everything; a port with a slash in it is the path of a UNIX socket.
 * "bare spawn SECONDS" runs /bin/true, one after another, and prints how many a second.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FDS_MAX 65536
#define BUFFER_BYTES 65536
#define EVENTS_PER_TURN 128

/* What the kernel has not taken yet; no more is read until it has. */
struct rest {
	char *data; /* owned */
	size_t sent, len;
};

static struct rest rests[FDS_MAX]; /* by descriptor */
static struct pollfd pfds[FDS_MAX];
static char buffer[BUFFER_BYTES];

/* Stores always, so that the compiler can make vector code of it. */
static void upper(char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		data[i] = (char)(data[i] >= 'a' && data[i] <= 'z' ? data[i] - 32 : data[i]);
}

/* Returns whether the connection lives. */
static bool rest_send(int fd)
{
	struct rest *rest = &rests[fd];
	ssize_t n = send(fd, rest->data + rest->sent, rest->len - rest->sent, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN;
	rest->sent += (size_t)n;
	if (rest->sent == rest->len) {
		free(rest->data);
		*rest = (struct rest){0};
	}
	return true;
}

static bool rest_keep(int fd, const char *data, size_t len)
{
	rests[fd] = (struct rest){.data = malloc(len), .len = len};
	if (rests[fd].data == NULL)
		return false;
	memcpy(rests[fd].data, data, len);
	return true;
}

static bool answer(int fd)
{
	ssize_t n = recv(fd, buffer, sizeof(buffer), 0);
	ssize_t sent;

	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	upper(buffer, (size_t)n);
	sent = send(fd, buffer, (size_t)n, MSG_NOSIGNAL);
	if (sent < 0 && errno != EAGAIN)
		return false;
	if (sent < 0)
		sent = 0;
	return sent == n || rest_keep(fd, buffer + sent, (size_t)(n - sent));
}

static bool serve(int fd)
{
	return rests[fd].data != NULL ? rest_send(fd) : answer(fd);
}

static void forget(int fd)
{
	free(rests[fd].data);
	rests[fd] = (struct rest){0};
	close(fd);
}

static int bound_to(const char *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const int on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		err(1, "port %s", port);
	return fd;
}

static int bound_to_unix(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		errx(2, "%s: longer than the name of a socket may be", path);
	strcpy(address.sun_path, path);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		err(1, "%s", path);
	return fd;
}

static int listen_on(const char *port)
{
	int fd = strchr(port, '/') != NULL ? bound_to_unix(port) : bound_to(port);

	if (listen(fd, 4096) < 0)
		err(1, "%s", port);
	return fd;
}

/* Returns -1 where nobody calls any more. */
static int accept_one(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	const int on = 1;

	if (fd >= FDS_MAX)
		errx(1, "more than %d descriptors", FDS_MAX);
	if (fd >= 0)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

/* ---- epoll ---- */

static void epoll_accept(int epoll_fd, int listener)
{
	struct epoll_event event = {.events = EPOLLIN};

	while ((event.data.fd = accept_one(listener)) >= 0)
		if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, event.data.fd, &event) < 0)
			err(1, "epoll_ctl");
}

static void epoll_serve(int epoll_fd, int fd)
{
	bool had_rest = rests[fd].data != NULL;
	struct epoll_event event = {.data.fd = fd};

	if (!serve(fd)) {
		forget(fd);
		return;
	}
	if (had_rest == (rests[fd].data != NULL))
		return;
	event.events = had_rest ? EPOLLIN : EPOLLOUT;
	if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0)
		err(1, "epoll_ctl");
}

static void epoll_run(int listener)
{
	struct epoll_event events[EVENTS_PER_TURN] = {{.events = EPOLLIN, .data.fd = listener}};
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC), n;

	if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &events[0]) < 0)
		err(1, "epoll");
	for (;;) {
		n = epoll_wait(epoll_fd, events, EVENTS_PER_TURN, -1);
		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				epoll_accept(epoll_fd, listener);
			else
				epoll_serve(epoll_fd, events[i].data.fd);
		}
	}
}

/* ---- poll ---- */

static nfds_t poll_accept(nfds_t count)
{
	int fd;

	while (count < FDS_MAX && (fd = accept_one(pfds[0].fd)) >= 0)
		pfds[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
	return count;
}

static void poll_run(int listener)
{
	nfds_t count = 1;
	int fd;

	pfds[0] = (struct pollfd){.fd = listener, .events = POLLIN};
	for (;;) {
		if (poll(pfds, count, -1) < 0)
			err(1, "poll");
		/* Downwards, so that the last, which fills a hole, has had its turn. */
		for (nfds_t i = count; i-- > 1;) {
			fd = pfds[i].fd;
			if (pfds[i].revents != 0 && !serve(fd)) {
				forget(fd);
				pfds[i] = pfds[--count];
			} else if (pfds[i].revents != 0) {
				pfds[i].events = rests[fd].data != NULL ? POLLOUT : POLLIN;
			}
		}
		if (pfds[0].revents != 0)
			count = poll_accept(count);
	}
}

/* ---- processes ---- */

static double clock_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void spawn_run(double seconds)
{
	static char program[] = "/bin/true";
	char *const argv[] = {program, NULL};
	double began = clock_seconds(), now;
	unsigned count = 0;
	pid_t pid;
	int error;

	do {
		error = posix_spawn(&pid, program, NULL, NULL, argv, environ);
		if (error != 0)
			errx(1, "%s: %s", program, strerror(error));
		if (waitpid(pid, NULL, 0) < 0)
			err(1, "waitpid");
		count++;
		now = clock_seconds();
	} while (now - began < seconds);
	printf("%.1f\n", count / (now - began));
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "epoll") == 0)
		epoll_run(listen_on(argv[2]));
	else if (argc == 3 && strcmp(argv[1], "poll") == 0)
		poll_run(listen_on(argv[2]));
	else if (argc == 3 && strcmp(argv[1], "spawn") == 0)
		spawn_run(atof(argv[2]));
	else
		errx(2, "usage: bare epoll PORT | poll PORT | spawn SECONDS");
	return 0;
}
