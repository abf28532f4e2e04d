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

#include "client/address.h"

static char dir[64], path[96];
static struct addr_spec spec;
static struct reason reason;

static int directory_open(void **state)
{
	assert_non_null(mkdtemp(strcpy(dir, "/tmp/test_address.XXXXXX")));
	snprintf(path, sizeof(path), "%s/pollcat", dir);
	assert_int_equal(setenv("XDG_CONFIG_HOME", dir, 1), 0);
	assert_int_equal(setenv("HOME", "/nonexistent", 1), 0);
	return 0;
}

static int directory_close(void **state)
{
	unlink(path);
	rmdir(path);
	return rmdir(dir);
}

static void file_write(const char *text, size_t len)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	fclose(file);
}

/* What text means, or the reason why not, with DIR for where the file is. */
static const char *meaning(const char *text)
{
	static char told[REASON_MAX];
	char *found;

	memset(&spec, 0, sizeof(spec));
	memset(reason.text, 'x', REASON_MAX);
	if (address_parse(&spec, text, &reason) == 0)
		return spec.text;
	assert_non_null(memchr(reason.text, '\0', REASON_MAX));
	found = strstr(reason.text, dir);
	if (found == NULL)
		return reason.text;
	snprintf(told, sizeof(told), "%.*sDIR%s", (int)(found - reason.text), reason.text,
		 found + strlen(dir));
	return told;
}

