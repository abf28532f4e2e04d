/* SPDX-License-Identifier: MIT */
/* Connections over a channel that is as unhelpful as one may be. */
#include <errno.h>
#include <poll.h>

#include "caller.h"

/* A channel that the test rules. What it has taken off the socket and not given yet is pending. */
static struct fake {
	struct channel channel;
	size_t most;     /* bytes of one call */
	bool moody;      /* each second call is refused */
	bool refuses;    /* the next one */
	uint16_t turns;  /* poll(2)'s event that the next recv() has to wait for; 0: none */
	bool hoards;     /* takes all there is off the socket at once */
	char kept[4096]; /* [given, taken) is pending */
	size_t given, taken;
	unsigned recvs, sends;
} fake;

/* Returns whether a call is refused, with errno. */
static bool fake_refuses(void)
{
	if (!fake.moody)
		return false;
	fake.refuses = !fake.refuses;
	errno = EAGAIN;
	return fake.refuses;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static ssize_t fake_recv(struct channel *ch, int fd, void *data, size_t len)
{
	ssize_t n;

	fake.recvs++;
	ch->wants = 0;
	if (fake.turns != 0) {
		ch->wants = fake.turns;
		fake.turns = 0;
		errno = EAGAIN;
		return -1;
	}
	if (fake_refuses())
		return -1;
	len = least(len, fake.most);
	if (!fake.hoards)
		return recv(fd, data, len, 0);
	if (fake.given == fake.taken) {
		n = recv(fd, fake.kept, sizeof(fake.kept), 0);
		if (n <= 0)
			return n;
		fake.given = 0;
		fake.taken = (size_t)n;
	}
	len = least(len, fake.taken - fake.given);
	memcpy(data, fake.kept + fake.given, len);
	fake.given += len;
	return (ssize_t)len;
}

static ssize_t fake_send(struct channel *ch, int fd, const void *data, size_t len)
{
	fake.sends++;
	if (fake_refuses())
		return -1;
	return send(fd, data, least(len, fake.most), MSG_NOSIGNAL);
}

static ssize_t fake_send_file(struct channel *ch, int fd, int file, off_t *offset, size_t count)
{
	char bytes[64];
	ssize_t n;

	if (fake_refuses())
		return -1;
	n = pread(file, bytes, least(least(count, sizeof(bytes)), fake.most), *offset);
	if (n > 0)
		n = send(fd, bytes, (size_t)n, MSG_NOSIGNAL);
	*offset += n > 0 ? n : 0;
	return n;
}

static bool fake_pending(struct channel *ch)
{
	return fake.given < fake.taken;
}

static size_t fake_unread(struct channel *ch, int fd)
{
	return fake.taken - fake.given;
}

static ssize_t fake_untaken(struct channel *ch, int fd)
{
	return -1;
}

static void fake_hang_up(struct channel *ch, int fd)
{
	shutdown(fd, SHUT_WR);
}

static void fake_close(struct channel *ch, int fd, bool at_end)
{
	close(fd);
}

static const struct channel_ops fake_ops = {
	.recv = fake_recv,
	.send = fake_send,
	.send_file = fake_send_file,
	.pending = fake_pending,
	.unread = fake_unread,
	.untaken = fake_untaken,
	.hang_up = fake_hang_up,
	.close = fake_close,
};

/* A connection over the fake; *fd is the caller's end. */
static struct conn *call(struct listener *l, int *fd)
{
	fake = (struct fake){.channel = {.ops = &fake_ops}, .most = 1 << 20};
	return enter(l, pair_open(fd), NULL, &fake.channel);
}

static struct listener *upper_lines(void)
{
	return listener_of("services = upper\nprotocol = line\n");
}

static void requests_and_replies_may_move_byte_by_byte(void **state)
{
	int fd;

	call(upper_lines(), &fd);
	fake.most = 1;
	assert_int_equal(send(fd, "first\nsecond\n", 13, 0), 13);
	assert_hears(fd, "FIRST\nSECOND\n");
	assert_true(fake.recvs >= 13 && fake.sends >= 13);
	close(fd);
}

static void a_call_that_is_refused_is_made_again(void **state)
{
	int fd;

	call(upper_lines(), &fd);
	fake.most = 3;
	fake.moody = true;
	assert_int_equal(send(fd, "first\nsecond\n", 13, 0), 13);
	assert_hears(fd, "FIRST\nSECOND\n");
	close(fd);
}

static void who_must_send_in_order_to_receive_is_polled_for_that(void **state)
{
	int fd;
	struct conn *c = call(upper_lines(), &fd);

	fake.turns = POLLOUT;
	assert_int_equal(send(fd, "first\n", 6, 0), 6);
	assert_int_equal(loop_turn(&loop), 0);
	assert_int_equal(wanted(&c->watch), POLLOUT);
	assert_hears(fd, "FIRST\n");
	assert_int_equal(wanted(&c->watch), POLLIN);
	close(fd);
}

static void bytes_that_poll_does_not_see_are_read(void **state)
{
	int fd;
	struct conn *c = call(upper_lines(), &fd);

	fake.hoards = true;
	fake.most = 4;
	assert_int_equal(send(fd, "first\nsecond\nthird\n", 19, 0), 19);
	assert_hears(fd, "FIRST\nSECOND\nTHIRD\n");
	assert_int_equal(fake.given, fake.taken);
	assert_int_equal(wanted(&c->watch), POLLIN);
	close(fd);
}

static void a_drain_answers_what_the_channel_holds(void **state)
{
	int fd;

	call(upper_lines(), &fd);
	fake.hoards = true;
	fake.most = 4;
	assert_int_equal(send(fd, "first\n", 6, 0), 6);
	assert_int_equal(loop_turn(&loop), 0);
	assert_int_equal(fake.given, 4);
	conn_table_drain(&table);
	assert_hears_last(fd, "FIRST\n");
	close(fd);
}

/* ---- a file ---- */

static int file_request(const struct call *call)
{
	int file = memfd_create("file", MFD_CLOEXEC);

	assert_int_equal(write(file, "0123456789", 10), 10);
	return say_file(call, file, 2, 7);
}

static void a_file_goes_out_between_its_frame(void **state)
{
	static const struct verb verbs[] = {{"FILE", "", "", 0, 0, file_request}, {.name = NULL}};
	static const struct service service = {.name = "file", .verbs = verbs};
	static const struct service *const offers[] = {&service, NULL};
	struct listener *l = listener_of("services = upper\nprotocol = resp\n");
	const struct service *const *before = l->conf->offers;
	int fd;

	l->conf->offers = offers;
	for (size_t most = 1; most < 12; most++) {
		call(l, &fd);
		fake.most = most;
		fake.moody = most % 2;
		assert_int_equal(send(fd, "FILE\r\nFILE\r\n", 12, 0), 12);
		assert_hears(fd, "$7\r\n2345678\r\n$7\r\n2345678\r\n");
		close(fd);
		settle();
	}
	l->conf->offers = before;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FIXTURE_TEST(requests_and_replies_may_move_byte_by_byte),
		FIXTURE_TEST(a_call_that_is_refused_is_made_again),
		FIXTURE_TEST(who_must_send_in_order_to_receive_is_polled_for_that),
		FIXTURE_TEST(bytes_that_poll_does_not_see_are_read),
		FIXTURE_TEST(a_drain_answers_what_the_channel_holds),
		FIXTURE_TEST(a_file_goes_out_between_its_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
