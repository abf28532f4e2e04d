/* SPDX-License-Identifier: MIT */
#include "caller.h"

#include <errno.h>
#include <signal.h>

#include "own.h"

#define PIECE_BYTES (256 * 1024)
#define FILE_BYTES (2 * PIECE_BYTES + 100)

static char content[FILE_BYTES];
static off_t asked_first, asked_len;
static off_t cut_at; /* what is left of the file once its reply has begun; -1: all */
static size_t piece; /* the largest that was sent in one call */

static int file_request(const struct call *call)
{
	int file = memfd_create("file", MFD_CLOEXEC), result;

	assert_int_equal(write(file, content, sizeof(content)), sizeof(content));
	if (cut_at >= 0)
		assert_int_equal(ftruncate(file, cut_at), 0);
	result = say_file(call, file, asked_first, asked_len);
	assert_int_equal(result, 0);
	return result;
}

static ssize_t counted(struct channel *ch, int fd, int file, off_t *offset, size_t len)
{
	if (len > piece)
		piece = len;
	return channel_plain(false)->ops->send_file(ch, fd, file, offset, len);
}

static const struct verb verbs[] = {{"FILE", "", "", 0, 0, file_request}, {.name = NULL}};
static const struct service service = {.name = "file", .verbs = verbs};
static const struct service *const offers[] = {&service, NULL};
static const struct service *const *before;
static struct channel_ops ops;
static struct channel channel = {.ops = &ops};
static struct listener *l;

static int opens(void **state)
{
	fixture_open(state);
	for (size_t i = 0; i < sizeof(content); i++)
		content[i] = (char)(i % 251);
	ops = *channel_plain(false)->ops;
	ops.send_file = counted;
	l = listener_of("services = upper\nprotocol = resp\n");
	before = l->conf->offers;
	l->conf->offers = offers;
	asked_first = asked_len = 0;
	cut_at = -1;
	piece = 0;
	return 0;
}

static int closes(void **state)
{
	l->conf->offers = before;
	return fixture_close(state);
}

static void a_part_of_a_file_goes_out_within_its_frame(void **state)
{
	static const off_t rows[][2] = {
		/* first, bytes */
		{0, 0},
		{FILE_BYTES, 0},
		{0, 1},
		{FILE_BYTES - 1, 1},
		{7, 1000},
		{0, PIECE_BYTES},
		{0, PIECE_BYTES + 1},
		{1, FILE_BYTES - 1},
		{0, FILE_BYTES},
	};
	size_t descriptors_before;
	bool ended;
	int fd;

	enter(l, pair_open(&fd), NULL, &channel);
	descriptors_before = descriptors();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char head[32];
		size_t len, size = (size_t)rows[i][1];

		asked_first = rows[i][0];
		asked_len = rows[i][1];
		say(fd, "FILE\r\nNONE\r\n"); /* which waits until the file is sent */
		len = hear(fd, &ended);
		assert_false(ended);
		snprintf(head, sizeof(head), "$%zu\r\n", size);
		assert_true(len > strlen(head) + size + 2);
		assert_memory_equal(text, head, strlen(head));
		assert_memory_equal(text + strlen(head), content + asked_first, size);
		assert_memory_equal(text + strlen(head) + size, "\r\n-ERR", 6);
		assert_int_equal(descriptors(), descriptors_before);
	}
	assert_int_equal(piece, PIECE_BYTES);
	close(fd);
}

/* The length is promised: nothing that could be taken for the end may follow. */
static void a_file_that_has_become_shorter_ends_the_connection(void **state)
{
	static const off_t rows[] = {0, 99, 100, 101, FILE_BYTES - 1};
	size_t descriptors_before = descriptors();

	asked_first = 100;
	asked_len = FILE_BYTES - 100;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t head = strlen("$524288\r\n"), len;
		uint64_t ends = stats.ended_error;
		bool ended;
		int fd;

		cut_at = rows[i];
		enter(l, pair_open(&fd), NULL, &channel);
		say(fd, "FILE\r\nNONE\r\n");
		len = hear(fd, &ended);
		assert_true(ended);
		assert_memory_equal(text, "$524288\r\n", head);
		assert_int_equal(len - head, cut_at > 100 ? cut_at - 100 : 0);
		assert_memory_equal(text + head, content + 100, len - head);
		assert_int_equal(stats.ended_error, ends + 1);
		close(fd);
		settle();
		assert_int_equal(descriptors(), descriptors_before);
	}
}

static void a_peer_that_goes_leaves_no_descriptor(void **state)
{
	size_t descriptors_before = descriptors();
	int fd;

	asked_len = FILE_BYTES;
	enter(l, pair_open(&fd), NULL, &channel);
	say(fd, "FILE\r\n");
	assert_true(descriptors() > descriptors_before + 1); /* it is on its way */
	close(fd);
	settle();
	assert_int_equal(descriptors(), descriptors_before);
}

static int refuse(struct buf *out, const struct framing *f, uint64_t len)
{
	errno = ENOMEM;
	return -1;
}

static void without_memory_the_descriptor_is_closed_all_the_same(void **state)
{
	struct protocol forgetful = protocol_resp;
	const struct call call = {.protocol = &forgetful};
	int file = memfd_create("file", MFD_CLOEXEC);
	size_t descriptors_before = descriptors();

	forgetful.bytes_begin = refuse;
	assert_int_equal(say_file(&call, file, 0, 1), -1);
	assert_int_equal(descriptors(), descriptors_before - 1);
}

#define SENDING_TEST(name) cmocka_unit_test_setup_teardown(name, opens, closes)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SENDING_TEST(a_part_of_a_file_goes_out_within_its_frame),
		SENDING_TEST(a_file_that_has_become_shorter_ends_the_connection),
		SENDING_TEST(a_peer_that_goes_leaves_no_descriptor),
		SENDING_TEST(without_memory_the_descriptor_is_closed_all_the_same),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
