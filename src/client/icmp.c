/* SPDX-License-Identifier: MIT */
#include "client/icmp.h"

#include "client/io.h"

#include <arpa/inet.h>
#include <assert.h>
#include <bsd/stdlib.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>

#define PACKET_MAX 2048 /* bytes; a longer packet is no reply to ours */
#define TAKE_MAX 64     /* packets of others that one call looks at */
#define PROBES 2        /* requests of icmp_answers() */

/* Echo request and reply look the same in both families. */
struct message {
	uint8_t type;
	uint8_t code;
	uint16_t checksum;
	uint16_t id; /* network order, as the next */
	uint16_t sequence;
	unsigned char data[ICMP_DATA_LEN];
};

static_assert(sizeof(struct message) == ICMP_MESSAGE_LEN, "there is no padding");

/* One packet with what the kernel says about it. */
struct packet {
	unsigned char bytes[PACKET_MAX];
	size_t len;
	struct sockaddr_storage from;
	struct msghdr header;
	union {
		struct cmsghdr align;
		char bytes[512];
	} control;
};

uint16_t icmp_checksum(const void *data, size_t len)
{
	const unsigned char *bytes = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static uint8_t request_type(const struct icmp *i)
{
	return i->family == AF_INET ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
}

static uint8_t reply_type(const struct icmp *i)
{
	return i->family == AF_INET ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY;
}

static int socket_open(struct icmp *i)
{
	int protocol = i->family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;

	i->fd = socket(i->family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	i->raw = i->fd >= 0;
	if (i->fd < 0 && (errno == EPERM || errno == EACCES))
		i->fd = socket(i->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
	if (i->fd < 0 && errno == EACCES)
		errno = EPERM; /* EACCES is what connect(2) says of a broadcast address */
	return i->fd < 0 ? -1 : 0;
}

static void option_on(const struct icmp *i, int level, int name)
{
	const int on = 1;

	setsockopt(i->fd, level, name, &on, sizeof(on)); /* where that fails, less is told */
}

/* Have a raw socket receive echo replies only: a host may send us many other messages. */
static void filter(const struct icmp *i)
{
	struct icmp_filter all_but = {~(1U << ICMP_ECHOREPLY)};
	struct icmp6_filter all_but6;

	ICMP6_FILTER_SETBLOCKALL(&all_but6);
	ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &all_but6);
	if (i->family == AF_INET)
		setsockopt(i->fd, SOL_RAW, ICMP_FILTER, &all_but, sizeof(all_but));
	else
		setsockopt(i->fd, IPPROTO_ICMPV6, ICMP6_FILTER, &all_but6, sizeof(all_but6));
}

/* Connect: a connected socket gets nothing from other hosts, but for errors about what it has sent.
 */
static int socket_connect(const struct icmp *i, const struct sockaddr *to, socklen_t len)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} host;

	memcpy(&host, to, len);
	if (i->family == AF_INET)
		host.in.sin_port = 0;
	else
		host.in6.sin6_port = 0;
	return connect(i->fd, &host.sa, len);
}

int icmp_open(struct icmp *i, const struct sockaddr *to, socklen_t len)
{
	int error;

	*i = (struct icmp){.fd = -1, .family = to->sa_family};
	i->id = (uint16_t)arc4random();
	arc4random_buf(i->data, sizeof(i->data));
	if (socket_open(i) < 0)
		return -1;
	if (i->family == AF_INET) {
		option_on(i, IPPROTO_IP, IP_RECVERR);
		option_on(i, IPPROTO_IP, IP_RECVTTL);
	} else {
		option_on(i, IPPROTO_IPV6, IPV6_RECVERR);
		option_on(i, IPPROTO_IPV6, IPV6_RECVHOPLIMIT);
	}
	if (i->raw)
		filter(i);
	if (socket_connect(i, to, len) == 0)
		return 0;
	error = errno;
	icmp_close(i);
	errno = error;
	return -1;
}

void icmp_close(struct icmp *i)
{
	close(i->fd);
	i->fd = -1;
}

