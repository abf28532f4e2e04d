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

#include "config/include.h"
#include "net/opening.h"
#include "net/listener.h"
#include "server/schema.h"

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
	return settings_load(path, daemon_schema());
}

static void assert_good(const char *text)
{
	struct settings *s;

	file_write("a.ini", text, strlen(text));
	s = load();
	if (s->errors.count > 0)
		print_error("%s\n", s->errors.items[0]);
	assert_int_equal(s->errors.count, 0);
	settings_unref(s);
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
	settings_unref(s);
}

static void every_error_has_its_line(void **state)
{
	static const char *const cases[][2] = {
		{"max_clients = 1\n", ":1: max_clients: stands before the first [section]"},
		{"\n[deamon]\n", ":2: [deamon]: unknown section"},
		{"[]\n", ":1: []: unknown section"},
		{"[listener]\n", ":1: [listener]: has no name; write [listener NAME]"},
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
		{"[listener a]\nlisten = unix:/a tcp:h:1\nservices = echo\nallow_users = root\n",
		 ":4: allow_users: only peers on unix: sockets are known by user; the other "
		 "addresses need allow"},
		{"[listener a]\nlisten = unix:/a tcp:h:1\nservices = echo\nallow_groups = 0\n",
		 ":4: allow_groups: only peers on unix: sockets are known by group; the other "
		 "addresses need allow"},
		{GOOD "allow_groups = 0\nallow = ::1\n",
		 ":4: allow_groups: only peers on unix: sockets are known by group; none of the "
		 "addresses is unix:"},
		{"[listener a]\nlisten = unix:/a\nservices = echo\nallow = ::1\n",
		 ":4: allow: none of the addresses is tcp: or udp:"},
		{"[command check disk]\nexec = /x\n",
		 ":1: [command check disk]: a name has no blanks and no quotes; did you mean "
		 "[command check_disk]?"},
		{"[command 'x']\nexec = /x\n", ":1: [command 'x']: a name has no blanks and no"},
		{"[listner a]\nlisten = x\nservices = echo\n",
		 ":1: [listner a]: unknown section; did you mean [listener NAME]?"},
		{"[service fils]\nroot = /\n",
		 ":1: [service fils]: unknown section; did you mean [service files]?"},
		{"[service echo]\nroot = /\n",
		 ":1: [service echo]: unknown section; there are [daemon], [listener NAME], "},
		{"[daemon x]\n", ":1: [daemon x]: unknown section; did you mean [daemon]?"},
		{"[daemon]\n = x\n", ":2: expected 'key = value'"},
		{"[daemon]\n\"x ; y\" = z\n", ":2: expected 'key = value'"},
		{"[daemon]\nlog_level = info\n  debug\n",
		 ":3: expected 'key = value'; there are no continuation lines"},
		{"[daemon]\nlog_level = \\\n  info\n",
		 ":2: log_level: there are no continuation lines; write all of it in this one"},
		{"[daemon]\nlisten = x\n",
		 ":2: listen: unknown key in [daemon]; it is one of [listener NAME]"},
		{"[command x]\nexec = /x\nargs.y = int 1..2\n",
		 ":3: args.y: unknown key in [command]; did you mean arg.y?"},
		{"[command x]\narg = int 1..2\nexec = /x\n", ":2: arg: is written arg.NAME"},
		{"[command x]\nexec = /x\nenv = A=b\n", ":3: env: is written env.NAME"},
		{"[daemon]\nbacklog = 5 # five\n",
		 ":2: backlog: '5 # five' is not a number; a comment behind a value begins with ;"},
		{"[daemon]\nbacklog = \x1b[31m\n", ":2: the line holds the control character 0x1b"},
		{"[daemon]\nbacklog = 5\r6\n", ":2: the line holds the control character 0x0d"},
		{"[daemon]\nbacklog = 5\x1f;\n", ":2: the line holds the control character 0x1f"},
		{"[daemon]\nlog_socket = log\n",
		 ":2: log_socket: 'log' is not an absolute path of at most 107 bytes"},
		{GOOD "keepalive = 32768s\n", ":4: keepalive: 32768s is out of range 0..32767s"},
		{GOOD "protocol = ruw\n",
		 ":4: protocol: there is no protocol 'ruw'; did you mean raw?"},
		{"[listener a]\nlisten = unix:/a,unix:/b\nservices = echo\n",
		 ":2: listen: 'unix:/a,unix:/b': blanks stand between items"},
		{"[listener a]\nlisten = tcp:h:1,tcp:h:2\nservices = echo\n",
		 ":2: listen: 'tcp:h:1,tcp:h:2': blanks stand between items"},
		{"[listener a]\nlisten = tcp:h:1\nservices = echo,upper\n",
		 ":3: services: there is no service 'echo,upper'; blanks stand between items"},
		{GOOD "allow = ::1,127.0.0.1\n",
		 ":4: allow: '::1,127.0.0.1' is not an address or a network; blanks stand"},
		{"[listener a]\nlisten = ''\nservices = echo\n", ":2: listen: '' does not begin"},
		{GOOD "allow = 10.0.0.1/8\n", ":4: allow: '10.0.0.1/8' has bits"},
		{"[daemon]\n", ": there is no [listener NAME]"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_error(cases[i][0], strlen(cases[i][0]), cases[i][1]);
}

/* What one mistake makes look wrong elsewhere is no other. */
static void one_mistake_is_one_error(void **state)
{
	static const char *const cases[] = {
		GOOD GOOD,
		"[daemon]\nmax_clients = 5\n" GOOD "[daemon]\nmax_clients = 7\n",
		"[listner a]\nlisten = tcp:h:1\nservices = echo\n",
		"[listener a]\nlisten = tcp:h:1\nservice = echo\n",
		"[listener a]\nlisten = tcp:h:1\nservices\n",
		"[listener a]\nlisten = tcp:h:1\nservices =\n",
		"[listener a]\nlisten = tcp:h:1\nservices = echo, upper\n",
		"[listener a]\nlisten = tcp:h:1\nservices = echo \\\n  upper\n",
		"[listener a]\nlisten = tcp:h:1\nservices = echo\n  upper\n",
		"[listener a]\nlisten tcp:h:1\nservices = echo\n",
		"[listener a]\nlisten = tcp:h:1\nservices = \x01\n",
		GOOD "[listener b\x01]\nlisten = unix:/b\nservices = echo\n",
		"[listener a]\nlisten = unix:/a\nprotocl = resp\nservices = upper session\n",
		"[listener a]\nlisten = unix:/a\nprotocol =\nservices = upper session\n",
		"[listener a]\nlisten = unix:/a\nprotocol = rest\nservices = upper session\n",
		"[listener a]\nlisten = udp:h:1\nprotocol = resp\nservices = commands\n"
		"[command x]\nexec = /bin/true\n",
		"[listener a]\nlisten = udp:h:1\nprotocol = resp\nservices = session\n",
		"[listener a]\nlisten = udp:h:1\nservices = time\namplify = maybe\n",
		"[listener a]\nlisten = tcp:h:1\nprotocol = resp\nservices = commands\n"
		"allow = nonsense\n[command x]\nexec = /bin/true\n",
		"[listener a]\nlisten = tcp:h:1 unix:/a\nservices = echo\nallow = x\n"
		"allow_users = root\n",
		"[listener a]\nlisten = tcp:h:1 unix:/a\nservices = echo\nallow_groups = 0\n"
		"allow_users = root\n",
		"[listener a]\nlisten = nonsense\nservices = echo\nallow_users = root\n",
		"[listener a]\nlisten = unix:/a\nprotocol = resp\nservices = files\n"
		"[service fils]\nroot = /tmp\n",
		"[listener a]\nlisten = unix:/a\nprotocol = resp\nservices = chargen\n",
		"[daemon]\nlog_socket = \\\n[listener a]\nlisten = unix:/a\nservices = echo\n",
		"[listener a]\nlisten = unix:/a tcp:h:1\nprotocol = resp\nservices = commands\n"
		"allow_users = root\n[command x]\nexec = /bin/true\n",
		"[listener a]\nlisten = unx:/a\nprotocol = resp\nservices = commands\n"
		"[command x]\nexec = /bin/true\nallow_users = root\n",
		"[listener a]\nlisten = unix:/a\nprotocol = resp\nservices = commands\n"
		"[command x]\nexec = /bin/true\nallow = ::1\nallow_users = ,\n",
		"[listener a]\nlisten = unix:/a\nprotocol = resp\nservices = files\n"
		"[listener b]\nlisten = unix:/b\nprotocol = resp\nservices = files\n",
		"[listener a]\nlisten = unix:/a\nprotocol = resp\nservices = commands\n"
		"[command x]\nexce = /bin/echo {a}\narg.a = int 1..2\n",
		"[listener a]\nlisten = unix:/a\nprotocol = resp\nservices = commands\n"
		"[command x]\nexec = /bin/echo {a}\narg.a int 1..2\n",
		"[listener a]\nlisten = unix:/a\nprotocol = resp\nservices = commands\n"
		"[command x]\nexec = /bin/echo {a}\nargs.a = int 1..2\n",
		"[listener a]\nlisten = unix:/a\nprotocol = resp\nservices = comands\n"
		"[command x]\nexec = /bin/true\n",
		"[listener a]\nlisten = unix:/a\nprotocol = resp\nservices = commands\n"
		"[command x]\nexec = echo $HOME | cat\n",
		"[listener a]\nlisten = unix:/a\nprotocol = resp\nservices = commands\n"
		"[command x]\nexec = /bin/echo {a}\narg.a = path relative\n",
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct settings *s;

		file_write("a.ini", cases[i], strlen(cases[i]));
		s = load();
		if (s->errors.count != 1 || s->warnings.count != 0)
			for (uint32_t n = 0; n < s->errors.count + s->warnings.count; n++)
				print_error("%s\n",
					    n < s->errors.count
						    ? s->errors.items[n]
						    : s->warnings.items[n - s->errors.count]);
		assert_int_equal(s->errors.count, 1);
		assert_int_equal(s->warnings.count, 0);
		settings_unref(s);
	}
}

static void words_of_the_daemon_give_their_constants(void **state)
{
	static const struct {
		const char *line;
		size_t offset;
		int value;
	} cases[] = {
#define FIELD(key) offsetof(struct daemon_conf, key)
		{"when_full = wait", FIELD(when_full), WHEN_WAIT},
		{"when_full = reject", FIELD(when_full), WHEN_REJECT},
		{"log_target = auto", FIELD(log_target), LOG_TARGET_AUTO},
		{"log_target = syslog", FIELD(log_target), LOG_TARGET_SYSLOG},
		{"log_target = stderr", FIELD(log_target), LOG_TARGET_STDERR},
		{"log_level = error", FIELD(log_level), LOG_ERR},
		{"log_level = warning", FIELD(log_level), LOG_WARNING},
		{"log_level = notice", FIELD(log_level), LOG_NOTICE},
		{"log_level = info", FIELD(log_level), LOG_INFO},
		{"log_level = debug", FIELD(log_level), LOG_DEBUG},
		{"log_facility = auth", FIELD(log_facility), LOG_AUTH},
		{"log_facility = authpriv", FIELD(log_facility), LOG_AUTHPRIV},
		{"log_facility = cron", FIELD(log_facility), LOG_CRON},
		{"log_facility = daemon", FIELD(log_facility), LOG_DAEMON},
		{"log_facility = local0", FIELD(log_facility), LOG_LOCAL0},
		{"log_facility = local1", FIELD(log_facility), LOG_LOCAL1},
		{"log_facility = local2", FIELD(log_facility), LOG_LOCAL2},
		{"log_facility = local3", FIELD(log_facility), LOG_LOCAL3},
		{"log_facility = local4", FIELD(log_facility), LOG_LOCAL4},
		{"log_facility = local5", FIELD(log_facility), LOG_LOCAL5},
		{"log_facility = local6", FIELD(log_facility), LOG_LOCAL6},
		{"log_facility = local7", FIELD(log_facility), LOG_LOCAL7},
		{"log_facility = user", FIELD(log_facility), LOG_USER},
#undef FIELD
	};
	char text[128];
	int value;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct settings *s;

		snprintf(text, sizeof(text), "[daemon]\n%s\n" GOOD, cases[i].line);
		file_write("a.ini", text, strlen(text));
		s = load();
		assert_int_equal(s->errors.count, 0);
		memcpy(&value, (const char *)daemon_of(s) + cases[i].offset, sizeof(value));
		assert_int_equal(value, cases[i].value);
		settings_unref(s);
	}
}

static void a_semicolon_between_quotes_begins_no_comment(void **state)
{
	static const char *const cases[][2] = {
		{"'/a ; b'", "/a ; b"},
		{"\"/a ;b;c\" ; x", "/a ;b;c"},
		{"/a'b ; c'", "/a'b"},
		{"/it's ; it's", "/it's"},
		{"/a;b ; c", "/a;b"},
		{"/x 'a ; b ; c", "/x 'a"},
		{"/a\t; 'b ; c'", "/a"},
		{"/a --x=\"b ; c\" ; d", "/a --x=\"b ; c\""},
		{"/a 'b'\"'\"'c ; d' ; e", "/a 'b'\"'\"'c ; d'"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct settings *s;
		char text[256];
		int len = snprintf(text, sizeof(text), "[daemon]\nlog_socket = %s\n" GOOD,
				   cases[i][0]);

		file_write("a.ini", text, (size_t)len);
		s = load();
		assert_int_equal(s->errors.count, 0);
		assert_string_equal(daemon_of(s)->log_socket, cases[i][1]);
		settings_unref(s);
	}
}

static void a_backslash_that_is_escaped_ends_a_value(void **state)
{
	static const char lines[] = "[daemon]\nlog_socket = /a\\ \n/b \\\n/c\nlog_level = x\n";
	struct settings *s;

	assert_good("[daemon]\nlog_socket = /a\\\\\n" GOOD);
	assert_good("[daemon]\nlog_socket = '/a\\'\n" GOOD);
	assert_good("[daemon]\n; a \\\nlog_socket = /a ; b \\\n" GOOD);
	file_write("a.ini", lines, strlen(lines));
	s = load();
	assert_int_equal(s->errors.count, 2);
	assert_non_null(strstr(s->errors.items[0], ":2: log_socket: there are no"));
	assert_non_null(strstr(s->errors.items[1], ":5: log_level: 'x' is not one of"));
	settings_unref(s);
}

static void a_listener_takes_both_lists_for_both_kinds_of_peers(void **state)
{
	assert_good("[listener a]\nlisten = unix:/a tcp:h:1\nservices = echo\nallow = ::1\n"
		    "allow_users = root\nallow_groups = 0\n");
	assert_good("[listener a]\nlisten = unix:/a tcp:h:1\nservices = echo\nallow = ::1\n");
}

static void clients_have_what_descriptors_are_left(void **state)
{
	static const char text[] = "[daemon]\nmax_clients = 1000\n" GOOD;
	struct settings *s;

	file_write("a.ini", text, strlen(text));
	s = load();
	assert_int_equal(daemon_descriptors(s), 1000 + 128 + 1);
	assert_int_equal(daemon_clients(s, 1129), 1000);
	assert_int_equal(daemon_clients(s, RLIM_INFINITY), 1000);
	assert_int_equal(daemon_clients(s, 1128), 1128 - 129);
	assert_int_equal(daemon_clients(s, 258), 129);
	assert_int_equal(daemon_clients(s, 100), 50);
	settings_unref(s);
}

static void callers_in_their_opening_have_descriptors_too(void **state)
{
	static const char text[] = "[daemon]\nmax_clients = 1000\n" GOOD;
	static const struct opening_step step = {.name = "step"};
	struct settings *s;

	file_write("a.ini", text, strlen(text));
	s = load();
	listener_conf_next(s, NULL)->steps[0] = &step;
	assert_int_equal(daemon_descriptors(s), 1000 + 1000 + OPENINGS_SPARE + 128 + 1);
	assert_int_equal(daemon_clients(s, 2193), 1000);
	assert_int_equal(daemon_clients(s, 2192), (2192 - 193) / 2);
	assert_int_equal(daemon_clients(s, 1193), 500);
	assert_int_equal(daemon_clients(s, 200), 50);
	settings_unref(s);
}

static void a_nul_byte_is_refused(void **state)
{
	static const char text[] = "[daemon]\nbacklog = 1\0 2\n";

	assert_error(text, sizeof(text) - 1, ":2: the line holds a NUL byte");
}

static void what_is_no_file_is_refused(void **state)
{
	struct settings *s = settings_load("/tmp", daemon_schema());

	assert_int_equal(s->errors.count, 1);
	assert_string_equal(s->errors.items[0], "/tmp: is not a regular file");
	settings_unref(s);
	s = settings_load("/nonexistent/file", daemon_schema());
	assert_memory_equal(s->errors.items[0], "/nonexistent/file: cannot be read: ", 35);
	settings_unref(s);
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
	assert_int_equal(daemon_of(s)->backlog, 7);
	assert_string_equal(daemon_of(s)->log_socket, "/x");
	settings_unref(s);
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
	assert_int_equal(listener_conf_next(s, NULL)->allow.count,
			 (strlen(text) - strlen(GOOD) - 7) / 9);
	settings_unref(s);
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
	conf = listener_conf_next(s, NULL);
	assert_string_equal(conf->section.name, "one");
	assert_string_equal(listener_conf_next(s, conf)->section.name, "two");
	settings_unref(s);
}

static void every_include_is_relative_to_the_file(void **state)
{
	assert_good("[daemon]\ninclude = 1.conf 2.conf\n");
}

/* The only error is at this line of a.ini, with these words. */
static void assert_only_error(const char *text, const char *line, const char *words)
{
	struct settings *s;

	file_write("a.ini", text, strlen(text));
	s = load();
	assert_int_equal(s->errors.count, 1);
	assert_non_null(strstr(s->errors.items[0], line));
	assert_non_null(strstr(s->errors.items[0], words));
	settings_unref(s);
}

static void a_file_is_read_once(void **state)
{
	char link_path[64];

	assert_only_error("[daemon]\ninclude = a.ini\n" GOOD, "a.ini:2: include: ",
			  "a.ini is this very file; keep what is included in a folder");
	assert_only_error("[daemon]\n\ninclude = 1.conf *.conf\n", "a.ini:3: include: ",
			  "1.conf has been read already; a file is included once");
	snprintf(link_path, sizeof(link_path), "%s/b.ini", dir);
	assert_int_equal(symlink("a.ini", link_path), 0);
	assert_only_error("[daemon]\ninclude = b.ini\n" GOOD,
			  "a.ini:2: include: ", "b.ini is this very file");
	unlink(link_path);
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
		cmocka_unit_test(one_mistake_is_one_error),
		cmocka_unit_test(words_of_the_daemon_give_their_constants),
		cmocka_unit_test(a_semicolon_between_quotes_begins_no_comment),
		cmocka_unit_test(a_backslash_that_is_escaped_ends_a_value),
		cmocka_unit_test(a_listener_takes_both_lists_for_both_kinds_of_peers),
		cmocka_unit_test(clients_have_what_descriptors_are_left),
		cmocka_unit_test(callers_in_their_opening_have_descriptors_too),
		cmocka_unit_test(a_nul_byte_is_refused),
		cmocka_unit_test(what_is_no_file_is_refused),
		cmocka_unit_test(a_good_file_gives_its_values),
		cmocka_unit_test(an_indented_key_is_not_swallowed),
		cmocka_unit_test(a_line_of_4000_bytes_is_read_whole),
		cmocka_unit_test(includes_are_read_in_order),
		cmocka_unit_test(every_include_is_relative_to_the_file),
		cmocka_unit_test(a_file_is_read_once),
		cmocka_unit_test(the_directory_goes_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
