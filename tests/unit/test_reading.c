/* SPDX-License-Identifier: MIT */
/* The child of a reading is this program; the name of the configuration says what it does. */
#include "fixture.h"

#include <signal.h>
#include <stdlib.h>

#include "net/names.h"
#include "server/reading.h"

#define TIMEOUT_MS 300

static struct reading reading;
static struct settings *settings; /* of the last one */
static char why[REASON_MAX], dir[32], ini[64];
static bool done;

static void reading_done(struct reading *r, struct settings *of_it, const char *reason)
{
	settings = of_it;
	strcpy(why, reason);
	done = true;
}

static int open_all(void **state)
{
	fixture_open(state);
	assert_int_equal(jobs_init(&loop), 0);
	assert_non_null(mkdtemp(strcpy(dir, "/tmp/reading.XXXXXX")));
	snprintf(ini, sizeof(ini), "%s/ini", dir);
	settings = NULL;
	return 0;
}

static int close_all(void **state)
{
	settings_unref(settings);
	jobs_kill();
	names_forget();
	unlink(ini);
	rmdir(dir);
	return fixture_close(state);
}

static void ini_write(const char *text)
{
	FILE *file = fopen(ini, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void begin(const char *path, int64_t timeout_ms)
{
	done = false;
	reading_init(&reading, path, timeout_ms, reading_done);
	assert_int_equal(reading_start(&reading), 0);
}

/* Its settings, or NULL and the reason in why[]. */
static void read_all(const char *path)
{
	begin(path, GUARD_MS);
	turn_until(done);
}

static void it_is_what_the_files_say(void **state)
{
	const struct listener_conf *conf;

	ini_write("[daemon]\nbacklog = 7\n[listener a]\nlisten = unix:/s\nservices = echo\n"
		  "allow_users = root 1234\n"
		  "[listener b]\nlisten = tcp:localhost:2\nservices = echo");
	read_all(ini);
	assert_non_null(settings);
	assert_int_equal(settings->errors.count, 0);
	assert_int_equal(daemon_of(settings)->backlog, 7);
	conf = listener_conf_next(settings, NULL);
	assert_int_equal(conf->allow_users.count, 2);
	assert_int_equal(conf->allow_users.ids[0], 0);
	assert_int_equal(conf->allow_users.ids[1], 1234);
	conf = listener_conf_next(settings, conf);
	assert_string_equal(conf->section.name, "b");
	assert_int_equal(conf->section.line, 7);
}

static void the_text_of_a_file_comes_in_pieces_of_whole_lines(void **state)
{
	static char text[300000];
	size_t len = 0;

	for (int i = 0; i < 2000; i++)
		len += (size_t)snprintf(
			text + len, sizeof(text) - len,
			"[listener l%d]\nlisten = unix:/%d ; %0*d\nservices = echo\n", i, i,
			i % 97 + 1, 0);
	assert_true(len < sizeof(text) - 1);
	ini_write(text);
	read_all(ini);
	assert_non_null(settings);
	if (settings->errors.count > 0)
		fail_msg("%s", settings->errors.items[0]);
	len = 0;
	for (const struct listener_conf *conf = listener_conf_next(settings, NULL); conf != NULL;
	     conf = listener_conf_next(settings, conf))
		len++;
	assert_int_equal(len, 2000);
}

static void mistakes_are_those_of_the_child(void **state)
{
	ini_write("[daemon]\nbacklog = 0\n");
	read_all(ini);
	assert_non_null(settings);
	assert_int_equal(settings->errors.count, 1);
	assert_non_null(strstr(settings->errors.items[0], ":2: backlog: 0 is out of range"));
	settings_unref(settings);
	read_all("/nonexistent/file");
	assert_string_equal(settings->errors.items[0],
			    "/nonexistent/file: cannot be read: No such file or directory");
}

#define PROGRAM_MISSING                                                          \
	"[listener a]\nlisten = unix:/s\nprotocol = resp\nservices = commands\n" \
	"[command x]\nexec = /none/such\n"

static void what_a_section_warns_of_is_looked_at_by_the_child_alone(void **state)
{
	ini_write(PROGRAM_MISSING);
	read_all(ini);
	assert_non_null(settings);
	assert_int_equal(settings->errors.count, 0);
	assert_int_equal(settings->warnings.count, 1);
	assert_non_null(
		strstr(settings->warnings.items[0], ":6: exec: warning: /none/such is not there"));
	settings_unref(settings);
	read_all("unwarned");
	assert_non_null(settings);
	assert_int_equal(settings->errors.count, 0);
	assert_int_equal(settings->warnings.count, 0);
}

/* Those that need no look at the system are the daemon's own. */
static void what_does_not_go_together_is_warned_of_once(void **state)
{
	ini_write("[listener a]\nlisten = unix:/s\nprotocol = resp\nservices = commands\n");
	read_all(ini);
	assert_non_null(settings);
	assert_int_equal(settings->warnings.count, 1);
	assert_non_null(strstr(settings->warnings.items[0], "has nothing to offer"));
}

static void what_takes_too_long_is_given_up(void **state)
{
	begin("hang", TIMEOUT_MS);
	turn_until(done);
	assert_null(settings);
	assert_non_null(strstr(why, "it takes longer than"));
	assert_false(reading.running);
}

static void what_is_stopped_is_not_heard_of(void **state)
{
	begin("hang", GUARD_MS);
	reading_stop(&reading);
	turn_until(!reading.running);
	assert_false(done);
}

static void a_child_that_fails_gives_a_reason(void **state)
{
	static const char *const cases[][2] = {
		{"crash", "who read it was ended by signal 9 (Killed)"},
		{"unnamed", "who read it was ended by signal 40 (Real-time signal 6)"},
		{"status", "who read it gave up with status 3"},
		{"nothing", "Protocol error"},
		{"nonsense", "Protocol error"},
		{"part", "Protocol error"},
		{"flood", "File too large"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		read_all(cases[i][0]);
		assert_null(settings);
		assert_string_equal(why, cases[i][1]);
		assert_int_equal(watches_count(&loop.watches), 0);
	}
}

/* In the child. */
static int say(const char *path)
{
	if (strcmp(path, "hang") == 0)
		pause();
	if (strcmp(path, "crash") == 0)
		kill(getpid(), SIGKILL);
	if (strcmp(path, "unnamed") == 0)
		kill(getpid(), 40);
	if (strcmp(path, "status") == 0)
		return 3;
	if (strcmp(path, "nonsense") == 0)
		printf("*2\r\n$5\r\nwhat?\r\n$0\r\n\r\n");
	if (strcmp(path, "unwarned") == 0)
		printf("*2\r\n$4\r\nfile\r\n$1\r\nx\r\n*2\r\n$4\r\ntext\r\n$%zu\r\n%s\r\n",
		       strlen(PROGRAM_MISSING), PROGRAM_MISSING);
	if (strcmp(path, "part") == 0)
		printf("*2\r\n$4\r\nfile\r\n$100\r\n/");
	for (int i = 0; i < 1000000 && strcmp(path, "flood") == 0; i++)
		printf("*4\r\n$4\r\nuser\r\n$1\r\na\r\n$1\r\nb\r\n$0\r\n\r\n");
	return path[0] == '/' ? reading_write(path, STDOUT_FILENO) : 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_what_the_files_say),
		TEST(the_text_of_a_file_comes_in_pieces_of_whole_lines),
		TEST(mistakes_are_those_of_the_child),
		TEST(what_a_section_warns_of_is_looked_at_by_the_child_alone),
		TEST(what_does_not_go_together_is_warned_of_once),
		TEST(what_takes_too_long_is_given_up),
		TEST(what_is_stopped_is_not_heard_of),
		TEST(a_child_that_fails_gives_a_reason),
	};

	return argc == 4 ? say(argv[3]) : cmocka_run_group_tests(tests, NULL, NULL);
}
