/* SPDX-License-Identifier: MIT */
#include "client/dial.h"

#include "client/icmp.h"
#include "client/io.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG_WAIT_MS 50 /* between tries: poll(2) does not tell of room in a UNIX backlog */
#define BACKLOG_TRIES 100  /* where there is no other limit */
#define ADDRESSES_MAX 32   /* that are tried */
#define NEXT_MS 250        /* until the next address is tried as well, RFC 8305, section 5 */
#define PING_MS 1000       /* to learn whether the host answers at all */

/* The addresses of a server, tried one after the other, and several at once where one takes long.
 */
struct race {
	const struct addr *addrs; /* borrowed */
	int count;
	int begun;                            /* how many were tried, the first ones */
	struct pollfd pending[ADDRESSES_MAX]; /* by address; fd -1: not begun, or failed */
	int errors[ADDRESSES_MAX];            /* by address, errno; 0: not failed */
	int64_t next_ms;                      /* io_clock_ms() when the next one is tried */
};

/* As connect(2); but with a UNIX socket that is EAGAIN at once where the backlog is full, so it is
 * tried again, until give_up_ms. */
static int connect_patiently(int fd, const struct addr *a, int64_t give_up_ms)
{
	int tries = 0;

	while (connect(fd, &a->sa, a->len) < 0) {
		if (a->transport != TRANSPORT_UNIX || errno != EAGAIN ||
		    (give_up_ms == 0 && ++tries == BACKLOG_TRIES))
			return -1;
		if (io_patience_ms(give_up_ms) == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		poll(NULL, 0, BACKLOG_WAIT_MS);
	}
	return 0;
}

/* An attempt has failed: the next one need not wait. */
static void attempt_failed(struct race *r, int index, int error)
{
	struct pollfd *pending = &r->pending[index];

	r->errors[index] = error;
	if (pending->fd >= 0)
		close(pending->fd);
	pending->fd = -1;
	r->next_ms = 0;
}

/* Try the next address. Returns the socket if it is connected at once, or -1. */
static int attempt_begin(struct race *r, int64_t give_up_ms)
{
	int index = r->begun++;
	const struct addr *a = &r->addrs[index];
	int fd = socket(a->sa.sa_family, addr_type(a) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	r->next_ms = io_clock_ms() + NEXT_MS;
	if (fd >= 0 && connect_patiently(fd, a, give_up_ms) == 0)
		return fd;
	r->pending[index] = (struct pollfd){fd, POLLOUT, 0};
	if (fd < 0 || (errno != EINPROGRESS && errno != EINTR))
		attempt_failed(r, index, errno);
	return -1;
}

/* Something has happened on a pending socket. Returns the socket if it is connected, or -1. */
static int attempt_finish(struct race *r, int index)
{
	int fd = r->pending[index].fd, error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error != 0) {
		attempt_failed(r, index, error);
		return -1;
	}
	r->pending[index].fd = -1;
	return fd;
}

static void give_up(struct race *r, int error)
{
	for (int i = 0; i < r->count; i++)
		if (r->errors[i] == 0)
			attempt_failed(r, i, error);
	r->begun = r->count;
}

/* Wait for the pending sockets, until the next address is due at most. Returns the socket that is
 * connected now, or -1. */
static int attempts_wait(struct race *r, int64_t give_up_ms)
{
	int64_t until_ms = give_up_ms;
	int ready, fd = -1;

	if (r->begun < r->count && (until_ms == 0 || r->next_ms < until_ms))
		until_ms = r->next_ms;
	ready = poll(r->pending, (nfds_t)r->begun, io_patience_ms(until_ms));
	if (ready < 0 && errno != EINTR)
		give_up(r, errno);
	for (int i = 0; ready > 0 && i < r->begun && fd < 0; i++)
		if (r->pending[i].fd >= 0 && r->pending[i].revents != 0)
			fd = attempt_finish(r, i);
	if (fd < 0 && io_patience_ms(give_up_ms) == 0)
		give_up(r, ETIMEDOUT);
	return fd;
}

static bool any_pending(const struct race *r)
{
	for (int i = 0; i < r->begun; i++)
		if (r->pending[i].fd >= 0)
			return true;
	return false;
}

/* Returns a connected socket; or -1, and each address has its error. */
static int race_run(struct race *r, int64_t give_up_ms)
{
	int fd = -1;

	while (fd < 0 && (r->begun < r->count || any_pending(r))) {
		if (r->begun < r->count && io_clock_ms() >= r->next_ms)
			fd = attempt_begin(r, give_up_ms);
		else
			fd = attempts_wait(r, give_up_ms);
	}
	for (int i = 0; i < r->count; i++)
		if (r->pending[i].fd >= 0)
			close(r->pending[i].fd);
	return fd;
}

/* Add the error of each address; or one, where all are the same. */
static void errors_add(const struct race *r, struct reason *reason)
{
	char text[ADDR_TEXT_MAX];
	bool same = true;

	for (int i = 1; i < r->count; i++)
		same = same && r->errors[i] == r->errors[0];
	if (same) {
		reason_add(reason, "%s", strerror(r->errors[0]));
		return;
	}
	for (int i = 0; i < r->count; i++) {
		sockaddr_print(&r->addrs[i].sa, text, sizeof(text));
		reason_add(reason, "%s%s: %s", i > 0 ? ", " : "", text, strerror(r->errors[i]));
	}
}

/* Add whether the host answers at all, if that is known or can be found out. */
static void host_explain(const struct addr_spec *spec, const struct race *r, struct reason *reason)
{
	int answers = -1;

	for (int i = 0; i < r->count; i++)
		if (r->errors[i] == ECONNREFUSED) {
			reason_add(reason, "; the host answers, but nothing listens on port %s",
				   spec->port);
			return;
		}
	for (int i = 0; i < r->count && answers < 0; i++)
		if (r->errors[i] == ETIMEDOUT || r->errors[i] == EHOSTUNREACH)
			answers = icmp_answers(&r->addrs[i].sa, r->addrs[i].len, PING_MS);
	if (answers == 0)
		reason_add(reason, "; %s does not answer a ping either", spec->host);
	else if (answers > 0)
		reason_add(reason, "; %s answers a ping: a firewall may drop port %s", spec->host,
			   spec->port);
}

static void reason_write(const struct addr_spec *spec, const struct race *r, struct reason *reason)
{
	reason_set(reason, "cannot connect to %s: ", spec->text);
	errors_add(r, reason);
	if (spec->transport != TRANSPORT_UNIX)
		host_explain(spec, r, reason);
}

int dial(const struct addr_spec *spec, int64_t give_up_ms, struct reason *reason)
{
	struct reason unwanted;
	struct addr *addrs;
	int count = addr_resolve(spec, &addrs, reason != NULL ? reason : &unwanted);
	struct race race = {.addrs = addrs};
	int fd;

	if (count < 0)
		return -1;
	race.count = count < ADDRESSES_MAX ? count : ADDRESSES_MAX;
	for (int i = 0; i < race.count; i++)
		race.pending[i].fd = -1;
	fd = race_run(&race, give_up_ms);
	if (fd < 0 && reason != NULL)
		reason_write(spec, &race, reason);
	free(addrs);
	return fd;
}

void dial_reset_on_exit(int fd, bool reset)
{
	struct linger linger = {.l_onoff = reset};

	/* A UNIX socket takes the option and does nothing by it: the server sees a close. */
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}
