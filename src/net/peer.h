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
		struct sockaddr sa; /* its sa_family says which */
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct {
			sa_family_t family; /* AF_UNIX */
			pid_t pid;
			uid_t uid;
			gid_t gid;
			int fd; /* the socket's, borrowed: the kernel knows the other groups */
		} local;
	};
};

/* Who called from sa; of AF_UNIX the kernel says so of fd, which is not asked otherwise. */
void peer_set(struct peer *peer, const struct sockaddr *sa, int fd);

/* "192.0.2.1:4711", "unix:uid=0,pid=1". Returns text[PEER_TEXT_MAX]. */
const char *peer_print(const struct peer *peer, char *text);

/* Whether one of the lists names the peer, or all are empty. Networks are of peers with an address,
 * users and groups of those on UNIX sockets. */
bool peer_is_listed(const struct peer *peer, const struct cidr_list *networks,
		    const struct id_list *users, const struct id_list *groups);

#endif
