/* SPDX-License-Identifier: MIT */
#include "net/endpoint.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/log.h"
#include "core/stats.h"
#include "net/admit.h"
#include "net/connections.h"
#include "net/datagram.h"
#include "net/rights.h"

#define ACCEPTS_PER_TURN 64
#define HOLD_MS 200 /* after accept(2) had no descriptor or memory left */

static struct deadline_queue holds; /* endpoints that do not accept for a while */

static void hold_expired(struct deadline *d)
{
	endpoint_update(container_of(d, struct endpoint, held));
}

void endpoint_init(struct loop *loop)
{
	deadline_queue_init(&loop->deadlines, &holds, HOLD_MS, hold_expired);
}

static bool endpoint_may_accept(const struct endpoint *e)
{
	if (e->held.queue != NULL)
		return false;
	if (e->table->reject || e->addr.transport == TRANSPORT_UDP)
		return true;
	return admit_has_place(e->table, e->listener);
}

void endpoint_update(struct endpoint *e)
{
	if (endpoint_may_accept(e))
		watches_want(&e->table->loop->watches, &e->watch, POLLIN);
	else
		watches_want(&e->table->loop->watches, &e->watch, WATCH_IGNORED);
}

/* Whether an error of accept(2) is one of the caller, who has left, or of the network: the next
 * call can succeed. */
static bool accept_error_is_transient(int error)
{
	switch (error) {
	case EINTR:
	case ECONNABORTED:
	case ENETDOWN:
	case EPROTO:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case EOPNOTSUPP:
	case ENETUNREACH:
	case EPERM:
		return true;
	default:
		return false;
	}
}

static void endpoint_hold(struct endpoint *e)
{
	if (stats.accept_paused++ % 64 == 0)
		log_warning("accept_paused", log_text("listener", e->listener->conf->section.name),
			    log_text("reason", strerror(errno)),
			    log_text("text", "callers wait (LimitNOFILE, ulimit -n)"));
	deadline_start(&holds, &e->held);
	endpoint_update(e);
}

/* Accept one caller. Returns 0, or -1 where nobody waits, or nobody can be taken now. */
static int endpoint_accept(struct endpoint *e)
{
	struct addr peer = {.sa.sa_family = AF_UNIX};
	socklen_t len = sizeof(peer.un);
	int fd = accept4(e->watch.fd, &peer.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		conn_open(e->table, e->listener, fd, &peer.sa,
			  channel_plain(e->rights && rights_may_come(fd)));
		return 0;
	}
	if (errno == EAGAIN)
		return -1;
	if (accept_error_is_transient(errno))
		return 0;
	endpoint_hold(e);
	return -1;
}

static void endpoint_ready(struct watch *w, short revents)
{
	struct endpoint *e = container_of(w, struct endpoint, watch);

	for (int n = 0; n < ACCEPTS_PER_TURN && endpoint_may_accept(e); n++)
		if (endpoint_accept(e) < 0 || ready_call_is_over(&e->table->loop->watches.ready))
			return;
}

static void datagrams_ready(struct watch *w, short revents)
{
	const struct endpoint *e = container_of(w, struct endpoint, watch);

	datagrams_answer(&(struct datagrams){w->fd, e->listener, e->table});
}

void endpoint_accept_all(struct endpoint *e)
{
	unsigned most = e->table->max_clients;

	if (e->addr.transport == TRANSPORT_UDP)
		return;
	while (most-- > 0 && endpoint_may_accept(e) && endpoint_accept(e) == 0)
		;
}

/* Advice where chown(2) cannot give the socket file the owner and group of the configuration. */
static const char *chown_advice(const struct listener_conf *conf, int error)
{
	if (error != EPERM)
		return "";
	if (conf->socket_owner.count > 0 && conf->socket_owner.ids[0] != geteuid())
		return " (only root gives files away: allow_users, not socket_owner)";
	if (conf->socket_group.count > 0)
		return " (allow_groups, or SupplementaryGroups= in the unit for socket_group)";
	return "";
}

