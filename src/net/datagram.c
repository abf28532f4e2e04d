/* SPDX-License-Identifier: MIT */
/*
 * Each datagram is a short conversation: the service is opened, asked, and what it says goes back
 * in one datagram. Source addresses can be forged, so nothing is sent to a port where a service
 * would answer our answer (the two would talk for ever, CVE-2024-2169), and no more bytes than
 * came, except where the administrator says "amplify". A quota ends such a talk with a service
 * whose port does not give it away.
 */
#include "net/datagram.h"

#include <errno.h>
#include <string.h>

#include "core/burst.h"
#include "core/log.h"
#include "core/stats.h"
#include "net/call.h"
#include "net/quota.h"

#define DATAGRAMS_PER_TURN 64

/* echo, discard, systat, daytime, qotd, chargen, time, dns, tftp, ntp, snmp, cldap, ssdp, mdns,
 * memcached: services that answer, or are abused as such. */
static const uint16_t reply_ports[] = {0,  7,  9,   11,  13,  17,   19,   37,
				       53, 69, 123, 161, 389, 1900, 5353, 11211};

static uint64_t own_ports[UINT16_MAX / 64 + 1]; /* a bit for each port that we answer on */
static struct quota quota;                      /* of all listeners together */

void datagram_ports_clear(void)
{
	memset(own_ports, 0, sizeof(own_ports));
}

void datagram_port_add(const struct addr *addr)
{
	uint16_t port = sockaddr_port(&addr->sa);

	if (addr->transport == TRANSPORT_UDP)
		own_ports[port / 64] |= (uint64_t)1 << port % 64;
}

static bool port_answers(uint16_t port)
{
	for (size_t i = 0; i < sizeof(reply_ports) / sizeof(reply_ports[0]); i++)
		if (reply_ports[i] == port)
			return true;
	return own_ports[port / 64] >> port % 64 & 1;
}

static bool peer_is_served(const struct listener *l, const struct peer *peer)
{
	if (port_answers(sockaddr_port(&peer->sa)))
		return false;
	if (listener_allows(l->conf, peer))
		return true;
	stats.refused_peer++;
	return false;
}

/* Let the service answer a datagram into out. Returns 0, or -1 where it gives up. */
static int conversation(const struct listener_conf *conf, const struct slice *data,
			const struct peer *peer, struct buf *out)
{
	const struct service *service = conf->service;
	struct framing framing = {0};
	uint32_t position = 0;
	const struct call call = {
		.argv = data,
		.argc = 1,
		.out = out,
		.protocol = conf->wire,
		.framing = &framing,
		.peer = peer,
		.position = &position,
	};

	if (service->open != NULL && service->open(&call) < 0)
		return -1;
	if (service->request != NULL && service->request(&call) < 0)
		return -1;
	return service->more != NULL ? service->more(&call) : 0;
}

/* Whether the service says anything at all, be it nothing: RFC 862 echoes an empty datagram. */
static bool service_speaks(const struct service *service)
{
	return service->open != NULL || service->request != NULL || service->more != NULL;
}

static bool quota_allows(const struct datagrams *d, const struct peer *peer)
{
	const char *name = d->listener->conf->section.name;
	char text[PEER_TEXT_MAX];

	if (quota_take(&quota, &peer->sa, loop_now_ms(d->table->loop)))
		return true;
	stats.refused_quota++;
	if (burst_takes("unanswered", "listener", name, NULL))
		log_info("unanswered", log_text("listener", name),
			 log_text("peer", peer_print(peer, text)));
	return false;
}

/* Reply from the address that the datagram was sent to, which ip(7) takes from the control message;
 * but let routing choose the interface. */
static void pktinfo_free_route(struct msghdr *msg)
{
	struct cmsghdr *cmsg;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg != NULL; cmsg = CMSG_NXTHDR(msg, cmsg))
		if (cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_PKTINFO)
			((struct in_pktinfo *)(void *)CMSG_DATA(cmsg))->ipi_ifindex = 0;
}

/* Answer the datagram in msg, of len bytes; msg becomes the reply. Returns 0, or -1 where there is
 * none. */
static int answer(const struct datagrams *d, const struct peer *peer, struct msghdr *msg,
		  size_t len)
{
	const struct listener_conf *conf = d->listener->conf;
	const struct slice data = {msg->msg_iov->iov_base, len};
	struct buf out = {0};
	ssize_t sent = -1;

	buf_borrow(&out, d->table->out, CONN_SCRATCH);
	if (service_speaks(conf->service) && conversation(conf, &data, peer, &out) == 0 &&
	    (conf->amplify || buf_len(&out) <= len) && quota_allows(d, peer)) {
		*msg->msg_iov = (struct iovec){buf_data(&out), buf_len(&out)};
		pktinfo_free_route(msg);
		sent = sendmsg(d->fd, msg, MSG_NOSIGNAL | MSG_DONTWAIT);
		ready_lap(&d->table->loop->watches.ready, &d->listener->answers[0]->lap);
	}
	buf_free(&out);
	return sent < 0 ? -1 : 0;
}

void datagrams_answer(const struct datagrams *d)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
			   CMSG_SPACE(sizeof(struct in_pktinfo))];
	} control;
	struct addr source;
	struct peer peer;
	struct iovec iov;
	struct msghdr msg;
	ssize_t n;

	for (int i = 0; i < DATAGRAMS_PER_TURN; i++) {
		iov = (struct iovec){d->table->in, CONN_SCRATCH};
		msg = (struct msghdr){.msg_name = &source.sa,
				      .msg_namelen = sizeof(source.un),
				      .msg_iov = &iov,
				      .msg_iovlen = 1,
				      .msg_control = &control,
				      .msg_controllen = sizeof(control)};
		n = recvmsg(d->fd, &msg, 0);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0)
			continue; /* ICMP's word about an earlier reply; poll(2) clears it */
		stats.datagrams++;
		d->listener->tally->datagrams++;
		peer_set(&peer, &source.sa, -1);
		if (!peer_is_served(d->listener, &peer) || answer(d, &peer, &msg, (size_t)n) < 0)
			stats.datagrams_unanswered++;
	}
}
