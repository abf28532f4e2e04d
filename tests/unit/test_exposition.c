/* SPDX-License-Identifier: MIT */
/* Whole texts first, as the formats have them; then all figures there are, taken apart by a parser
 * that knows the rules and no figure. */
#include "caller.h"

#include <regex.h>

#include "process/places.h"
#include "services/figures.h"

/* ---- texts ---- */

struct thing {
	const char *name;
	uint64_t good, bad, now, used_us;
	unsigned small;
	struct histogram took;
};

static const struct figure thing_figures[] = {
	FIGURE_ROW(struct thing, good, COUNTER, "thing_ends", "how=\"good\"", "Ends, by how."),
	FIGURE_ROW(struct thing, bad, COUNTER, "thing_ends", "how=\"bad\"", NULL),
	FIGURE_ROW(struct thing, now, GAUGE, "things", "", "Now."),
	FIGURE_ROW(struct thing, small, GAUGE, "small_things", "", "Likewise."),
	FIGURE_ROW(struct thing, used_us, TIME, "thing_seconds", "", "Time."),
};

static const struct figure took_figures[] = {
	FIGURE_ROW(struct thing, took, HISTOGRAM, "took_seconds", "", "How long."),
};

static struct thing things[] = {
	{.name = "a", .good = 1, .bad = 2, .now = UINT64_MAX, .used_us = 1500000, .small = 7},
	{.name = "b", .good = 3, .used_us = 7},
};

static const void *next_thing(const void *thing)
{
	if (thing == NULL)
		return &things[0];
	return thing == &things[0] ? &things[1] : NULL;
}

static const void *only_thing(const void *thing)
{
	return thing == NULL ? &things[0] : NULL;
}

static void thing_labels(const void *thing, char *to)
{
	snprintf(to, LABELS_MAX, "thing=\"%s\"", ((const struct thing *)thing)->name);
}

/* What is written, in text. */
static void written(struct buf *out, const struct writer *w)
{
	assert_false(w->failed);
	assert_true(buf_len(out) < sizeof(text));
	memcpy(text, buf_data(out), buf_len(out));
	text[buf_len(out)] = '\0';
	buf_free(out);
}

static void assert_written(const struct figure_scope *scope, enum exposition format,
			   const char *expected)
{
	struct buf out = {0};
	struct writer w = {.out = &out};

	exposition_write(&w, format, scope, 1);
	written(&out, &w);
	assert_string_equal(text, expected);
}

static void a_family_stands_together_and_has_one_head(void **state)
{
	const struct figure_scope scope = {thing_figures, 5, next_thing, thing_labels};

	assert_written(&scope, EXPOSITION_PROMETHEUS,
		       "# HELP thing_ends_total Ends, by how.\n"
		       "# TYPE thing_ends_total counter\n"
		       "thing_ends_total{thing=\"a\",how=\"good\"} 1\n"
		       "thing_ends_total{thing=\"a\",how=\"bad\"} 2\n"
		       "thing_ends_total{thing=\"b\",how=\"good\"} 3\n"
		       "thing_ends_total{thing=\"b\",how=\"bad\"} 0\n"
		       "# HELP things Now.\n"
		       "# TYPE things gauge\n"
		       "things{thing=\"a\"} 18446744073709551615\n"
		       "things{thing=\"b\"} 0\n"
		       "# HELP small_things Likewise.\n"
		       "# TYPE small_things gauge\n"
		       "small_things{thing=\"a\"} 7\n"
		       "small_things{thing=\"b\"} 0\n"
		       "# HELP thing_seconds_total Time.\n"
		       "# TYPE thing_seconds_total counter\n"
		       "thing_seconds_total{thing=\"a\"} 1.500000\n"
		       "thing_seconds_total{thing=\"b\"} 0.000007\n");
}

static void openmetrics_names_the_family_of_a_counter_and_ends(void **state)
{
	const struct figure_scope scope = {thing_figures, 3, only_thing, NULL};

	assert_written(&scope, EXPOSITION_OPENMETRICS,
		       "# HELP thing_ends Ends, by how.\n"
		       "# TYPE thing_ends counter\n"
		       "thing_ends_total{how=\"good\"} 1\n"
		       "thing_ends_total{how=\"bad\"} 2\n"
		       "# HELP things Now.\n"
		       "# TYPE things gauge\n"
		       "things 18446744073709551615\n"
		       "# EOF\n");
}

