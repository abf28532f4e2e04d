/* SPDX-License-Identifier: MIT */
#ifndef CORE_SIGNALS_H
#define CORE_SIGNALS_H
/* SIGTERM, SIGINT, SIGHUP and SIGUSR1 as events of the loop, though who started the daemon had
 * them ignored: whoever sends one means it. SIGPIPE ignored. */
#include "core/loop.h"

struct signals {
	struct watch watch; /* owns watch.fd */
	void (*arrived)(struct signals *s, int signal);
};

/* Returns 0, or -1 with errno. */
int signals_open(struct signals *s, struct loop *loop,
		 void (*arrived)(struct signals *s, int signal));
void signals_close(struct signals *s, struct loop *loop);

#endif
