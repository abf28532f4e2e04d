/* SPDX-License-Identifier: MIT */
#include "server/passed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/option.h"
#include "core/log.h"
#include "core/systemd.h"

/* ---- what a socket is ---- */

/* The value of a socket option that is a number; -1: there is none. */
static int number_of(int fd, int level, int option)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return getsockopt(fd, level, option, &value, &len) == 0 ? value : -1;
}

static bool is_connected(int fd)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);

	return getpeername(fd, (struct sockaddr *)&peer, &len) == 0;
}

/* Fill in the address of p->fd. Returns NULL, or why the socket cannot be used. */
static const char *socket_judge(struct passed_socket *p)
{
	socklen_t len = sizeof(p->addr.un);
	int type = number_of(p->fd, SOL_SOCKET, SO_TYPE);
	sa_family_t family;

	if (getsockname(p->fd, &p->addr.sa, &len) < 0)
		return "is no socket";
	p->addr.len = len;
	family = p->addr.sa.sa_family;
	p->addr.transport = family == AF_UNIX    ? TRANSPORT_UNIX
			    : type == SOCK_DGRAM ? TRANSPORT_UDP
						 : TRANSPORT_TCP;
	if (family != AF_UNIX && family != AF_INET && family != AF_INET6)
		return "is of no family that is served";
	if (type != SOCK_STREAM && (type != SOCK_DGRAM || family == AF_UNIX))
		return "is of no type that is served (ListenStream=, ListenDatagram=)";
	if (is_connected(p->fd))
		return "is a connection (Accept=yes)";
	return NULL;
}

/* Write the address of a socket to text[size]; or fd, its number, where there is none. */
static void socket_print(const struct passed_socket *p, int fd, char *text, size_t size)
{
	const struct sockaddr_un *un = &p->addr.un;
	sa_family_t family = p->addr.sa.sa_family;

	if (family == AF_UNIX && un->sun_path[0] == '\0' &&
	    p->addr.len > offsetof(struct sockaddr_un, sun_path))
		snprintf(text, size, "unix:@%.*s",
			 (int)(p->addr.len - offsetof(struct sockaddr_un, sun_path) - 1),
			 un->sun_path + 1);
	else if (family == AF_UNIX || family == AF_INET || family == AF_INET6)
		addr_print(&p->addr, text, size);
	else
		snprintf(text, size, "descriptor %d", fd);
}

/* ---- from the start to ready ---- */

int passed_collect(struct passed *passed)
{
	int count = systemd_sockets();

	*passed = (struct passed){.items = calloc((size_t)count + 1, sizeof(*passed->items))};
	if (passed->items == NULL)
		return -1;
	while (passed->count < count) {
		struct passed_socket *p = &passed->items[passed->count];

		p->fd = SYSTEMD_FIRST_FD + passed->count++;
		p->unfit = socket_judge(p);
	}
	return 0;
}

int passed_take(struct passed *passed, const struct addr *addr)
{
	for (int i = 0; i < passed->count; i++) {
		struct passed_socket *p = &passed->items[i];
		int fd = p->fd;

		if (fd < 0 || p->unfit != NULL || !addr_equal(&p->addr, addr))
			continue;
		p->fd = -1;
		return fd;
	}
	return -1;
}

static bool is_any(const struct addr *a)
{
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_addr.s_addr == htonl(INADDR_ANY);
	return a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr);
}

/* Whether addr cannot be bound while p is: bind(2) says no more than "in use". */
static bool is_in_the_way(const struct passed_socket *p, const struct addr *addr)
{
	sa_family_t family = p->addr.sa.sa_family;

	if (p->addr.transport != addr->transport || addr->transport == TRANSPORT_UNIX ||
	    sockaddr_port(&p->addr.sa) != sockaddr_port(&addr->sa))
		return false;
	if (family == addr->sa.sa_family)
		return addr_equal(&p->addr, addr) || is_any(&p->addr) || is_any(addr);
	return family == AF_INET6 && is_any(&p->addr);
}

void passed_explain(const struct passed *passed, const struct addr *addr, struct reason *reason)
{
	char text[ADDR_TEXT_MAX];

	for (int i = 0; i < passed->count; i++) {
		const struct passed_socket *p = &passed->items[i];

		if (!is_in_the_way(p, addr))
			continue;
		addr_print(&p->addr, text, sizeof(text));
		reason_add(reason,
			   "; systemd passed %s, which takes it: the two must name one address",
			   text);
		return;
	}
}

void passed_free(struct passed *passed)
{
	static const char unnamed[] = "no listener names it";
	char text[ADDR_TEXT_MAX];

	for (int i = 0; i < passed->count; i++) {
		const struct passed_socket *p = &passed->items[i];

		if (p->fd < 0)
			continue;
		socket_print(p, SYSTEMD_FIRST_FD + i, text, sizeof(text));
		log_warning("socket_unused", log_text("address", text),
			    log_text("reason", p->unfit != NULL ? p->unfit : unnamed));
		close(p->fd);
	}
	free(passed->items);
	*passed = (struct passed){0};
}
