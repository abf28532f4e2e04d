/* SPDX-License-Identifier: MIT */
#ifndef SERVER_PASSED_H
#define SERVER_PASSED_H
/* Sockets that systemd passes at the start, sd_listen_fds(3): found by their address, used once. */
#include "net/addr.h"

struct passed_socket {
	int fd; /* -1: taken */
	struct addr addr;
	const char *unfit; /* why it is of no use; NULL: it is fit */
};

struct passed {
	struct passed_socket *items;
	int count;
};

/* Returns 0, or -1 with ENOMEM. */
int passed_collect(struct passed *passed) __attribute__((warn_unused_result));

/* Returns the socket passed for addr, now the caller's, or -1. */
int passed_take(struct passed *passed, const struct addr *addr);

/* Where a passed socket is why addr cannot be bound, add that to reason. */
void passed_explain(const struct passed *passed, const struct addr *addr, struct reason *reason);

/* Log and close those that nobody took. */
void passed_free(struct passed *passed);

#endif