int icmp_send(const struct icmp *i, uint16_t sequence)
{
	struct message m = {.type = request_type(i), .id = i->id, .sequence = htons(sequence)};

	memcpy(m.data, i->data, sizeof(m.data));
	/* Over other sockets the kernel adds the checksum: that of IPv6 is made of addresses, too.
	 */
	if (i->raw && i->family == AF_INET)
		m.checksum = icmp_checksum(&m, sizeof(m));
	/* Twice, as the first send(2) may return an error that came before. */
	if (send(i->fd, &m, sizeof(m), MSG_NOSIGNAL) >= 0 ||
	    send(i->fd, &m, sizeof(m), MSG_NOSIGNAL) >= 0)
		return 0;
	return -1;
}

/* Receive a packet; flags as for recvmsg(2). Returns 0, or -1 with errno. */
static int packet_receive(const struct icmp *i, struct packet *p, int flags)
{
	struct iovec bytes = {p->bytes, sizeof(p->bytes)};
	ssize_t len;

	p->header = (struct msghdr){
		.msg_name = &p->from,
		.msg_namelen = sizeof(p->from),
		.msg_iov = &bytes,
		.msg_iovlen = 1,
		.msg_control = p->control.bytes,
		.msg_controllen = sizeof(p->control.bytes),
	};
	len = recvmsg(i->fd, &p->header, flags);
	p->len = len > 0 ? (size_t)len : 0;
	return len < 0 ? -1 : 0;
}

/* The control message of level and name that came with a packet, of size bytes at least; or NULL.
 */
static const void *control_find(struct packet *p, int level, int name, size_t size)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&p->header); c != NULL;
	     c = CMSG_NXTHDR(&p->header, c))
		if (c->cmsg_level == level && c->cmsg_type == name && c->cmsg_len >= CMSG_LEN(size))
			return CMSG_DATA(c);
	return NULL;
}

static int packet_ttl(const struct icmp *i, struct packet *p)
{
	const int *ttl = i->family == AF_INET
				 ? control_find(p, IPPROTO_IP, IP_TTL, sizeof(*ttl))
				 : control_find(p, IPPROTO_IPV6, IPV6_HOPLIMIT, sizeof(*ttl));

	return ttl != NULL ? *ttl : -1;
}

static void from_print(const struct sockaddr *sa, struct icmp_event *event)
{
	socklen_t len =
		sa->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);

	if (getnameinfo(sa, len, event->from, sizeof(event->from), NULL, 0, NI_NUMERICHOST) != 0)
		event->from[0] = '\0';
}

/* Returns how many bytes stand before the message: over a raw socket of IPv4, the IP header. */
static size_t header_len(const struct icmp *i, const struct packet *p)
{
	if (!i->raw || i->family != AF_INET || p->len == 0)
		return 0;
	return (size_t)(p->bytes[0] & 0x0f) * 4;
}

/* Returns true if the packet is the reply to a request of ours. */
static bool reply_parse(const struct icmp *i, struct packet *p, struct icmp_event *event)
{
	size_t skip = header_len(i, p);
	struct message m;

	if (p->len != skip + sizeof(m))
		return false;
	memcpy(&m, p->bytes + skip, sizeof(m));
	if (m.type != reply_type(i) || m.code != 0 || (i->raw && m.id != i->id) ||
	    memcmp(m.data, i->data, sizeof(m.data)) != 0)
		return false;
	/* Raw sockets get packets before the kernel looks at the checksum. */
	if (i->raw && i->family == AF_INET && icmp_checksum(&m, sizeof(m)) != 0)
		return false;
	*event = (struct icmp_event){.sequence = ntohs(m.sequence), .ttl = packet_ttl(i, p)};
	from_print((const struct sockaddr *)&p->from, event);
	return true;
}

#define ANY (-1)

