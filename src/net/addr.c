/* SPDX-License-Identifier: MIT */
#include "net/addr.h"

#include <arpa/inet.h>
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const transport_names[] = {"tcp", "udp", "unix"};

/* Refuse hosts that no resolver knows, and those that bind(2) and connect(2) refuse. */
static int host_check(const struct addr_spec *spec, struct reason *reason)
{
	struct in6_addr in6;

	if (strcmp(spec->host, "*") == 0)
		reason_set(reason, "write 0.0.0.0 or [::] for every address, not *");
	else if (strpbrk(spec->host, "/, \t") != NULL)
		reason_set(reason, "'%.100s' is not a host; write HOST:PORT", spec->host);
	else if (inet_pton(AF_INET6, spec->host, &in6) == 1 && IN6_IS_ADDR_LINKLOCAL(&in6))
		reason_set(reason, "%s is one of each interface; write which: [%s%%eth0]:%s",
			   spec->host, spec->host, spec->port);
	else
		return 0;
	return -1;
}

static int host_port_parse(struct addr_spec *spec, const char *text, struct reason *reason)
{
	const char *host = text, *end = strrchr(text, ':'), *error = "no number";
	size_t len;

	if (end == NULL || end[1] == '\0') {
		return reason_set(reason, "'%s' has no port; write HOST:PORT", text);
	}
	if (strspn(end + 1, "0123456789") == strlen(end + 1) && strlen(end + 1) <= 5)
		strtonum(end + 1, 0, 65535, &error);
	if (error != NULL) {
		return reason_set(reason, "port '%s' is not a number from 0 to 65535", end + 1);
	}
	strlcpy(spec->port, end + 1, sizeof(spec->port));
	if (*host == '[' && end[-1] == ']') {
		host++;
		end--;
	} else if (memchr(host, ':', (size_t)(end - host)) != NULL) {
		return reason_set(reason, "an IPv6 address goes in brackets: [%.*s]:%s",
				  (int)(end - host), host, spec->port);
	}
	len = (size_t)(end - host);
	if (len == 0 || len >= sizeof(spec->host)) {
		return reason_set(
			reason, "'%s' has no host; write 0.0.0.0 or [::] for every address", text);
	}
	memcpy(spec->host, host, len);
	spec->host[len] = '\0';
	return host_check(spec, reason);
}

static int path_parse(struct addr_spec *spec, const char *path, struct reason *reason)
{
	const size_t max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;

	if (path[0] != '/' || strlen(path) > max) {
		return reason_set(reason, "'%s' is not an absolute path of at most %zu bytes", path,
				  max);
	}
	strlcpy(spec->host, path, sizeof(spec->host));
	return 0;
}

static void transport_miss(const char *text, struct reason *reason)
{
	struct addr_spec tried = {0};
	const char *transport = NULL;

	if (text[0] == '/')
		transport = transport_names[TRANSPORT_UNIX];
	else if (host_port_parse(&tried, text, reason) == 0)
		transport = transport_names[TRANSPORT_TCP];
	if (transport == NULL)
		reason_set(reason, "'%.100s' does not begin with tcp:, udp: or unix:", text);
	else
		reason_set(
			reason,
			"'%.100s' does not begin with tcp:, udp: or unix:; did you mean %s:%.100s?",
			text, transport, text);
}

int addr_spec_parse(struct addr_spec *spec, const char *text, struct reason *reason)
{
	const char *colon = strchr(text, ':');

	*spec = (struct addr_spec){0};
	if (strlcpy(spec->text, text, sizeof(spec->text)) >= sizeof(spec->text)) {
		return reason_set(reason, "the address is too long");
	}
	for (unsigned i = 0; colon != NULL && i < 3; i++) {
		const char *name = transport_names[i];

		if (strlen(name) != (size_t)(colon - text) ||
		    strncmp(text, name, strlen(name)) != 0)
			continue;
		spec->transport = (enum transport)i;
		if (spec->transport == TRANSPORT_UNIX)
			return path_parse(spec, colon + 1, reason);
		return host_port_parse(spec, colon + 1, reason);
	}
	transport_miss(text, reason);
	return -1;
}

