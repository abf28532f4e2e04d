/* SPDX-License-Identifier: MIT */
#ifndef SERVER_PASSED_H
#define SERVER_PASSED_H
/* Sockets that systemd passes at the start, sd_listen_fds(3): found by their address, used once. */
#include "net/addr.h"

struct passed_socket {
	int fd; /* owned; -1: taken */
	struct addr addr;
	const char *unfit; /* why it cannot be used, static; NULL: it can */
};

struct passed {
	struct passed_socket *items; /* owned */
	int count;
};

/* Find out what sockets were passed. Returns 0, or -1 with ENOMEM. */
int passed_collect(struct passed *passed) __attribute__((warn_unused_result));

/* Returns the socket that was passed for addr, which is now whose who asks; or -1: none. */
int passed_take(struct passed *passed, const struct addr *addr);

/* Where a passed socket is why addr cannot be bound, add that to reason. */
void passed_explain(const struct passed *passed, const struct addr *addr, struct reason *reason);

/* Log and close the sockets that nobody took; passed is empty then. */
void passed_free(struct passed *passed);

#endif
