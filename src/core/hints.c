/* SPDX-License-Identifier: MIT */
#include "core/hints.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "core/stats.h"

#define HINTS_PER_READ 128
#define READS_PER_TURN 16

int hints_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	sigaddset(&set, SIGRTMIN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int hints_arm(int fd, bool again)
{
	if (!again && (fcntl(fd, F_SETOWN, getpid()) < 0 || fcntl(fd, F_SETSIG, SIGRTMIN) < 0))
		return -1;
	return fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC);
}

void hints_disarm(int fd)
{
	fcntl(fd, F_SETFL, O_NONBLOCK);
}

bool hints_read(int hints_fd, void (*heard)(void *arg, int fd), void *arg)
{
	static struct signalfd_siginfo infos[HINTS_PER_READ];
	bool lost = false;
	size_t count = HINTS_PER_READ;
	ssize_t len;

	for (int reads = 0; reads < READS_PER_TURN && count == HINTS_PER_READ; reads++) {
		len = read(hints_fd, infos, sizeof(infos));
		count = len > 0 ? (size_t)len / sizeof(infos[0]) : 0;
		for (size_t i = 0; i < count; i++) {
			if (infos[i].ssi_signo == (uint32_t)SIGIO)
				lost = true;
			else
				heard(arg, infos[i].ssi_fd);
		}
		stats.signals += count;
	}
	stats.signals_lost += lost;
	return lost;
}