static void an_address_needs_no_file(void **state)
{
	static const char *const rows[][2] = {
		{"host:1", "tcp:host:1"},
		{"host:0", "tcp:host:0"},
		{"tcp:host:1", "tcp:host:1"},
		{"udp:host:1", "udp:host:1"},
		{"unix:/a:b", "unix:/a:b"},
		{"[::1]:1", "tcp:[::1]:1"},
		{"tcp:1", "'1' has no port; write HOST:PORT"}, /* "tcp" is no host */
		{":", "':' has no port; write HOST:PORT"},
		{"host:65536", "port '65536' is not a number from 0 to 65535"},
		{"a:b:1:x", "port 'x' is not a number from 0 to 65535"},
		{"unix:", "'' is not an absolute path of at most 107 bytes"},
		{"TCP:host:1", "an IPv6 address goes in brackets: [TCP:host]:1"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(meaning(rows[i][0]), rows[i][1]);
}

/* Of which "tcp:" is a part, whether it is written or not. */
static void an_address_has_so_many_bytes(void **state)
{
	char text[2 * ADDR_TEXT_MAX];

	for (size_t len = 250; len < sizeof(text); len++) {
		memset(text, 'h', len);
		memcpy(text + len - 2, ":1", 3);
		if (len <= 257) { /* 255 of the host */
			assert_int_equal(address_parse(&spec, text, &reason), 0);
			assert_memory_equal(spec.text, "tcp:", 4);
			assert_string_equal(spec.text + 4, text);
		} else {
			assert_int_equal(address_parse(&spec, text, &reason), -1);
		}
	}
}

static const char mine[] =
	"\xEF\xBB\xBF; mine\n[a]\naddress = a:1 ; first\n\n[b.c-d]\r\n"
	"  address: udp:b:2\r\n[e]\n address=unix:/e f\n[none]\n[z]\naddress=z:0";

static void a_name_stands_for_the_address_of_its_section(void **state)
{
	static const char none[] =
		"' is no address, write HOST:PORT or unix:PATH; nor is it a name in DIR/pollcat";
	static const char *const unknown[] = {"", "A", "aa", "none", "b.c", "; mine"};

	file_write(mine, strlen(mine));
	assert_string_equal(meaning("a"), "tcp:a:1");
	assert_string_equal(meaning("b.c-d"), "udp:b:2");
	assert_string_equal(meaning("e"), "unix:/e f");
	assert_string_equal(meaning("z"), "tcp:z:0"); /* the last line may lack its newline */
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		const char *told = meaning(unknown[i]);

		assert_memory_equal(told + 1, unknown[i], strlen(unknown[i]));
		assert_string_equal(told + 1 + strlen(unknown[i]), none);
	}
}

/* ---- mistakes ---- */

static char handed[512];

static void hand(void *arg, const char *name, const char *address)
{
	assert_ptr_equal(arg, &spec);
	assert_true(strlen(handed) + strlen(name) + strlen(address) + 3 < sizeof(handed));
	strcat(strcat(strcat(strcat(handed, name), "="), address), " ");
}

static const char *all_names(void)
{
	handed[0] = '\0';
	address_each(hand, &spec);
	return handed;
}

/* What is wrong with a file, of which '0' is a NUL, and the names up to there. */
static void a_file_with_a_mistake_is_told_with_its_line(void **state)
{
	static const char *const rows[][3] = {
		{"address = x:1\n", "1: stands before the first [NAME]", ""},
		{"[a]\naddress = x:1\nadress = x:2\n", "3: adress: unknown key; there is: address",
		 "a=x:1 "},
		{"[b]\naddress = x:1\n[a]\nwhat\n[c]\naddress = x:2\n",
		 "4: expected [NAME] or address = ADDRESS", NULL},
		{"[a]\naddress = x:1\n[a]\naddress = x:2\n", "4: [a]: given again", NULL},
		{"[b]\naddress = x\n[c]\naddress = y\n",
		 "2: address: 'x' has no port; write HOST:PORT", ""},
		{"[b c]\naddress = x:1\n", "2: [b c]: a name has no ':' and no blank", ""},
		{"[b:c]\naddress = x:1\n", "2: [b:c]: a name has no ':' and no blank", ""},
		{"[get]\naddress = x:1\n", "2: [get]: that is the name of a subcommand", ""},
		{"[ping]\naddress = x:1\n", "2: [ping]: that is the name of a subcommand", ""},
		{"[b]\naddress = x:10\n[c]\naddress = x:1\n", "2: the line holds a NUL byte", ""},
		{"[b]\naddress = x:10y", "2: the line holds a NUL byte", ""},
		{"[b]\naddress = x:1\n0", "3: the line holds a NUL byte", "b=x:1 "},
		{"0", "1: the line holds a NUL byte", ""},
	};
	char expected[REASON_MAX], text[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strlen(rows[i][0]);

		memcpy(text, rows[i][0], len + 1);
		if (strchr(text, '0') != NULL)
			*strchr(text, '0') = '\0';
		file_write(text, len);
		snprintf(expected, sizeof(expected), "DIR/pollcat:%s", rows[i][1]);
		assert_string_equal(meaning("a"), expected);
		if (rows[i][2] != NULL)
			assert_string_equal(all_names(), rows[i][2]);
	}
}

static void a_name_and_a_line_have_so_many_bytes(void **state)
{
	char name[64], text[512];

	for (int len = 47; len <= 50; len++) {
		memset(name, 'n', sizeof(name));
		name[len] = '\0';
		snprintf(text, sizeof(text), "[%s]\naddress = x:1\n", name);
		file_write(text, strlen(text));
		assert_string_equal(meaning(name), len <= 48 ? "tcp:x:1"
							     : "DIR/pollcat:1: a name has at most "
							       "48 bytes");
	}
	for (int len = 197; len <= 201; len++) {
		snprintf(text, sizeof(text), "[a]\naddress = x:1 ;%*s\n", len - 15, "");
		file_write(text, strlen(text));
		assert_string_equal(meaning("a"), len <= 198 ? "tcp:x:1"
							     : "DIR/pollcat:2: the line is longer "
							       "than 198 bytes");
	}
}

static void where_there_is_no_file_the_reason_says_so(void **state)
{
	assert_string_equal(strstr(meaning("a"), "nor"),
			    "nor is it a name in DIR/pollcat (No such file or directory)");
	assert_string_equal(all_names(), "");
	assert_int_equal(mkdir(path, 0700), 0);
	assert_string_equal(meaning("a"), "DIR/pollcat: Is a directory");
	assert_string_equal(all_names(), "");
}

/* XDG_CONFIG_HOME, HOME, and the end of the reason. */
static void the_environment_says_where_the_file_is(void **state)
{
	static const char *const rows[][3] = {
		{"/x", "/y", "in /x/pollcat (No such file or directory)"},
		{"x", "/y", "in /y/.config/pollcat (No such file or directory)"},
		{"", "/y", "in /y/.config/pollcat (No such file or directory)"},
		{NULL, "/y", "in /y/.config/pollcat (No such file or directory)"},
		{NULL, "y", "in ~/.config/pollcat (HOME is not set)"},
		{NULL, NULL, "in ~/.config/pollcat (HOME is not set)"},
	};
	char longest[600] = "/", *at;

	memset(longest + 1, 'x', sizeof(longest) - 2);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsetenv("XDG_CONFIG_HOME");
		unsetenv("HOME");
		if (rows[i][0] != NULL)
			setenv("XDG_CONFIG_HOME", rows[i][0], 1);
		if (rows[i][1] != NULL)
			setenv("HOME", rows[i][1], 1);
		at = strstr(meaning("a"), "in ");
		assert_non_null(at);
		assert_string_equal(at, rows[i][2]);
	}
	setenv("XDG_CONFIG_HOME", longest, 1);
	assert_non_null(strstr(meaning("a"), "in ~/.config/pollcat"));
	assert_string_equal(all_names(), "");
}

