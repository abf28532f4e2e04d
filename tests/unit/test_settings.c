/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "settings.h"

#define GOOD "[listener a]\nlisten = tcp:127.0.0.1:1\nservices = echo\n"

static char dir[32];

static void file_write(const char *name, const char *text, size_t len)
{
	char path[64];
	FILE *file;

	if (dir[0] == '\0')
		assert_non_null(mkdtemp(strcpy(dir, "/tmp/settings.XXXXXX")));
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fwrite(text, 1, len, file);
	fclose(file);
}

static struct settings *load(void)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/a.ini", dir);
	return settings_load(path);
}

static void assert_good(const char *text)
{
	struct settings *s;

	file_write("a.ini", text, strlen(text));
	s = load();
	if (s->errors.count > 0)
		print_error("%s\n", s->errors.items[0]);
	assert_int_equal(s->errors.count, 0);
	settings_free(s);
}

/* The first error is "DIR/a.ini" and what is given. */
static void assert_error(const char *text, size_t len, const char *error)
{
	struct settings *s;

	file_write("a.ini", text, len);
	s = load();
	assert_true(s->errors.count > 0);
	if (strncmp(s->errors.items[0] + strlen(dir) + 6, error, strlen(error)) != 0)
		assert_string_equal(s->errors.items[0] + strlen(dir) + 6, error);
	settings_free(s);
}

static void every_error_has_its_line(void **state)
{
	static const char *const cases[][2] = {
		{"max_clients = 1\n", ":1: max_clients: stands before the first [section]"},
		{"\n[deamon]\n", ":2: [deamon]: unknown section"},
		{"[]\n", ":1: []: unknown section"},
		{"[listener]\n", ":1: [listener]: unknown section"},
		{"[daemon\n", ":1: a section's title"},
		{"[daemon] x\n", ":1: a section's title"},
		{"[listener a/b]\n", ":1: [listener]: a name is"},
		{"[daemon]\n[daemon]\n" GOOD, ":2: [daemon]: again"},
		{GOOD GOOD, ":4: [listener a]: again"},
		{"[daemon]\n\nwhat\n" GOOD, ":3: expected 'key = value'"},
		{"[daemon]\nwhat", ":2: expected 'key = value'"},
		{"[daemon]\nmax_client = 1\n",
		 ":2: max_client: unknown key in [daemon]; did you mean"},
		{"[daemon]\nbacklog = 1\nbacklog = 2\n", ":3: backlog: given again"},
		{"[daemon]\nbacklog =\n", ":2: backlog: has no value"},
		{"[daemon]\nbacklog = 0\n", ":2: backlog: 0 is out of range"},
		{"[daemon]\nlog_facility = x\n" GOOD, ":2: log_facility: 'x' is not one of"},
		{"[daemon]\ninclude = none\n" GOOD, ":2: include: there is no file"},
		{"[listener a]\nservices = echo\n", ":1: listen: is missing"},
		{"[listener a]\nlisten = tcp:h:1\n", ":1: services: is missing"},
		{GOOD "protocol = x\n", ":4: protocol: there is no protocol"},
		{"[listener a]\nlisten = x\nservices = echo\n", ":2: listen: 'x' does not begin"},
		{"[listener a]\nlisten = unix:/a\nservices = ecko\n",
		 ":3: services: there is no service"},
		{"[listener a]\nlisten = unix:/a\nservices = echo time\n",
		 ":3: services: raw and line"},
		{"[listener a]\nlisten = unix:/a unix:/a\nservices = echo\n",
		 ":2: listen: unix:/a is taken"},
		{"[listener a]\nlisten = udp:h:1\nprotocol = line\nservices = echo\n",
		 ":2: listen: udp: needs"},
		{GOOD "allow_users = root\n", ":4: allow_users: only peers on unix:"},
		{GOOD "allow = 10.0.0.1/8\n", ":4: allow: '10.0.0.1/8' has bits"},
		{"[daemon]\n", ": there is no [listener NAME]"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_error(cases[i][0], strlen(cases[i][0]), cases[i][1]);
}

static void a_nul_byte_is_refused(void **state)
{
	static const char text[] = "[daemon]\nbacklog = 1\0 2\n";

	assert_error(text, sizeof(text) - 1, ":2: the line holds a NUL byte");
}

static void what_is_no_file_is_refused(void **state)
{
	struct settings *s = settings_load("/tmp");

	assert_int_equal(s->errors.count, 1);
	assert_string_equal(s->errors.items[0], "/tmp: is not a regular file");
	settings_free(s);
	s = settings_load("/nonexistent/file");
	assert_memory_equal(s->errors.items[0], "/nonexistent/file: cannot be read: ", 35);
	settings_free(s);
}

static void a_good_file_gives_its_values(void **state)
{
	assert_good("\xEF\xBB\xBF; comment\n[daemon] # comment\r\n  backlog = 7\r\n\t" GOOD);
}

static void an_indented_key_is_not_swallowed(void **state)
{
	static const char text[] = "[daemon]\nlog_socket = /x\n   backlog = 7\n" GOOD;
	struct settings *s;

	file_write("a.ini", text, strlen(text));
	s = load();
	assert_int_equal(s->errors.count, 0);
	assert_int_equal(s->daemon->backlog, 7);
	assert_string_equal(s->daemon->log_socket, "/x");
	settings_free(s);
}

static void a_line_of_4000_bytes_is_read_whole(void **state)
{
	char text[9100] = GOOD "allow =";
	struct settings *s;

	while (strlen(text) < 4000)
		strcat(text, " 10.0.0.1");
	file_write("a.ini", text, strlen(text));
	s = load();
	assert_int_equal(s->errors.count, 0);
	assert_int_equal(settings_listener(s, NULL)->allow.count,
			 (strlen(text) - strlen(GOOD) - 7) / 9);
	settings_free(s);
	while (strlen(text) < 9000)
		strcat(text, " 10.0.0.1");
	assert_error(text, strlen(text), ":4: the line is longer than");
}

static void includes_are_read_in_order(void **state)
{
	static const char text[] = "[daemon]\ninclude = *.conf none*.x\n";
	const struct listener_conf *conf;
	struct settings *s;

	file_write("2.conf", "[listener two]\nlisten = unix:/2\nservices = echo\n", 48);
	file_write("1.conf", "[listener one]\nlisten = unix:/1\nservices = echo\n", 48);
	file_write("a.ini", text, strlen(text));
	s = load();
	assert_int_equal(s->errors.count, 0);
	assert_int_equal(s->files.count, 3);
	conf = settings_listener(s, NULL);
	assert_string_equal(conf->section.name, "one");
	assert_string_equal(settings_listener(s, conf)->section.name, "two");
	settings_free(s);
}

static void every_include_is_relative_to_the_file(void **state)
{
	assert_good("[daemon]\ninclude = 1.conf 2.conf\n");
}

static void the_directory_goes_away(void **state)
{
	static const char *const names[] = {"a.ini", "1.conf", "2.conf"};
	char path[64];

	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_error_has_its_line),
		cmocka_unit_test(a_nul_byte_is_refused),
		cmocka_unit_test(what_is_no_file_is_refused),
		cmocka_unit_test(a_good_file_gives_its_values),
		cmocka_unit_test(an_indented_key_is_not_swallowed),
		cmocka_unit_test(a_line_of_4000_bytes_is_read_whole),
		cmocka_unit_test(includes_are_read_in_order),
		cmocka_unit_test(every_include_is_relative_to_the_file),
		cmocka_unit_test(the_directory_goes_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
