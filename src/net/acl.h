/* SPDX-License-Identifier: MIT */
#ifndef NET_ACL_H
#define NET_ACL_H
/* Who may connect: networks for IP peers, users and groups for peers on UNIX sockets. */
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/types.h>

#include "config/option.h"

/* A network, or a single address. */
struct cidr {
	sa_family_t family;      /* AF_INET, AF_INET6 */
	unsigned prefix;         /* bits */
	unsigned char bytes[16]; /* in network order; of AF_INET the first 4 */
};

struct cidr_list {
	struct cidr *items;
	size_t count;
};

/* Users or groups. */
struct id_list {
	id_t *ids;
	size_t count;
};

typedef struct cidr_list opt_cidrs;
typedef struct id_list opt_users;
typedef struct id_list opt_groups;

extern const struct option_type option_cidrs, option_users, option_groups;

/* "10.0.0.0/8", "::1": strict, host bits must be zero. Returns 0, or -1 with the reason. */
int cidr_parse(struct cidr *cidr, const char *text, struct reason *reason);

/* Whether an IPv4 or IPv6 address lies in one of the networks; an IPv4-mapped IPv6 address counts
 * as IPv4. */
bool cidr_list_has(const struct cidr_list *list, const struct sockaddr *sa);

/* Whether a list has a user, or a group. */
bool id_list_has(const struct id_list *list, id_t id);

#endif