static const struct {
	int origin, type, code;
	const char *text;
} errors[] = {
	{SO_EE_ORIGIN_ICMP, ICMP_DEST_UNREACH, ICMP_NET_UNREACH, "Destination Net Unreachable"},
	{SO_EE_ORIGIN_ICMP, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, "Destination Host Unreachable"},
	{SO_EE_ORIGIN_ICMP, ICMP_DEST_UNREACH, ICMP_PROT_UNREACH,
	 "Destination Protocol Unreachable"},
	{SO_EE_ORIGIN_ICMP, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, "Destination Port Unreachable"},
	{SO_EE_ORIGIN_ICMP, ICMP_DEST_UNREACH, ICMP_NET_ANO, "Destination Net Prohibited"},
	{SO_EE_ORIGIN_ICMP, ICMP_DEST_UNREACH, ICMP_HOST_ANO, "Destination Host Prohibited"},
	{SO_EE_ORIGIN_ICMP, ICMP_DEST_UNREACH, ICMP_PKT_FILTERED, "Packet filtered"},
	{SO_EE_ORIGIN_ICMP, ICMP_TIME_EXCEEDED, ANY, "Time to live exceeded"},
	{SO_EE_ORIGIN_ICMP6, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOROUTE,
	 "Destination unreachable: No route"},
	{SO_EE_ORIGIN_ICMP6, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADMIN,
	 "Destination unreachable: Administratively prohibited"},
	{SO_EE_ORIGIN_ICMP6, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADDR,
	 "Destination unreachable: Address unreachable"},
	{SO_EE_ORIGIN_ICMP6, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOPORT,
	 "Destination unreachable: Port unreachable"},
	{SO_EE_ORIGIN_ICMP6, ICMP6_TIME_EXCEEDED, ANY, "Time exceeded: Hop limit"},
};

static const char *error_text(const struct sock_extended_err *error)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].origin == error->ee_origin && errors[i].type == error->ee_type &&
		    (errors[i].code == ANY || errors[i].code == error->ee_code))
			return errors[i].text;
	return strerrordesc_np((int)error->ee_errno);
}

/* Returns true if the packet is a request of ours that has come back, with the error that kept it
 * from the host. */
static bool error_parse(const struct icmp *i, struct packet *p, struct icmp_event *event)
{
	const struct sock_extended_err *error =
		i->family == AF_INET ? control_find(p, IPPROTO_IP, IP_RECVERR,
						    sizeof(*error) + sizeof(struct sockaddr_in))
				     : control_find(p, IPPROTO_IPV6, IPV6_RECVERR,
						    sizeof(*error) + sizeof(struct sockaddr_in6));
	struct message m;

	if (error == NULL || p->len < offsetof(struct message, data))
		return false;
	memcpy(&m, p->bytes, offsetof(struct message, data));
	if (m.type != request_type(i) || (i->raw && m.id != i->id))
		return false;
	*event = (struct icmp_event){.sequence = ntohs(m.sequence), .ttl = -1};
	event->error = error_text(error);
	if (event->error == NULL)
		event->error = "unknown error";
	if (error->ee_origin != SO_EE_ORIGIN_LOCAL)
		from_print((const void *)(error + 1), event); /* SO_EE_OFFENDER, for const */
	return true;
}

bool icmp_take(const struct icmp *i, struct icmp_event *event)
{
	struct packet p;

	for (int n = 0; n < TAKE_MAX; n++) {
		if (packet_receive(i, &p, MSG_ERRQUEUE) == 0) {
			if (error_parse(i, &p, event))
				return true;
		} else if (packet_receive(i, &p, 0) == 0) {
			if (reply_parse(i, &p, event))
				return true;
		} else if (errno == EAGAIN) {
			return false;
		}
		/* Any other errno repeats an error that is in the queue of errors. */
	}
	return false;
}

/* Wait for a reply, until until_ms, or PROBES failures of all probes. Returns true if one came. */
static bool reply_wait(const struct icmp *i, int64_t until_ms, int *failed)
{
	struct icmp_event event;
	int patience_ms;

	while (*failed < PROBES && (patience_ms = io_patience_ms(until_ms)) > 0) {
		poll(&(struct pollfd){i->fd, POLLIN, 0}, 1, patience_ms);
		while (*failed < PROBES && icmp_take(i, &event)) {
			if (event.error == NULL)
				return true;
			++*failed;
		}
	}
	return false;
}

/* Send the probes, spread over the time, until one is answered. Returns as icmp_answers(). */
static int probe(const struct icmp *i, int patience_ms)
{
	int64_t begun_ms = io_clock_ms();
	int failed = 0;

	for (int n = 1; n <= PROBES && failed < PROBES; n++) {
		if (icmp_send(i, (uint16_t)n) < 0)
			return -1;
		if (reply_wait(i, begun_ms + (int64_t)patience_ms * n / PROBES, &failed))
			return 1;
	}
	return 0;
}

int icmp_answers(const struct sockaddr *to, socklen_t len, int patience_ms)
{
	struct icmp i;
	int answers;

	if (icmp_open(&i, to, len) < 0)
		return -1;
	answers = probe(&i, patience_ms);
	icmp_close(&i);
	return answers;
}
