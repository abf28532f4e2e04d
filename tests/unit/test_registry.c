/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "net/conn.h"
#include "services/registry.h"

static struct listener_conf conf = {.wire = &protocol_raw};
static struct listener listener = {.conf = &conf};

static void ask(const struct service *service, struct conn *c, const void *data, size_t len)
{
	struct slice argument = {data, len};
	struct request req = {.argc = 1, .argv = &argument};

	assert_int_equal(service->request(c, &req), 0);
}

/* A datagram's conversation: opened, asked data[0, len), and let speak. */
static struct conn talk(const struct service *service, const char *data, size_t len)
{
	struct conn c = {.watch.fd = -1, .listener = &listener};

	conf.service = service;
	if (service->open != NULL)
		assert_int_equal(service->open(&c), 0);
	if (service->request != NULL)
		ask(service, &c, data, len);
	if (service->more != NULL)
		assert_int_equal(service->more(&c), 0);
	return c;
}

static void services_are_found_by_name(void **state)
{
	for (size_t i = 0; services[i] != NULL; i++) {
		assert_ptr_equal(service_find(services[i]->name), services[i]);
		assert_non_null(services[i]->summary);
		assert_true(services[i]->protocols != 0);
	}
	assert_ptr_equal(service_find("upper"), &service_upper);
	assert_ptr_equal(service_find("time"), &service_time);
	assert_null(service_find("uppe"));
	assert_null(service_find("upper "));
	assert_null(service_find(""));
}

static void echo_sends_back_every_byte(void **state)
{
	char bytes[256];
	struct conn c;

	for (int i = 0; i < 256; i++)
		bytes[i] = (char)i;
	for (size_t len = 0; len <= 256; len++) {
		c = talk(&service_echo, bytes, len);
		assert_int_equal(buf_len(&c.out), len);
		if (len > 0)
			assert_memory_equal(buf_data(&c.out), bytes, len);
		buf_free(&c.out);
	}
}

/* data[0, len) in upper case, by the table of ASCII, in a buffer that holds before bytes. */
static void assert_upper(const unsigned char *data, size_t len, size_t before)
{
	struct conn c = {.watch.fd = -1, .listener = &listener};
	const char *found;

	assert_int_equal(buf_add(&c.out, "????????????????", before), 0);
	ask(&service_upper, &c, data, len);
	assert_int_equal(buf_len(&c.out), before + len);
	for (size_t i = 0; i < len; i++) {
		unsigned char want = data[i];

		if (want >= 'a' && want <= 'z')
			want = (unsigned char)"ABCDEFGHIJKLMNOPQRSTUVWXYZ"[want - 'a'];
		assert_int_equal((unsigned char)buf_data(&c.out)[before + i], want);
	}
	found = buf_data(&c.out);
	for (size_t i = 0; i < before; i++)
		assert_int_equal(found[i], '?');
	buf_free(&c.out);
}

static void upper_changes_a_to_z_and_no_other_byte(void **state)
{
	unsigned char bytes[256];

	for (int i = 0; i < 256; i++)
		bytes[i] = (unsigned char)i;
	assert_upper(bytes, 256, 0);
	for (int i = 0; i < 256; i++)
		assert_upper(&bytes[i], 1, 0);
}

static void upper_is_right_at_every_length_and_alignment(void **state)
{
	unsigned char bytes[16 + 130];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)('Y' + i * 7 % 36);
	for (size_t len = 0; len <= 130; len++)
		for (size_t offset = 0; offset < 16; offset++)
			assert_upper(bytes + offset, len, len % 16);
}

static void discard_wants_nothing_and_says_nothing(void **state)
{
	struct conn c = talk(&service_discard, "abc", 3);

	assert_null(service_discard.request);
	assert_null(c.out.data);
}

/* RFC 864 as it is drawn there: ring, ring shifted by one, ... */
static void pattern_make(char *to, size_t len)
{
	for (size_t i = 0, line = 0; i < len; line++) {
		for (size_t column = 0; column < 72 && i < len; column++)
			to[i++] = (char)(32 + (line + column) % 95);
		for (const char *end = "\r\n"; *end != '\0' && i < len; end++)
			to[i++] = *end;
	}
}

static void assert_pattern(struct conn *c, size_t len)
{
	char *pattern = malloc(len + CONN_SCRATCH);

	pattern_make(pattern, len + CONN_SCRATCH);
	assert_memory_equal(pattern, " !\"#$%&'()*+,-./0123456789:;<=>?@ABC", 36);
	assert_memory_equal(pattern + 74, "!\"#$%&'()*+,-./0123456789:;<=>?@ABCD", 36);
	while (buf_len(&c->out) < len) {
		size_t before = buf_len(&c->out);

		assert_int_equal(service_chargen.more(c), 0);
		assert_true(buf_len(&c->out) - before <= CONN_SCRATCH);
	}
	assert_memory_equal(buf_data(&c->out), pattern, buf_len(&c->out));
	free(pattern);
}