static int fail(struct reason *reason, const char *what, const char *spec)
{
	return reason_set(reason, "%s %s: %s", what, spec, strerror(errno));
}

/* Make the path of addr free: a socket file that nobody listens on any more is removed; a live one,
 * or another kind of file, is not. Returns 0 when the path is free, or -1 with errno. */
static int stale_remove(const struct addr *addr)
{
	struct stat st;
	int fd, error = 0;

	if (lstat(addr->un.sun_path, &st) < 0)
		return errno == ENOENT ? 0 : -1;
	errno = EEXIST;
	if (!S_ISSOCK(st.st_mode))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	shutdown(fd, SHUT_RD); /* so that nobody there can pass us descriptors, net/rights.h */
	if (connect(fd, &addr->sa, addr->len) < 0)
		error = errno;
	close(fd);
	errno = EADDRINUSE;
	return error == ECONNREFUSED ? unlink(addr->un.sun_path) : -1;
}

/* Note which file the socket file is. Returns 0, or -1 with errno. */
static int file_note(struct endpoint *e)
{
	struct stat st;

	if (lstat(e->addr.un.sun_path, &st) < 0)
		return -1;
	e->dev = st.st_dev;
	e->ino = st.st_ino;
	return 0;
}

static int unix_bind(struct endpoint *e)
{
	const struct listener_conf *conf = e->listener->conf;
	const char *path = e->addr.un.sun_path;
	mode_t mask;
	int result;

	if (stale_remove(&e->addr) < 0)
		return -1;
	mask = umask(0777); /* nobody gets in before owner and mode are right */
	result = bind(e->watch.fd, &e->addr.sa, e->addr.len);
	umask(mask);
	if (result < 0 || file_note(e) < 0)
		return -1;
	e->unlinks = true;
	if ((conf->socket_owner.count > 0 || conf->socket_group.count > 0) &&
	    chown(path, conf->socket_owner.count > 0 ? conf->socket_owner.ids[0] : (uid_t)-1,
		  conf->socket_group.count > 0 ? conf->socket_group.ids[0] : (gid_t)-1) < 0)
		return -1;
	return chmod(path, conf->socket_mode);
}

/* Options of the listening socket that accepted ones inherit (tcp(7)): no connection costs a call.
 */
static void tcp_options(const struct endpoint *e)
{
	int on = 1, off = 0, fd = e->watch.fd;
	int64_t keepalive_s = (e->listener->conf->keepalive + 999) / 1000;
	int idle = (int)keepalive_s, interval = idle / 4 > 0 ? idle / 4 : 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, keepalive_s > 0 ? &on : &off, sizeof(on));
	if (keepalive_s > 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
		setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	}
}

