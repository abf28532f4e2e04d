/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "client/icmp.h"

#define LEN 64 /* bytes of a message */

/* A socket of UDP, which has a queue of errors as well, bound to the loopback. */
static int make_socket(struct sockaddr_in *address)
{
	socklen_t len = sizeof(*address);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	*address = (struct sockaddr_in){.sin_family = AF_INET};
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)address, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)address, &len), 0);
	return fd;
}

/* An icmp of IPv4 whose other end the test has, in place of a network. */
static int make_pair(struct icmp *i, bool raw)
{
	struct sockaddr_in ours, theirs;
	int fds[2] = {make_socket(&ours), make_socket(&theirs)};

	assert_int_equal(connect(fds[0], (struct sockaddr *)&theirs, sizeof(theirs)), 0);
	assert_int_equal(connect(fds[1], (struct sockaddr *)&ours, sizeof(ours)), 0);
	*i = (struct icmp){.fd = fds[0], .raw = raw, .family = AF_INET, .id = 0x1234};
	for (size_t n = 0; n < sizeof(i->data); n++)
		i->data[n] = (unsigned char)(n * 7 + 1);
	return fds[1];
}

/* Take the request that was sent, and turn it into the reply. */
static void reply_make(int fd, unsigned char *reply)
{
	uint16_t sum;

	assert_int_equal(read(fd, reply, LEN + 1), LEN);
	assert_int_equal(reply[0], 8);
	reply[0] = reply[2] = reply[3] = 0;
	sum = icmp_checksum(reply, LEN);
	memcpy(reply + 2, &sum, sizeof(sum));
}

/* Send reply[0, len) behind an IP header of so many bytes. */
static void reply_send(int fd, const unsigned char *reply, size_t len, size_t header)
{
	unsigned char packet[256] = {0};

	packet[0] = (unsigned char)(0x40 | header / 4);
	memcpy(packet + header, reply, len);
	assert_int_equal(write(fd, packet, header + len), header + len);
}

static void the_checksum_is_that_of_the_standard(void **state)
{
	/* RFC 1071, section 3 */
	static const unsigned char example[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
	static const unsigned char carries[] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x01, 0xff};

	assert_int_equal(ntohs(icmp_checksum(example, 8)), 0xffff - 0xddf2);
	assert_int_equal(ntohs(icmp_checksum(example, 7)), 0xffff - 0xdcfb);
	assert_int_equal(ntohs(icmp_checksum(carries, 7)), 0xffff - 0xff01);
	assert_int_equal(icmp_checksum(example, 0), 0xffff);
}

static void a_request_is_an_echo_that_sums_up(void **state)
{
	unsigned char request[LEN + 1];
	struct icmp i;
	int fd = make_pair(&i, true);

	assert_int_equal(icmp_send(&i, 0x0102), 0);
	assert_int_equal(read(fd, request, sizeof(request)), LEN);
	assert_int_equal(request[0], 8);
	assert_int_equal(request[1], 0);
	assert_memory_equal(request + 4, &i.id, 2);
	assert_memory_equal(request + 6, "\x01\x02", 2);
	assert_memory_equal(request + 8, i.data, sizeof(i.data));
	assert_int_equal(icmp_checksum(request, LEN), 0);
	icmp_close(&i);
	close(fd);
}

static void a_reply_is_taken_behind_any_header(void **state)
{
	struct icmp_event event;
	unsigned char reply[LEN + 1];
	struct icmp i;
	int fd = make_pair(&i, true);

	for (size_t header = 20; header <= 60; header += 20) {
		assert_int_equal(icmp_send(&i, 77), 0);
		reply_make(fd, reply);
		reply_send(fd, reply, LEN, header);
		assert_true(icmp_take(&i, &event));
		assert_null(event.error);
		assert_int_equal(event.sequence, 77);
		assert_int_equal(event.ttl, -1);
	}
	assert_false(icmp_take(&i, &event));
	icmp_close(&i);
	close(fd);
}

static void what_differs_in_one_byte_is_no_reply(void **state)
{
	struct icmp_event event;
	unsigned char reply[LEN + 1], broken[LEN];
	struct icmp i;
	int fd = make_pair(&i, true);

	assert_int_equal(icmp_send(&i, 1), 0);
	reply_make(fd, reply);
	for (size_t at = 0; at < LEN; at++) {
		memcpy(broken, reply, LEN);
		broken[at] ^= 0x40;
		reply_send(fd, broken, LEN, 20);
		assert_false(icmp_take(&i, &event));
	}
	/* With a checksum that is right, all but the sequence must still be. */
	for (size_t at = 0; at < LEN; at++) {
		uint16_t sum;

		if (at >= 2 && at < 4)
			continue;
		memcpy(broken, reply, LEN);
		broken[at] ^= 0x40;
		memset(broken + 2, 0, 2);
		sum = icmp_checksum(broken, LEN);
		memcpy(broken + 2, &sum, sizeof(sum));
		reply_send(fd, broken, LEN, 20);
		assert_int_equal(icmp_take(&i, &event), at == 6 || at == 7);
	}
	icmp_close(&i);
	close(fd);
}

static void another_length_is_no_reply(void **state)
{
	static const unsigned char header[60] = {0x4f};
	struct icmp_event event;
	unsigned char reply[LEN + 1] = {0};
	struct icmp i;
	int fd = make_pair(&i, true);

	assert_int_equal(icmp_send(&i, 1), 0);
	reply_make(fd, reply);
	for (size_t len = 0; len <= LEN + 1; len++) {
		reply_send(fd, reply, len, 20);
		assert_int_equal(icmp_take(&i, &event), len == LEN);
	}
	for (size_t len = 0; len <= sizeof(header); len++) { /* that says it is longer */
		assert_int_equal(write(fd, header, len), len);
		assert_false(icmp_take(&i, &event));
	}
	icmp_close(&i);
	close(fd);
}

/* The kernel's own socket knows the identifier and the checksum, and takes the header off. */
static void a_datagram_socket_leaves_less_to_look_at(void **state)
{
	struct icmp_event event;
	unsigned char reply[LEN + 1];
	struct icmp i;
	int fd = make_pair(&i, false);

	assert_int_equal(icmp_send(&i, 3), 0);
	reply_make(fd, reply);
	memset(reply + 2, 0xff, 4);
	assert_int_equal(write(fd, reply, LEN), LEN);
	assert_true(icmp_take(&i, &event));
	assert_int_equal(event.sequence, 3);
	reply[LEN - 1] ^= 1;
	assert_int_equal(write(fd, reply, LEN), LEN);
	assert_false(icmp_take(&i, &event));
	icmp_close(&i);
	close(fd);
}

static void a_flood_does_not_hold_it(void **state)
{
	struct icmp_event event;
	struct icmp i;
	int fd = make_pair(&i, true);

	for (int n = 0; n < 100; n++)
		assert_int_equal(write(fd, "x", 1), 1);
	assert_false(icmp_take(&i, &event));
	assert_int_equal(poll(&(struct pollfd){i.fd, POLLIN, 0}, 1, 0), 1);
	icmp_close(&i);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_checksum_is_that_of_the_standard),
		cmocka_unit_test(a_request_is_an_echo_that_sums_up),
		cmocka_unit_test(a_reply_is_taken_behind_any_header),
		cmocka_unit_test(what_differs_in_one_byte_is_no_reply),
		cmocka_unit_test(another_length_is_no_reply),
		cmocka_unit_test(a_datagram_socket_leaves_less_to_look_at),
		cmocka_unit_test(a_flood_does_not_hold_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
