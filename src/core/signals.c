/* SPDX-License-Identifier: MIT */
#include "core/signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* All of these are blocked: Linux queues a blocked signal even where its disposition is to be
 * ignored. */
static void signals_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1);
}

void signals_hold(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN); /* sendfile(2) has no MSG_NOSIGNAL, nor has write(2) to stderr */
	signal(SIGXFSZ, SIG_IGN); /* a log file that is full, setrlimit(2) */
	signal(SIGTTOU, SIG_IGN); /* the terminal of another job, with stty tostop */
	signals_set(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

static void signals_ready(struct watch *w, short revents)
{
	struct signals *s = container_of(w, struct signals, watch);
	struct signalfd_siginfo info;

	if (read(s->watch.fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	s->sender = (pid_t)info.ssi_pid;
	s->arrived(s, (int)info.ssi_signo);
}

int signals_open(struct signals *s, struct loop *loop,
		 void (*arrived)(struct signals *s, int signal))
{
	sigset_t set;

	signals_set(&set);
	s->arrived = arrived;
	s->watch.ready = signals_ready;
	s->watch.for_all = true;
	s->watch.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return s->watch.fd < 0 ? -1 : watches_add(&loop->watches, &s->watch, POLLIN);
}

void signals_close(struct signals *s, struct loop *loop)
{
	watches_drop(&loop->watches, &s->watch);
	close(s->watch.fd);
}