static void a_histogram_counts_all_up_to_each_bound(void **state)
{
	const struct figure_scope scope = {took_figures, 1, only_thing, NULL};

	things[0].took = (struct histogram){0};
	histogram_add(&things[0].took, 30000, 2);
	histogram_add(&things[0].took, 2000000000, 1);
	histogram_add(&things[0].took, 90000000000, 1);
	assert_written(&scope, EXPOSITION_PROMETHEUS,
		       "# HELP took_seconds How long.\n"
		       "# TYPE took_seconds histogram\n"
		       "took_seconds_bucket{le=\"0.00001\"} 0\n"
		       "took_seconds_bucket{le=\"0.00004\"} 2\n"
		       "took_seconds_bucket{le=\"0.0001\"} 2\n"
		       "took_seconds_bucket{le=\"0.0004\"} 2\n"
		       "took_seconds_bucket{le=\"0.001\"} 2\n"
		       "took_seconds_bucket{le=\"0.004\"} 2\n"
		       "took_seconds_bucket{le=\"0.01\"} 2\n"
		       "took_seconds_bucket{le=\"0.04\"} 2\n"
		       "took_seconds_bucket{le=\"0.1\"} 2\n"
		       "took_seconds_bucket{le=\"0.4\"} 2\n"
		       "took_seconds_bucket{le=\"1.0\"} 2\n"
		       "took_seconds_bucket{le=\"4.0\"} 3\n"
		       "took_seconds_bucket{le=\"10.0\"} 3\n"
		       "took_seconds_bucket{le=\"60.0\"} 3\n"
		       "took_seconds_bucket{le=\"+Inf\"} 4\n"
		       "took_seconds_sum 92.000060000\n"
		       "took_seconds_count 4\n");
}

static void without_memory_it_says_so(void **state)
{
	const struct figure_scope scope = {thing_figures, 5, next_thing, thing_labels};
	char none[1];
	struct buf out = {.data = none, .tail = BUF_MAX, .cap = BUF_MAX, .borrowed = true};
	struct writer w = {.out = &out};

	exposition_write(&w, EXPOSITION_PROMETHEUS, &scope, 1);
	assert_true(w.failed);
	assert_int_equal(buf_len(&out), BUF_MAX);
	out.tail = 0; /* room comes too late */
	exposition_write(&w, EXPOSITION_PROMETHEUS, &scope, 1);
	assert_true(w.failed);
	assert_int_equal(buf_len(&out), 0);
}

/* ---- all figures ---- */

#define LINES_MAX 20000

static char *lines[LINES_MAX];
static size_t line_count;

static void figures_written(enum exposition format)
{
	struct buf out = {0};
	struct writer w = {.out = &out};
	struct process_figures process;

	process_read(&process);
	figures_write(&w, format, &process);
	written(&out, &w);
	line_count = 0;
	for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
		assert_true(line_count < LINES_MAX);
		lines[line_count++] = line;
	}
}

static bool matches(const char *line, const char *pattern)
{
	regex_t regex;
	bool result;

	assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
	result = regexec(&regex, line, 0, NULL, 0) == 0;
	regfree(&regex);
	return result;
}

/* The number of a series, which is there once. */
static double number_of(const char *series)
{
	size_t len = strlen(series);
	const char *found = NULL;

	for (size_t i = 0; i < line_count; i++) {
		if (strncmp(lines[i], series, len) != 0 || lines[i][len] != ' ')
			continue;
		assert_null(found);
		found = lines[i] + len;
	}
	if (found == NULL)
		fail_msg("there is no %s", series);
	return strtod(found, NULL);
}

/* The name that a line of this head is about, up to the next blank or brace. */
static size_t name_len(const char *name)
{
	return strcspn(name, " {");
}

static void assert_is_of_family(const char *sample, const char *family, size_t len)
{
	const char *rest = sample + len;

	assert_int_equal(strncmp(sample, family, len), 0);
	assert_true(matches(rest, "^(_total|_bucket|_sum|_count)?[ {]"));
}

static struct listener *two_listeners(int *fd)
{
	struct listener *l = listener_of("protocol = resp\nservices = upper echo\n");

