/* SPDX-License-Identifier: MIT */
#include "caller.h"

#include <ctype.h>

#include "process/places.h"
#include "services/chart.h"
#include "services/status.h"

#define NOW_S 1700000000

/* What is written, in text. */
static void written(struct writer *w)
{
	assert_false(w->failed);
	assert_true(buf_len(w->out) < sizeof(text));
	memcpy(text, buf_data(w->out), buf_len(w->out));
	text[buf_len(w->out)] = '\0';
	buf_free(w->out);
}

static void page_written(const struct settings *settings)
{
	struct buf out = {0};
	struct writer w = {.out = &out};
	const struct process_figures process = {
		.started_s = NOW_S - 7300, .resident_bytes = 2600000, .open_fds = 7, .max_fds = 99};

	status_write(&w, settings, &process, NOW_S);
	written(&w);
}

static void assert_shows(const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("no %s in %s", part, text);
}

/* ---- numbers ---- */

static void numbers_are_short_and_have_a_unit(void **state)
{
	static const struct {
		double value;
		enum unit unit;
		const char *expected;
	} cases[] = {
		{0, UNIT_NUMBER, "0"},
		{7, UNIT_NUMBER, "7"},
		{0.5, UNIT_NUMBER, "0.5"},
		{12.3, UNIT_PER_SECOND, "12/s"},
		{1200, UNIT_PER_SECOND, "1.2k/s"},
		{123456, UNIT_PER_SECOND, "123k/s"},
		{2.5e6, UNIT_NUMBER, "2.5M"},
		{3e9, UNIT_NUMBER, "3G"},
		{900, UNIT_BYTES, "900 B"},
		{1500, UNIT_BYTES, "1.5 kB"},
		{2e12, UNIT_BYTES, "2000 GB"},
		{1e6, UNIT_BYTE_RATE, "1 MB/s"},
		{0, UNIT_SECONDS, "0 s"},
		{0.000012, UNIT_SECONDS, "12 \u00b5s"},
		{0.0025, UNIT_SECONDS, "2.5 ms"},
		{75, UNIT_SECONDS, "75 s"},
	};
	char shown[UNIT_TEXT_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(unit_print(cases[i].value, cases[i].unit, shown),
				    cases[i].expected);
}

static void ages_have_two_units_at_most(void **state)
{
	static const struct {
		int64_t seconds;
		const char *expected;
	} cases[] = {
		{-5, "0 s"},         {0, "0 s"},
		{59, "59 s"},        {60, "1 min"},
		{61, "1 min 1 s"},   {3600, "1 h"},
		{3660, "1 h 1 min"}, {86399, "23 h 59 min"},
		{90000, "1 d 1 h"},  {86400 * 400, "400 d"},
	};
	char shown[STATUS_AGE_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(status_age_print(cases[i].seconds, shown), cases[i].expected);
}

static void foreign_text_makes_no_markup(void **state)
{
	struct buf out = {0};
	struct writer w = {.out = &out};

	write_escaped(&w, "<a href=\"x\" title='y'>&amp;");
	write_escaped(&w, "");
	write_escaped(&w, "plain");
	written(&w);
	assert_string_equal(text, "&lt;a href=&quot;x&quot; title=&#39;y&#39;&gt;&amp;amp;plain");
}

/* ---- samples ---- */

/* A sample is taken, so many milliseconds after the one before. */
static void sample_after(int64_t ms)
{
	loop.deadlines.now_ms += ms;
	deadlines_expire(&loop.deadlines);
}

static void samples_open(void)
{
	deadline_cancel(&guard); /* time passes quickly here */
	samples_init(&loop);
	samples_run(true);
}

static void samples_tell_of_the_time_between_them(void **state)
{
	struct tally *tally = tally_named("a");

	samples_open();
	assert_int_equal(samples_count(), 0);
	stats.requests += 10;
	stats.clients = 3;
	stats.bytes_in += 100;
	stats.bytes_out += 200;
	histogram_add(&tally_answers(tally, "GET")->lap.took, 2000000, 90);
	histogram_add(&tally_answers(tally, "GET")->lap.took, 50000000, 10);
	sample_after(SAMPLE_MS);
	stats.clients = 1;
	tally_unref(tally);
	sample_after(2 * SAMPLE_MS);
	assert_int_equal(samples_count(), 2);
	assert_int_equal(samples_at(0)->lasted_ms, SAMPLE_MS);
	assert_int_equal(samples_at(0)->requests, 10);
	assert_int_equal(samples_at(0)->clients, 3);
	assert_int_equal(samples_at(0)->bytes_in, 100);
	assert_int_equal(samples_at(0)->bytes_out, 200);
	assert_in_range(samples_at(0)->median_us, 1000, 4000);
	assert_in_range(samples_at(0)->slow_us, 40000, 100000);
	assert_int_equal(samples_at(1)->lasted_ms, 2 * SAMPLE_MS);
	assert_int_equal(samples_at(1)->requests, 0);
	assert_int_equal(samples_at(1)->median_us, 0);
	assert_int_equal(samples_at(1)->clients, 1);
	samples_end();
}

static void the_oldest_sample_makes_place(void **state)
{
	samples_open();
	for (unsigned i = 0; i < SAMPLES + 5; i++) {
		stats.clients = i;
		sample_after(SAMPLE_MS);
	}
	assert_int_equal(samples_count(), SAMPLES);
	assert_int_equal(samples_at(0)->clients, 5);
	assert_int_equal(samples_at(SAMPLES - 1)->clients, SAMPLES + 4);
	samples_end();
}

static void nobody_is_woken_where_nobody_asks(void **state)
{
	samples_open();
	sample_after(SAMPLE_MS);
	samples_run(true);
	assert_int_equal(samples_count(), 1);
	samples_run(false);
	loop.deadlines.now_ms += SAMPLE_MS;
	deadlines_expire(&loop.deadlines);
	assert_int_equal(samples_count(), 0);
	assert_int_equal(deadlines_wait_ms(&loop.deadlines), -1);
	samples_end();
}

/* ---- charts ---- */

static double clients_of(const struct sample_row *row)
{
	return row->clients > 0 ? (double)row->clients : -1;
}

static void a_chart_has_a_scale_the_last_value_and_gaps(void **state)
{
	const struct chart chart = {"Things", UNIT_NUMBER, {{"now", clients_of}}};
	static const uint32_t clients[] = {10, 20, 0, 35};
	struct buf out = {0};
	struct writer w = {.out = &out};

	samples_open();
	for (size_t i = 0; i < 4; i++) {
		stats.clients = clients[i];
		sample_after(SAMPLE_MS);
	}
	chart_write(&w, &chart);
	written(&w);
	assert_shows("<figcaption>Things ");
	assert_shows("now <b>35</b>");
	assert_shows("<span>40</span><span>20</span><span>0</span>");
	assert_shows("d=\"M296 75.0h0L297 50.0M299 12.5h0\"");
	samples_end();
}

static void a_chart_without_samples_is_empty(void **state)
{
	const struct chart chart = {"Things", UNIT_NUMBER, {{NULL, clients_of}}};
	struct buf out = {0};
	struct writer w = {.out = &out};

	samples_open();
	chart_write(&w, &chart);
	written(&w);
	assert_shows("<b>\u2013</b>");
	assert_shows("<span>1</span><span>0.5</span><span>0</span>");
	assert_shows("class=\"line0\" d=\"\"");
	samples_end();
}

/* ---- the page ---- */

static bool is_one_of(const char *name, size_t len, const char *const *names)
{
	for (; *names != NULL; names++)
		if (strlen(*names) == len && strncmp(*names, name, len) == 0)
			return true;
	return false;
}

/* Whether what is opened is closed, in order; HTML needs no end of some. */
static void assert_is_balanced(void)
{
	static const char *const endless[] = {"meta", "th", "path", "!DOCTYPE", NULL};
	const char *open[64];
	int depth = 0;

	for (const char *at = strchr(text, '<'); at != NULL; at = strchr(at, '<')) {
		bool closes = *++at == '/';
		const char *name = at + closes;
		size_t len = strcspn(name, " >/");

		assert_true(len > 0);
		if (is_one_of(name, len, endless))
			continue;
		if (!closes) {
			assert_true(depth < 64);
			open[depth++] = name;
		} else if (depth-- == 0 || strncmp(open[depth], name, len) != 0) {
			fail_msg("it is not open: %.40s", name);
		}
	}
	assert_int_equal(depth, 0);
}

static void the_page_shows_listeners_commands_sources_and_refusals(void **state)
{
	struct settings *settings = generation_new("protocol = resp\nservices = upper echo\n");
	struct listener *l =
		listener_new(&loop, listener_conf_next(settings, NULL), &conn_deadlines);
	struct addr from = addr_of("tcp", "192.0.2.7", 1234);
	int fd, local;

	TAILQ_INSERT_TAIL(&listeners, l, entry);
	samples_open();
	enter(l, pair_open(&fd), &from.sa, channel_plain(false));
	enter(l, pair_open(&local), NULL, channel_plain(false));
	say(fd, "UPPER a\r\n*x\r\n");
	sample_after(SAMPLE_MS);
	page_written(settings);
	assert_is_balanced();
	assert_shows("<b>a</b>");
	assert_shows("upper echo (resp)");
	assert_shows("unix:/nowhere");
	assert_shows("<td>192.0.2.7</td><td>a</td><td data-l=\"Clients\" class=\"n\">1</td>");
	assert_shows("<td>local</td><td>a</td><td data-l=\"Clients\" class=\"n\">1</td>");
	assert_shows("<td>malformed</td><td class=\"n\">1</td>");
	assert_shows("up for 2 h 1 min, 2.6 MB of memory, 7 of 99 descriptors.");
	assert_shows("As of 2023-11-14 22:13:20 UTC");
	samples_end();
	settings_unref(settings);
	close(fd);
	close(local);
}

static void only_those_with_most_clients_are_shown(void **state)
{
	struct listener *l = listener_of("services = echo\n");
	char host[32];
	int fds[40];

	samples_open();
	for (int i = 0; i < 40; i++) {
		struct addr from;

		snprintf(host, sizeof(host), "10.0.0.%d", i < 30 ? i + 1 : 31);
		from = addr_of("tcp", host, 1234);
		enter(l, pair_open(&fds[i]), &from.sa, channel_plain(false));
	}
	page_written(l->conf->section.settings);
	assert_shows("<td>10.0.0.31</td><td>a</td><td data-l=\"Clients\" class=\"n\">10</td>");
	assert_shows("and 11 more");
	assert_is_balanced();
	samples_end();
	for (int i = 0; i < 40; i++)
		close(fds[i]);
}

/* It says of itself that it loads nothing; so it must not try. */
static void the_page_loads_and_runs_nothing(void **state)
{
	static const char *const parts[] = {"src=", "<script", "<link",  "@import", "url(",
					    "on=",  "http:",   "https:", "style="};
	struct listener *l = listener_of("services = echo\n");

	samples_open();
	page_written(l->conf->section.settings);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		assert_null(strstr(text, parts[i]));
	samples_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_short_and_have_a_unit),
		cmocka_unit_test(ages_have_two_units_at_most),
		cmocka_unit_test(foreign_text_makes_no_markup),
		FIXTURE_TEST(samples_tell_of_the_time_between_them),
		FIXTURE_TEST(the_oldest_sample_makes_place),
		FIXTURE_TEST(nobody_is_woken_where_nobody_asks),
		FIXTURE_TEST(a_chart_has_a_scale_the_last_value_and_gaps),
		FIXTURE_TEST(a_chart_without_samples_is_empty),
		FIXTURE_TEST(the_page_shows_listeners_commands_sources_and_refusals),
		FIXTURE_TEST(only_those_with_most_clients_are_shown),
		FIXTURE_TEST(the_page_loads_and_runs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