static void chargen_sends_the_pattern_of_the_rfc_without_end(void **state)
{
	struct conn stream = {.watch.fd = 0, .listener = &listener};
	struct conn datagrams = {.watch.fd = -1, .listener = &listener};

	assert_pattern(&stream, 300000);
	assert_pattern(&datagrams, 30000);
	buf_free(&stream.out);
	buf_free(&datagrams.out);
}

static void a_chargen_datagram_has_up_to_512_bytes(void **state)
{
	size_t least = SIZE_MAX, most = 0;

	for (int i = 0; i < 10000; i++) {
		struct conn c = talk(&service_chargen, "", 0);

		least = buf_len(&c.out) < least ? buf_len(&c.out) : least;
		most = buf_len(&c.out) > most ? buf_len(&c.out) : most;
		buf_free(&c.out);
	}
	assert_in_range(least, 0, 10);
	assert_in_range(most, 502, 512);
}

static void daytime_says_what_the_clock_of_the_place_says(void **state)
{
	time_t before = time(NULL), said;
	struct tm tm = {0};
	char text[64] = "";
	struct conn c;

	setenv("TZ", "XST-5:30", 1); /* a place without summer */
	tzset();
	c = talk(&service_daytime, "", 0);
	assert_in_range(buf_len(&c.out), 20, 40);
	memcpy(text, buf_data(&c.out), buf_len(&c.out));
	assert_string_equal(strptime(text, "%a %b %d %H:%M:%S %Y", &tm), "\r\n");
	said = mktime(&tm);
	assert_true(before <= said && said <= time(NULL));
	buf_free(&c.out);
}

static void time_says_seconds_since_1900(void **state)
{
	struct tm first = {.tm_year = 0, .tm_mon = 0, .tm_mday = 1}; /* RFC 868 */
	time_t epoch = timegm(&first), before = time(NULL);
	struct conn c = talk(&service_time, "", 0);
	const unsigned char *said = (const unsigned char *)buf_data(&c.out);
	uint32_t seconds;

	assert_int_equal(buf_len(&c.out), 4);
	seconds = (uint32_t)said[0] << 24 | (uint32_t)said[1] << 16 | (uint32_t)said[2] << 8 |
		  said[3];
	assert_in_range(seconds - (uint32_t)(before - epoch), 0, time(NULL) - before);
	buf_free(&c.out);
}

static void only_who_amplifies_answers_more_than_was_asked(void **state)
{
	char question[64] = "question";

	for (size_t i = 0; services[i] != NULL; i++) {
		if (!(services[i]->flags & SERVICE_DATAGRAM))
			continue;
		for (size_t len = 0; len <= sizeof(question); len++) {
			struct conn c = talk(services[i], question, len);

			if (!(services[i]->flags & SERVICE_AMPLIFIES))
				assert_true(buf_len(&c.out) <= len);
			buf_free(&c.out);
		}
	}
}

static void a_reply_has_the_frame_of_the_protocol(void **state)
{
	struct conn c = {.watch.fd = -1, .listener = &listener, .crlf = true};

	conf.wire = &protocol_line;
	assert_int_equal(conn_reply(&c, "a", 1), 0);
	c.crlf = false;
	assert_int_equal(conn_reply(&c, NULL, 0), 0);
	conf.wire = &protocol_raw;
	assert_int_equal(conn_reply(&c, "b", 1), 0);
	assert_int_equal(buf_len(&c.out), 5);
	assert_memory_equal(buf_data(&c.out), "a\r\n\nb", 5);
	buf_free(&c.out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(services_are_found_by_name),
		cmocka_unit_test(echo_sends_back_every_byte),
		cmocka_unit_test(upper_changes_a_to_z_and_no_other_byte),
		cmocka_unit_test(upper_is_right_at_every_length_and_alignment),
		cmocka_unit_test(discard_wants_nothing_and_says_nothing),
		cmocka_unit_test(chargen_sends_the_pattern_of_the_rfc_without_end),
		cmocka_unit_test(a_chargen_datagram_has_up_to_512_bytes),
		cmocka_unit_test(daytime_says_what_the_clock_of_the_place_says),
		cmocka_unit_test(time_says_seconds_since_1900),
		cmocka_unit_test(only_who_amplifies_answers_more_than_was_asked),
		cmocka_unit_test(a_reply_has_the_frame_of_the_protocol),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
