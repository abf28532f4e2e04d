/* SPDX-License-Identifier: MIT */
#include "net/rights.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/close_from.h"

/* The C library may not know these options yet. The numbers are those of asm-generic; a machine
 * that has others gets none. */
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS (SOL_SOCKET == 1 ? 83 : -1)
#endif
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD (SOL_SOCKET == 1 ? 76 : -1)
#endif

#define STACK_SIZE (16 << 10) /* bytes, for a child, which has a copy */

static unsigned holders; /* children that are not reaped yet */

int rights_refuse(int fd)
{
	int off = 0;

	return setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof(off));
}

/* Have no control message but descriptors, so that MSG_CTRUNC tells of them; and have them nowhere
 * but in the stream: an urgent byte outside of it would be dropped, and its descriptors with it. */
static void rights_show(int fd)
{
	static const int unwanted[] = {SO_PASSCRED, SO_PASSSEC, SO_PASSPIDFD};
	int off = 0, on = 1;

	for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++)
		setsockopt(fd, SOL_SOCKET, unwanted[i], &off, sizeof(off));
	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &on, sizeof(on));
}

bool rights_may_come(int fd)
{
	int on = 1;
	socklen_t len = sizeof(on);

	if (getsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, &on, &len) == 0 && on == 0)
		return false;
	rights_show(fd);
	return true;
}

/* A peek leaves the descriptors in the queue, so that nothing is closed; and it ends where recv(2)
 * would, with the first message that has descriptors. */
ssize_t rights_recv(int fd, void *data, size_t len)
{
	struct iovec iov = {data, len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n = recvmsg(fd, &msg, MSG_PEEK);

	if (n <= 0)
		return n;
	if (msg.msg_flags & MSG_CTRUNC) {
		errno = EPERM;
		return -1;
	}
	return recv(fd, data, (size_t)n, 0);
}

struct held {
	int fd;
	pid_t daemon;
};

/* The child: hold nothing but the one descriptor, stopped, until it is killed. */
static int holder_main(void *arg)
{
	const struct held *held = arg;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == held->daemon && dup2(held->fd, STDIN_FILENO) == STDIN_FILENO &&
	    close_from(STDIN_FILENO + 1, 0) == 0)
		kill(getpid(), SIGSTOP);
	return 0;
}

/* Start a child that holds fd, and wait until it does. Returns its number, or -1. The child sends
 * no signal at its end, which is how waitpid(2) tells it from jobs (__WCLONE). */
static pid_t holder_start(int fd)
{
	static char stack[STACK_SIZE] __attribute__((aligned(16)));
	struct held held = {fd, getpid()};
	pid_t pid = clone(holder_main, stack + STACK_SIZE, 0, &held);
	int status = 0;

	while (pid > 0 && waitpid(pid, &status, __WCLONE | WUNTRACED) < 0 && errno == EINTR)
		;
	return WIFSTOPPED(status) ? pid : -1;
}

/* What a killed process closes makes nobody wait, so the child is the last to hold fd, and is
 * killed. Where there can be no child, close(2) may take its time. */
void rights_close(int fd)
{
	int unread = 0;
	bool empty = ioctl(fd, SIOCINQ, &unread) == 0 && unread == 0;
	pid_t holder = empty ? -1 : holder_start(fd);

	close(fd);
	if (holder < 0)
		return;
	kill(holder, SIGKILL);
	holders++;
}

void rights_reap(void)
{
	while (holders > 0 && waitpid(-1, NULL, __WCLONE | WNOHANG) > 0)
		holders--;
}
