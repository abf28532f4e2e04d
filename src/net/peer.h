/* SPDX-License-Identifier: MIT */
#ifndef NET_PEER_H
#define NET_PEER_H
/* The other end of a socket: its address, or, of a UNIX socket, its user; and whether it may call.
 */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "net/acl.h"

#define PEER_TEXT_MAX 80 /* bytes, with the NUL */

struct peer {
	union {
		struct sockaddr sa; /* sa_family says which of these it is */
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct {
			sa_family_t family; /* AF_UNIX */
			pid_t pid;
			uid_t uid;
			gid_t gid;
			int fd; /* our end, borrowed: the kernel tells the user's other groups */
		} local;
	};
};

/* Set *peer: who called from sa, a socket address. Of AF_UNIX the kernel is asked about fd, our end
 * of the connection, which is not used otherwise. */
void peer_set(struct peer *peer, const struct sockaddr *sa, int fd);

/* "192.0.2.1:4711", "unix:uid=0,pid=1". Returns text[PEER_TEXT_MAX]. */
const char *peer_print(const struct peer *peer, char *text);

/* Whether one of the lists names the peer, or all are empty. Networks are for peers with an
 * address, users and groups for those on UNIX sockets. */
bool peer_is_listed(const struct peer *peer, const struct cidr_list *networks,
		    const struct id_list *users, const struct id_list *groups);

#endif