static int socket_bind(struct endpoint *e)
{
	int on = 1, v6only = e->listener->conf->v6only, freebind = e->listener->conf->freebind;
	bool is_v6 = e->addr.sa.sa_family == AF_INET6;

	e->watch.fd =
		socket(e->addr.sa.sa_family, addr_type(&e->addr) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (e->watch.fd < 0)
		return -1;
	if (e->addr.transport == TRANSPORT_UNIX)
		return unix_bind(e);
	if (is_v6 &&
	    setsockopt(e->watch.fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof(v6only)) < 0)
		return -1;
	if (freebind && setsockopt(e->watch.fd, is_v6 ? IPPROTO_IPV6 : IPPROTO_IP,
				   is_v6 ? IPV6_FREEBIND : IP_FREEBIND, &on, sizeof(on)) < 0)
		return -1;
	if (e->addr.transport == TRANSPORT_TCP &&
	    setsockopt(e->watch.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -1;
	return bind(e->watch.fd, &e->addr.sa, e->addr.len);
}

static int endpoint_listen(struct endpoint *e, int fd, int backlog)
{
	int flags, on = 1;

	e->watch.fd = fd;
	if (fd < 0 && socket_bind(e) < 0)
		return -1;
	if (fd >= 0 && e->addr.transport == TRANSPORT_UNIX)
		file_note(e); /* an abstract name has no file */
	flags = fcntl(e->watch.fd, F_GETFL);
	if (flags < 0 || fcntl(e->watch.fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -1;
	if (e->addr.transport == TRANSPORT_UDP) {
		setsockopt(e->watch.fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
		setsockopt(e->watch.fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
		return 0;
	}
	if (e->addr.transport == TRANSPORT_TCP)
		tcp_options(e);
	if (e->addr.transport == TRANSPORT_UNIX)
		e->rights = rights_refuse(e->watch.fd) < 0 || e->passed;
	return listen(e->watch.fd, backlog);
}

struct endpoint *endpoint_open(struct listener *l, struct conn_table *table,
			       const struct addr *addr, const char *spec, int fd, int backlog,
			       struct reason *reason)
{
	struct endpoint *e = calloc(1, sizeof(*e));
	socklen_t len = sizeof(e->addr.un);
	int error;

	if (e == NULL) {
		fail(reason, "listen on", spec);
		return NULL;
	}
	*e = (struct endpoint){.listener = l,
			       .table = table,
			       .addr = *addr,
			       .spec = spec,
			       .watch.fd = fd,
			       .passed = fd >= 0};
	e->watch.ready = addr->transport == TRANSPORT_UDP ? datagrams_ready : endpoint_ready;
	e->watch.for_all = true;
	TAILQ_INSERT_TAIL(&l->endpoints, e, entry);
	if (endpoint_listen(e, fd, backlog) < 0 ||
	    watches_add(&table->loop->watches, &e->watch, WATCH_IGNORED) < 0) {
		error = errno;
		fail(reason, "listen on", spec);
		reason_add(reason, "%s", chown_advice(l->conf, error));
		e->watch.ready = NULL;
		endpoint_close(e);
		errno = error;
		return NULL;
	}
	if (addr->transport != TRANSPORT_UNIX)
		getsockname(e->watch.fd, &e->addr.sa, &len); /* the port, where 0 was asked for */
	endpoint_update(e);
	return e;
}

bool endpoint_is_reachable(const struct endpoint *e)
{
	struct stat st;

	if (e->addr.transport != TRANSPORT_UNIX)
		return true;
	return lstat(e->addr.un.sun_path, &st) == 0 && st.st_dev == e->dev && st.st_ino == e->ino;
}

static bool file_is_ours(const struct endpoint *e)
{
	return e->unlinks && endpoint_is_reachable(e);
}

void endpoint_close(struct endpoint *e)
{
	if (file_is_ours(e))
		unlink(e->addr.un.sun_path);
	deadline_cancel(&e->held);
	if (e->watch.ready != NULL)
		watches_drop(&e->table->loop->watches, &e->watch);
	if (e->rights)
		rights_close(e->watch.fd);
	else if (e->watch.fd >= 0)
		close(e->watch.fd);
	TAILQ_REMOVE(&e->listener->endpoints, e, entry);
	free(e);
}

void endpoint_move(struct endpoint *e)
{
	TAILQ_REMOVE(&e->listener->endpoints, e, entry);
	e->listener = e->claimed;
	e->spec = e->claimed_spec;
	e->claimed = NULL;
	TAILQ_INSERT_TAIL(&e->listener->endpoints, e, entry);
	if (e->addr.transport == TRANSPORT_TCP)
		tcp_options(e);
	if (file_is_ours(e) && chmod(e->addr.un.sun_path, e->listener->conf->socket_mode) < 0)
		log_warning("mode_not_set", log_text("listener", e->listener->conf->section.name),
			    log_text("path", e->addr.un.sun_path),
			    log_text("reason", strerror(errno)));
	endpoint_update(e);
}
