/* SPDX-License-Identifier: MIT */
#include "net/peer.h"

#include <stdio.h>
#include <sys/socket.h>

#include "net/addr.h"

#define GROUPS_MAX 65536 /* NGROUPS_MAX of Linux */

void peer_set(struct peer *peer, const struct sockaddr *sa, int fd)
{
	struct ucred cred = {0};
	socklen_t len = sizeof(cred);

	*peer = (struct peer){0};
	if (sa->sa_family == AF_INET) {
		peer->in = *(const struct sockaddr_in *)(const void *)sa;
	} else if (sa->sa_family == AF_INET6) {
		peer->in6 = *(const struct sockaddr_in6 *)(const void *)sa;
	} else {
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
			cred = (struct ucred){.uid = (uid_t)-1, .gid = (gid_t)-1};
		peer->local.family = AF_UNIX;
		peer->local.pid = cred.pid;
		peer->local.uid = cred.uid;
		peer->local.gid = cred.gid;
		peer->local.fd = fd;
	}
}

const char *peer_print(const struct peer *peer, char *text)
{
	if (peer->sa.sa_family == AF_UNIX)
		snprintf(text, PEER_TEXT_MAX, "unix:uid=%u,pid=%d", peer->local.uid,
			 (int)peer->local.pid);
	else
		sockaddr_print(&peer->sa, text, PEER_TEXT_MAX);
	return text;
}

static bool groups_allowed(const struct id_list *allowed, const struct peer *peer)
{
	static gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (id_list_has(allowed, peer->local.gid))
		return true;
	if (getsockopt(peer->local.fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (id_list_has(allowed, groups[i]))
			return true;
	return false;
}

bool peer_is_listed(const struct peer *peer, const struct cidr_list *networks,
		    const struct id_list *users, const struct id_list *groups)
{
	if (networks->count == 0 && users->count == 0 && groups->count == 0)
		return true;
	if (peer->sa.sa_family != AF_UNIX)
		return cidr_list_has(networks, &peer->sa);
	return id_list_has(users, peer->local.uid) ||
	       (groups->count > 0 && groups_allowed(groups, peer));
}
