/* SPDX-License-Identifier: MIT */
#ifndef CORE_SIGNALS_H
#define CORE_SIGNALS_H
/* SIGTERM, SIGINT, SIGHUP and SIGUSR1 as events of the loop, even if they were ignored when the
 * daemon was started. Signals that would end or stop the daemon because of a write are ignored. */
#include <sys/types.h>

#include "core/loop.h"

struct signals {
	struct watch watch; /* owns watch.fd */
	pid_t sender;       /* of the signal that arrived last; 0: no process that we can see */
	void (*arrived)(struct signals *s, int signal);
};

/* Call first of all: a signal that arrives from now on waits for signals_open(). */
void signals_hold(void);

/* Call arrived(s, signal) for each signal from now on. Returns 0, or -1 with errno. */
int signals_open(struct signals *s, struct loop *loop,
		 void (*arrived)(struct signals *s, int signal));
void signals_close(struct signals *s, struct loop *loop);

#endif
