/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "process/program.h"

#define PROGRAM_TEST(name) cmocka_unit_test_setup_teardown(name, folder_open, folder_close)
#define NOBODY 65534

static char folder[] = "/tmp/test_program.XXXXXX";
static char path[64];
static struct reason reason;

static int folder_open(void **state)
{
	strcpy(folder + strlen(folder) - 6, "XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chmod(folder, 0755), 0);
	snprintf(path, sizeof(path), "%s/it", folder);
	return 0;
}

static int folder_close(void **state)
{
	if (unlink(path) < 0)
		rmdir(path);
	return rmdir(folder);
}

static void file_make(const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* The reason without the path that it begins with. */
static const char *rest(void)
{
	size_t len = strlen(path);

	return strncmp(reason.text, path, len) == 0 ? reason.text + len : reason.text;
}

static void assert_refused(const char *why)
{
	assert_true(program_is_refused(path, &reason));
	assert_string_equal(rest(), why);
}

/* Run check as another process, which may change what it is. */
static void in_child(void (*check)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		check();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define CHECK(condition)                                             \
	do {                                                         \
		if (!(condition)) {                                  \
			fprintf(stderr, "not so: %s\n", #condition); \
			_exit(1);                                    \
		}                                                    \
	} while (0)

static void root_is_needed(void)
{
	if (geteuid() != 0)
		skip();
}

/* ---- whether it can be executed ---- */

static void a_program_and_a_script_are_not_refused(void **state)
{
	assert_false(program_is_refused("/bin/true", &reason));
	file_make("#! /bin/sh -e\nexit 0\n", 0755);
	assert_false(program_is_refused(path, &reason));
}

static void what_is_not_there_is_refused(void **state)
{
	assert_refused(" is not there");
}

static void what_is_no_regular_file_is_refused(void **state)
{
	assert_int_equal(mkdir(path, 0755), 0);
	assert_refused(" is a folder");
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0755), 0);
	assert_refused(" is not a regular file");
}

static void what_is_empty_is_refused(void **state)
{
	file_make("", 0755);
	assert_refused(" is empty");
}

static void what_is_not_executable_is_refused(void **state)
{
	file_make("#!/bin/sh\n", 0644);
	assert_refused(" is not executable");
}

static void as_nobody(void)
{
	CHECK(setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
	CHECK(program_is_refused(path, &reason));
	CHECK(strstr(reason.text, " may not be executed by user 65534") != NULL);
	CHECK(folder_is_refused(folder, &reason) == false);
	CHECK(chdir(folder) == 0);
}

static void what_others_may_execute_is_refused(void **state)
{
	root_is_needed();
	file_make("#!/bin/sh\n", 0700);
	assert_false(program_is_refused(path, &reason));
	in_child(as_nobody);
}

static void a_script_whose_interpreter_is_missing_is_refused(void **state)
{
	file_make("#! \t/none/such -x\nexit 0\n", 0755);
	assert_refused("its interpreter /none/such is missing");
}

static void a_script_of_another_system_is_refused(void **state)
{
	char why[96];

	file_make("#!/bin/sh\r\nexit 0\r\n", 0755);
	snprintf(why, sizeof(why), "the lines of %s end in CR LF", path);
	assert_refused(why);
}

static void a_script_whose_interpreter_is_not_executable_is_refused(void **state)
{
	file_make("#!/etc/passwd", 0755);
	assert_refused("its interpreter /etc/passwd: Permission denied");
}

static void a_text_without_an_interpreter_is_refused(void **state)
{
	static const char *const texts[] = {"exit 0\n", "#!\nexit 0\n", "#! \t", "#",
					    "# !/bin/sh\n"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		file_make(texts[i], 0755);
		assert_refused(" is a text whose first line is not #!INTERPRETER");
		unlink(path);
	}
}

static void a_first_line_of_any_length_is_looked_at(void **state)
{
	char text[1000];

	memset(text, 'x', sizeof(text));
	memcpy(text, "#!/", 3);
	text[sizeof(text) - 1] = '\0';
	file_make(text, 0755);
	assert_true(program_is_refused(path, &reason));
	assert_non_null(strstr(reason.text, "its interpreter /xxx"));
}

static void a_folder_is_refused_where_nobody_can_go(void **state)
{
	assert_false(folder_is_refused(folder, &reason));
	assert_true(folder_is_refused(path, &reason));
	assert_non_null(strstr(reason.text, "/it is not there"));
	file_make("", 0755);
	assert_true(folder_is_refused(path, &reason));
	assert_non_null(strstr(reason.text, "/it is not a folder"));
	strcat(path, "/below");
	assert_true(folder_is_refused(path, &reason));
	assert_non_null(strstr(reason.text, "/it/below: Not a directory"));
	path[strlen(path) - strlen("/below")] = '\0';
}

/* ---- why it was not executed ---- */

static const char *explained(int error)
{
	program_explain(path, error, &reason);
	return rest();
}

static void an_error_of_the_file_is_told_by_what_the_file_is(void **state)
{
	assert_string_equal(explained(ENOENT), " is not there");
	file_make("#!/none/such\n", 0755);
	assert_string_equal(explained(ENOENT), "its interpreter /none/such is missing");
	unlink(path);
	file_make("exit 0\n", 0755);
	assert_string_equal(explained(ENOEXEC), " is a text whose first line is not #!INTERPRETER");
	assert_string_equal(explained(ETXTBSY), ": Text file busy");
	chmod(path, 0644);
	assert_string_equal(explained(EACCES), " is not executable");
}

static void an_error_that_the_file_does_not_show_is_told_too(void **state)
{
	file_make("#!/bin/sh\n", 0755);
	assert_non_null(strstr(explained(ENOENT), "the loader that "));
	assert_string_equal(explained(ENOEXEC), " is no program for this machine");
	assert_string_equal(explained(EACCES), ": Permission denied");
	assert_string_equal(explained(EPERM), " needs capabilities that are kept from it");
	assert_string_equal(explained(E2BIG),
			    "its arguments and environment are longer than the system takes");
	assert_string_equal(explained(EAGAIN), ": Resource temporarily unavailable");
}

/* ---- with which privileges ---- */

static void without_new_privileges(void)
{
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(program_privilege(path) == PROGRAM_SET_ID_HELD);
	CHECK(program_privilege("/bin/true") == PROGRAM_PLAIN);
}

static void a_set_id_program_is_known(void **state)
{
	root_is_needed();
	file_make("", 0755);
	assert_int_equal(chown(path, NOBODY, NOBODY), 0);
	assert_int_equal(program_privilege(path), PROGRAM_PLAIN);
	assert_int_equal(chmod(path, 04755), 0);
	assert_int_equal(program_privilege(path), PROGRAM_SET_USER_ID);
	in_child(without_new_privileges);
	assert_int_equal(chmod(path, 02755), 0);
	assert_int_equal(program_privilege(path), PROGRAM_PLAIN);
	in_child(without_new_privileges);
	assert_int_equal(chown(path, 0, 0), 0);
	assert_int_equal(chmod(path, 06755), 0);
	assert_int_equal(program_privilege(path), PROGRAM_PLAIN);
	assert_int_equal(program_privilege("/none/such"), PROGRAM_PLAIN);
}

static void held_capabilities(void)
{
	CHECK(program_privilege(path) == PROGRAM_PLAIN);
	CHECK(prctl(PR_CAPBSET_DROP, CAP_NET_RAW, 0, 0, 0) == 0);
	CHECK(program_privilege(path) == PROGRAM_CAPS_HELD);
}

static void capabilities_without_new_privileges(void)
{
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(program_privilege(path) == PROGRAM_PLAIN); /* root has them all */
	CHECK(setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
	CHECK(program_privilege(path) == PROGRAM_CAPS_HELD);
}

static void a_program_whose_capabilities_are_kept_from_it_is_known(void **state)
{
	struct vfs_cap_data data = {.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE};

	root_is_needed();
	file_make("", 0755);
	data.data[0].permitted = 1U << CAP_NET_RAW;
	if (setxattr(path, "security.capability", &data, sizeof(data), 0) < 0)
		skip();
	in_child(held_capabilities);
	in_child(capabilities_without_new_privileges);
}

static void nice_is_filtered(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_setpriority, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = {.len = sizeof(code) / sizeof(code[0]), .filter = code};

	CHECK(program_may_be_nice());
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0);
	CHECK(!program_may_be_nice());
}

static void a_filter_that_hides_setpriority_is_known(void **state)
{
	in_child(nice_is_filtered);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PROGRAM_TEST(a_program_and_a_script_are_not_refused),
		PROGRAM_TEST(what_is_not_there_is_refused),
		PROGRAM_TEST(what_is_no_regular_file_is_refused),
		PROGRAM_TEST(what_is_empty_is_refused),
		PROGRAM_TEST(what_is_not_executable_is_refused),
		PROGRAM_TEST(what_others_may_execute_is_refused),
		PROGRAM_TEST(a_script_whose_interpreter_is_missing_is_refused),
		PROGRAM_TEST(a_script_of_another_system_is_refused),
		PROGRAM_TEST(a_script_whose_interpreter_is_not_executable_is_refused),
		PROGRAM_TEST(a_text_without_an_interpreter_is_refused),
		PROGRAM_TEST(a_first_line_of_any_length_is_looked_at),
		PROGRAM_TEST(a_folder_is_refused_where_nobody_can_go),
		PROGRAM_TEST(an_error_of_the_file_is_told_by_what_the_file_is),
		PROGRAM_TEST(an_error_that_the_file_does_not_show_is_told_too),
		PROGRAM_TEST(a_set_id_program_is_known),
		PROGRAM_TEST(a_program_whose_capabilities_are_kept_from_it_is_known),
		PROGRAM_TEST(a_filter_that_hides_setpriority_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