/* ---- all names, and hosts ---- */

static void all_names_are_handed_on_in_their_order(void **state)
{
	file_write(mine, strlen(mine));
	assert_string_equal(all_names(), "a=a:1 b.c-d=udp:b:2 e=unix:/e f z=z:0 ");
	file_write("", 0);
	assert_string_equal(all_names(), "");
}

static void a_host_is_that_of_an_address_or_the_text_itself(void **state)
{
	static const struct {
		const char *text, *host;
		size_t size; /* that is needed, with the NUL */
	} rows[] = {
		{"host", "host", 5},
		{"tcp:h:1", "h", 2},
		{"udp:h:1", "h", 2},
		{"h:1", "h", 2},
		{"[::1]:1", "::1", 4},
		{"::1", "::1", 4},
		{"fe80::1%eth0", "fe80::1%eth0", 13},
		{"a", "a", 2},
		{"b.c-d", "b", 2},
		{"192.0.2.1", "192.0.2.1", 10},
		{"", "", 1},
	};
	static const char *const refused[][2] = {
		{"unix:/x", "unix:/x: a UNIX socket has no host to ping"},
		{"e", "unix:/e f: a UNIX socket has no host to ping"},
		{"h:x", "port 'x' is not a number from 0 to 65535"},
	};
	char host[64];

	file_write(mine, strlen(mine));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(address_host(rows[i].text, host, rows[i].size, &reason), 0);
		assert_string_equal(host, rows[i].host);
		assert_int_equal(address_host(rows[i].text, host, rows[i].size - 1, &reason), -1);
		assert_string_equal(reason.text, "the host is too long");
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(address_host(refused[i][0], host, sizeof(host), &reason), -1);
		assert_string_equal(reason.text, refused[i][1]);
	}
	file_write("what\n", 5);
	assert_int_equal(address_host("host", host, sizeof(host), &reason), -1);
	unlink(path);
	assert_int_equal(address_host("host", host, sizeof(host), &reason), 0);
}

#define ADDRESS_TEST(name) cmocka_unit_test_setup_teardown(name, directory_open, directory_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ADDRESS_TEST(an_address_needs_no_file),
		ADDRESS_TEST(an_address_has_so_many_bytes),
		ADDRESS_TEST(a_name_stands_for_the_address_of_its_section),
		ADDRESS_TEST(a_file_with_a_mistake_is_told_with_its_line),
		ADDRESS_TEST(a_name_and_a_line_have_so_many_bytes),
		ADDRESS_TEST(where_there_is_no_file_the_reason_says_so),
		ADDRESS_TEST(the_environment_says_where_the_file_is),
		ADDRESS_TEST(all_names_are_handed_on_in_their_order),
		ADDRESS_TEST(a_host_is_that_of_an_address_or_the_text_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