static int unix_resolve(const struct addr_spec *spec, struct addr *a)
{
	*a = (struct addr){.transport = TRANSPORT_UNIX, .len = sizeof(a->un)};
	a->un.sun_family = AF_UNIX;
	strlcpy(a->un.sun_path, spec->host, sizeof(a->un.sun_path));
	return 1;
}

static bool addr_is_among(const struct addr *a, const struct addr *addrs, int count)
{
	for (int i = 0; i < count; i++)
		if (addr_equal(a, &addrs[i]))
			return true;
	return false;
}

/* Fill addrs with the IPv4 and IPv6 addresses of list, each once. Returns how many. */
static int addrs_collect(const struct addr_spec *spec, const struct addrinfo *list,
			 struct addr *addrs)
{
	int count = 0;

	for (const struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
		if (ai->ai_family != AF_INET && ai->ai_family != AF_INET6)
			continue;
		addrs[count] = (struct addr){.transport = spec->transport, .len = ai->ai_addrlen};
		memcpy(&addrs[count].sa, ai->ai_addr, ai->ai_addrlen);
		if (!addr_is_among(&addrs[count], addrs, count))
			count++;
	}
	return count;
}

static struct addrinfo *host_resolve(const struct addr_spec *spec, struct reason *reason)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICSERV | AI_PASSIVE}, *list;
	int error;

	hints.ai_socktype = spec->transport == TRANSPORT_UDP ? SOCK_DGRAM : SOCK_STREAM;
	error = getaddrinfo(spec->host, spec->port, &hints, &list);
	if (error == 0)
		return list;
	reason_set(reason, "host '%s': %s", spec->host,
		   error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
	return NULL;
}

static size_t list_length(const struct addrinfo *list)
{
	size_t length = 0;

	for (; list != NULL; list = list->ai_next)
		length++;
	return length;
}

int addr_resolve(const struct addr_spec *spec, struct addr **addrs, struct reason *reason)
{
	struct addrinfo *list = NULL;
	int count = -1;

	*addrs = NULL;
	if (spec->transport != TRANSPORT_UNIX) {
		list = host_resolve(spec, reason);
		if (list == NULL)
			return -1;
	}
	reason_set(reason, "out of memory");
	*addrs = calloc(list_length(list) + 1, sizeof(**addrs));
	if (*addrs != NULL)
		count = list != NULL ? addrs_collect(spec, list, *addrs)
				     : unix_resolve(spec, *addrs);
	if (list != NULL)
		freeaddrinfo(list);
	if (count == 0)
		reason_set(reason, "host '%s' has no IPv4 or IPv6 address", spec->host);
	if (count > 0)
		return count;
	free(*addrs);
	*addrs = NULL;
	return -1;
}

uint16_t sockaddr_port(const struct sockaddr *sa)
{
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;

	return ntohs(sa->sa_family == AF_INET ? in->sin_port : in6->sin6_port);
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	if (a->transport != b->transport || a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET)
		return a->in.sin_port == b->in.sin_port &&
		       a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
	if (a->sa.sa_family == AF_INET6)
		return a->in6.sin6_port == b->in6.sin6_port &&
		       a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
		       memcmp(&a->in6.sin6_addr, &b->in6.sin6_addr, sizeof(a->in6.sin6_addr)) == 0;
	return strcmp(a->un.sun_path, b->un.sun_path) == 0;
}

int addr_type(const struct addr *a)
{
	return a->transport == TRANSPORT_UDP ? SOCK_DGRAM : SOCK_STREAM;
}

void sockaddr_print(const struct sockaddr *sa, char *text, size_t size)
{
	socklen_t len =
		sa->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
	char host[NI_MAXHOST], port[6];

	if (getnameinfo(sa, len, host, sizeof(host), port, sizeof(port),
			NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		strlcpy(text, "?", size);
	else
		snprintf(text, size, sa->sa_family == AF_INET ? "%s:%s" : "[%s]:%s", host, port);
}

void addr_print(const struct addr *a, char *text, size_t size)
{
	int len = snprintf(text, size, "%s:", transport_names[a->transport]);

	if (a->transport == TRANSPORT_UNIX)
		snprintf(text + len, size - (size_t)len, "%s", a->un.sun_path);
	else
		sockaddr_print(&a->sa, text + len, size - (size_t)len);
}
