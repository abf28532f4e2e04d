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

#include "net/call.h"
#include "services/registry.h"

/* A datagram's conversation. */
struct talk {
	struct buf out;
	struct framing framing;
	uint32_t position;
};

static struct call call_of(struct talk *t)
{
	return (struct call){
		.out = &t->out,
		.protocol = &protocol_raw,
		.framing = &t->framing,
		.position = &t->position,
	};
}

static void ask(const struct service *service, struct talk *t, const void *data, size_t len)
{
	const struct slice argument = {data, len};
	struct call call = call_of(t);

	call.argv = &argument;
	call.argc = 1;
	assert_int_equal(service->request(&call), 0);
}

/* Opened, asked data[0, len), and let speak. */
static struct talk talk(const struct service *service, const char *data, size_t len)
{
	struct talk t = {0};
	const struct call call = call_of(&t);

	if (service->open != NULL)
		assert_int_equal(service->open(&call), 0);
	if (service->request != NULL)
		ask(service, &t, data, len);
	if (service->more != NULL)
		assert_int_equal(service->more(&call), 0);
	return t;
}

static void services_are_found_by_name(void **state)
{
	for (size_t i = 0; services[i] != NULL; i++) {
		assert_ptr_equal(service_find(services[i]->name), services[i]);
		assert_non_null(services[i]->summary);
		assert_true(services[i]->protocols != 0);
		assert_int_equal(services[i]->fetch != NULL,
				 (services[i]->protocols & PROTOCOL_HTTP) != 0);
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
	struct talk t;

	for (int i = 0; i < 256; i++)
		bytes[i] = (char)i;
	for (size_t len = 0; len <= 256; len++) {
		t = talk(&service_echo, bytes, len);
		assert_int_equal(buf_len(&t.out), len);
		if (len > 0)
			assert_memory_equal(buf_data(&t.out), bytes, len);
		buf_free(&t.out);
	}
}

/* data[0, len) in upper case, by the table of ASCII, in a buffer that holds before bytes. */
static void assert_upper(const unsigned char *data, size_t len, size_t before)
{
	struct talk t = {0};
	const char *found;

	assert_int_equal(buf_add(&t.out, "????????????????", before), 0);
	ask(&service_upper, &t, data, len);
	assert_int_equal(buf_len(&t.out), before + len);
	for (size_t i = 0; i < len; i++) {
		unsigned char want = data[i];

		if (want >= 'a' && want <= 'z')
			want = (unsigned char)"ABCDEFGHIJKLMNOPQRSTUVWXYZ"[want - 'a'];
		assert_int_equal((unsigned char)buf_data(&t.out)[before + i], want);
	}
	found = buf_data(&t.out);
	for (size_t i = 0; i < before; i++)
		assert_int_equal(found[i], '?');
	buf_free(&t.out);
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
	struct talk t = talk(&service_discard, "abc", 3);

	assert_null(service_discard.request);
	assert_null(t.out.data);
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

static void assert_pattern(struct talk *t, size_t len)
{
	const struct call call = call_of(t);
	char *pattern = malloc(len + 512);

	pattern_make(pattern, len + 512);
	assert_memory_equal(pattern, " !\"#$%&'()*+,-./0123456789:;<=>?@ABC", 36);
	assert_memory_equal(pattern + 74, "!\"#$%&'()*+,-./0123456789:;<=>?@ABCD", 36);
	while (buf_len(&t->out) < len) {
		size_t before = buf_len(&t->out);

		assert_int_equal(service_chargen.more(&call), 0);
		assert_true(buf_len(&t->out) - before <= 512);
	}
	assert_memory_equal(buf_data(&t->out), pattern, buf_len(&t->out));
	free(pattern);
}

static void chargen_sends_the_pattern_of_the_rfc_without_end(void **state)
{
	struct talk t = {0};

	assert_pattern(&t, 30000);
	buf_free(&t.out);
}

static void a_chargen_datagram_has_up_to_512_bytes(void **state)
{
	size_t least = SIZE_MAX, most = 0;

	for (int i = 0; i < 10000; i++) {
		struct talk t = talk(&service_chargen, "", 0);

		least = buf_len(&t.out) < least ? buf_len(&t.out) : least;
		most = buf_len(&t.out) > most ? buf_len(&t.out) : most;
		buf_free(&t.out);
	}
	assert_in_range(least, 0, 10);
	assert_in_range(most, 502, 512);
}

static void daytime_says_what_the_clock_of_the_place_says(void **state)
{
	time_t before = time(NULL), said;
	struct tm tm = {0};
	char text[64] = "";
	struct talk t;

	setenv("TZ", "XST-5:30", 1); /* a place without summer */
	tzset();
	t = talk(&service_daytime, "", 0);
	assert_in_range(buf_len(&t.out), 20, 40);
	memcpy(text, buf_data(&t.out), buf_len(&t.out));
	assert_string_equal(strptime(text, "%a %b %d %H:%M:%S %Y", &tm), "\r\n");
	said = mktime(&tm);
	assert_true(before <= said && said <= time(NULL));
	buf_free(&t.out);
}

static void time_says_seconds_since_1900(void **state)
{
	struct tm first = {.tm_year = 0, .tm_mon = 0, .tm_mday = 1}; /* RFC 868 */
	time_t epoch = timegm(&first), before = time(NULL);
	struct talk t = talk(&service_time, "", 0);
	const unsigned char *said = (const unsigned char *)buf_data(&t.out);
	uint32_t seconds;

	assert_int_equal(buf_len(&t.out), 4);
	seconds = (uint32_t)said[0] << 24 | (uint32_t)said[1] << 16 | (uint32_t)said[2] << 8 |
		  said[3];
	assert_in_range(seconds - (uint32_t)(before - epoch), 0, time(NULL) - before);
	buf_free(&t.out);
}

static void only_who_amplifies_answers_more_than_was_asked(void **state)
{
	char question[64] = "question";

	for (size_t i = 0; services[i] != NULL; i++) {
		if (!(services[i]->flags & SERVICE_DATAGRAM))
			continue;
		for (size_t len = 0; len <= sizeof(question); len++) {
			struct talk t = talk(services[i], question, len);

			if (!(services[i]->flags & SERVICE_AMPLIFIES))
				assert_true(buf_len(&t.out) <= len);
			buf_free(&t.out);
		}
	}
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
