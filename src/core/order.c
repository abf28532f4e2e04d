/* SPDX-License-Identifier: MIT */
#include "core/order.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_DONE "done"
#define ANSWER_REFUSED "refused"
#define ANSWER_MAX 16
#define COMM_MAX 16
#define AGAIN_MS 5000 /* then the order is given again: of several signals one may arrive */
#define ORDERS 15     /* times that the order is given: a reload may take a minute */

static socklen_t asker_name(struct sockaddr_un *sun, pid_t asker)
{
	*sun = (struct sockaddr_un){.sun_family = AF_UNIX};
	return (socklen_t)(sizeof(sun->sun_family) + 1 +
			   (size_t)snprintf(sun->sun_path + 1, sizeof(sun->sun_path) - 1,
					    "pollard-order.%d", (int)asker));
}

void order_take(struct order_askers *askers, pid_t asker)
{
	for (unsigned i = 0; i < askers->count; i++)
		if (askers->pids[i] == asker)
			return;
	if (askers->count < ORDER_ASKERS)
		askers->pids[askers->count++] = asker;
}

void order_answer(struct order_askers *askers, bool done)
{
	const char *answer = done ? ANSWER_DONE : ANSWER_REFUSED;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	while (askers->count > 0) {
		struct sockaddr_un sun;
		pid_t asker = askers->pids[--askers->count];
		socklen_t len = asker_name(&sun, asker);

		if (asker > 0 && fd >= 0)
			sendto(fd, answer, strlen(answer), MSG_NOSIGNAL, (struct sockaddr *)&sun,
			       len);
	}
	if (fd >= 0)
		close(fd);
}

/* ---- the asker ---- */

static int asker_open(void)
{
	struct sockaddr_un sun;
	socklen_t len = asker_name(&sun, getpid());
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0 &&
	    bind(fd, (struct sockaddr *)&sun, len) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* The name of a process as the kernel knows it, /proc/PID/comm of proc(5), to name[COMM_MAX].
 * Returns 0, or -1. */
static int program_name(pid_t pid, char *name)
{
	char path[32];
	FILE *file;
	bool found;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	file = fopen(path, "re");
	if (file == NULL)
		return -1;
	found = fgets(name, COMM_MAX, file) != NULL;
	fclose(file);
	return found ? 0 : -1;
}

/* The signal ends most other programs. */
static int order_give(pid_t pid, struct reason *reason)
{
	char ours[COMM_MAX], theirs[COMM_MAX];

	if (program_name(getpid(), ours) == 0 && program_name(pid, theirs) == 0 &&
	    strcmp(ours, theirs) != 0) {
		return reason_set(reason, "process %d is another program", (int)pid);
	}
	if (kill(pid, SIGHUP) == 0)
		return 0;
	return reason_set(reason, "process %d: %s", (int)pid, strerror(errno));
}

/* Returns whether an answer has come, and from pid, whose number the kernel vouches for
 * (SCM_CREDENTIALS of unix(7)). */
static bool answer_take(int fd, pid_t pid, enum order_outcome *outcome)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	char text[ANSWER_MAX] = "";
	struct iovec iov = {.iov_base = text, .iov_len = sizeof(text) - 1};
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	const struct cmsghdr *header;
	struct ucred sender;

	if (recvmsg(fd, &message, 0) < 0)
		return false;
	header = CMSG_FIRSTHDR(&message);
	if (header == NULL || header->cmsg_type != SCM_CREDENTIALS)
		return false;
	memcpy(&sender, CMSG_DATA(header), sizeof(sender));
	*outcome = strcmp(text, ANSWER_DONE) == 0 ? ORDER_DONE : ORDER_REFUSED;
	return sender.pid == pid;
}

enum order_outcome order_reload(pid_t pid, struct reason *reason)
{
	enum order_outcome outcome = ORDER_FAILED;
	struct pollfd pfd = {.fd = asker_open(), .events = POLLIN};
	bool answered = false;

	if (pfd.fd < 0) {
		reason_set(reason, "cannot wait for an answer: %s", strerror(errno));
		return ORDER_FAILED;
	}
	reason_set(reason, "process %d does not answer", (int)pid);
	for (int n = 0; n < ORDERS && !answered; n++) {
		if (order_give(pid, reason) < 0)
			break;
		answered = poll(&pfd, 1, AGAIN_MS) == 1 && answer_take(pfd.fd, pid, &outcome);
	}
	close(pfd.fd);
	return answered ? outcome : ORDER_FAILED;
}