	listener_of("services = discard\n");
	enter(l, pair_open(fd), NULL, channel_plain(false));
	say(*fd, "UPPER a\r\nNOTHING\r\n");
	return l;
}

static void every_line_has_the_form_and_its_place(void **state)
{
	static const enum exposition formats[] = {EXPOSITION_PROMETHEUS, EXPOSITION_OPENMETRICS};
	const char *family = NULL;
	int fd;

	two_listeners(&fd);
	for (size_t f = 0; f < 2; f++) {
		figures_written(formats[f]);
		if (formats[f] == EXPOSITION_OPENMETRICS)
			assert_string_equal(lines[--line_count], "# EOF");
		for (size_t i = 0; i < line_count; i++) {
			if (matches(lines[i], "^# HELP [a-z_]+ [A-Z0-9].*[.]$")) {
				family = lines[i] + 7;
				assert_true(matches(lines[++i], "^# TYPE [a-z_]+ "
								"(counter|gauge|histogram)$"));
				assert_int_equal(
					strncmp(lines[i] + 7, family, name_len(family) + 1), 0);
				continue;
			}
			assert_non_null(family);
			assert_true(matches(lines[i],
					    "^[a-z_]+([{][a-z]+=\"[^\"]*\"(,[a-z]+=\"[^\"]*\")*"
					    "[}])? [0-9]+([.][0-9]+)?$"));
			assert_is_of_family(lines[i], family, name_len(family));
		}
	}
	close(fd);
}

static int lines_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void no_series_and_no_head_is_there_twice(void **state)
{
	int fd;

	two_listeners(&fd);
	figures_written(EXPOSITION_PROMETHEUS);
	for (size_t i = 0; i < line_count; i++)
		if (lines[i][0] == '#')
			lines[i][7 + name_len(lines[i] + 7)] = '\0';
		else
			*strrchr(lines[i], ' ') = '\0';
	qsort(lines, line_count, sizeof(lines[0]), lines_compare);
	for (size_t i = 1; i < line_count; i++)
		assert_string_not_equal(lines[i - 1], lines[i]);
	close(fd);
}

static void they_say_what_has_happened(void **state)
{
	int fd;
	struct places *places = places_named("job");

	two_listeners(&fd);
	places_count_not_started(places);
	places->took.counts[HISTOGRAM_BOUNDS] = 3;
	places->slots.granted = 2;
	figures_written(EXPOSITION_PROMETHEUS);
	assert_true(number_of("pollard_connections_accepted_total") == 1);
	assert_true(number_of("pollard_listener_clients{listener=\"a\"}") == 1);
	assert_true(number_of("pollard_listener_clients{listener=\"b\"}") == 0);
	assert_true(number_of("pollard_request_duration_seconds_count{listener=\"a\","
			      "verb=\"UPPER\"}") == 1);
	assert_true(number_of("pollard_request_duration_seconds_count{listener=\"a\","
			      "verb=\"other\"}") == 1);
	assert_true(number_of("pollard_request_duration_seconds_count{listener=\"b\","
			      "verb=\"discard\"}") == 0);
	assert_true(number_of("pollard_command_runs_total{command=\"job\","
			      "outcome=\"not_started\"}") == 1);
	assert_true(number_of("pollard_command_jobs{command=\"job\",state=\"running\"}") == 2);
	assert_true(number_of("pollard_command_duration_seconds_count{command=\"job\"}") == 3);
	assert_true(number_of("process_open_fds") > 5);
	assert_true(number_of("process_resident_memory_bytes") > 100000);
	assert_true(number_of("process_virtual_memory_bytes") > 100000);
	assert_true(number_of("process_cpu_seconds_total") >= 0);
	assert_true(number_of("process_start_time_seconds") > 1500000000);
	places->slots.granted = 0;
	places_unref(places);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_family_stands_together_and_has_one_head),
		cmocka_unit_test(openmetrics_names_the_family_of_a_counter_and_ends),
		cmocka_unit_test(a_histogram_counts_all_up_to_each_bound),
		cmocka_unit_test(without_memory_it_says_so),
		FIXTURE_TEST(every_line_has_the_form_and_its_place),
		FIXTURE_TEST(no_series_and_no_head_is_there_twice),
		FIXTURE_TEST(they_say_what_has_happened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
