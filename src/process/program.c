/* SPDX-License-Identifier: MIT */
#include "process/program.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define HEAD_MAX 256 /* bytes that execve(2) looks at, BINPRM_BUF_SIZE */

static bool __attribute__((format(printf, 2, 3)))
refused(struct reason *reason, const char *format, ...)
{
	va_list args;

	reason->text[0] = '\0';
	va_start(args, format);
	reason_vadd(reason, format, args);
	va_end(args);
	return true;
}

static bool is_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* Whether the unit has put something empty of proc(5) over the folder that path is in, as systemd
 * does for ProtectHome=. */
static bool is_sandboxed(const char *path)
{
	static const char *const folders[] = {"/home", "/root", "/run/user"};
	struct statfs fs;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (is_below(path, folders[i]) && statfs(folders[i], &fs) == 0 &&
		    fs.f_type == PROC_SUPER_MAGIC)
			return true;
	return false;
}

/* Whether nothing is at path, or it cannot be looked at; else *st. */
static bool is_hidden(const char *path, struct stat *st, struct reason *reason)
{
	if (is_sandboxed(path))
		return refused(reason,
			       "%.140s is hidden by the unit (ProtectHome=); the drop-in "
			       "see-disks.conf shows it",
			       path);
	if (stat(path, st) == 0)
		return false;
	if (errno == ENOENT)
		return refused(reason, "%.200s is not there", path);
	return refused(reason, "%.160s: %s", path, strerror(errno));
}

static bool may_execute(const char *path)
{
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0;
}

/* ---- scripts ---- */

/* Read the first bytes of a file to head[HEAD_MAX], with a NUL. Returns how many; 0 also where the
 * file may not be read, which does not keep it from being executed. */
static size_t head_read(const char *path, char *head)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t len = fd >= 0 ? read(fd, head, HEAD_MAX - 1) : 0;

	if (fd >= 0)
		close(fd);
	head[len > 0 ? len : 0] = '\0';
	return len > 0 ? (size_t)len : 0;
}

/* Whether a file is a text that names no interpreter, or one that is not there. A file of any other
 * format is not refused: the system may learn the format, binfmt_misc. */
static bool script_is_refused(const char *path, struct reason *reason)
{
	char head[HEAD_MAX], *interpreter;
	size_t len = head_read(path, head);

	if (len == 0 || memchr(head, '\0', len) != NULL)
		return false;
	interpreter = head + 2 + strspn(head + 2, " \t");
	if (strncmp(head, "#!", 2) != 0 || interpreter[0] == '\n' || interpreter[0] == '\0')
		return refused(reason, "%.160s is a text whose first line is not #!INTERPRETER",
			       path);
	interpreter[strcspn(interpreter, " \t\n")] = '\0';
	if (may_execute(interpreter))
		return false;
	if (errno == ENOENT && strchr(interpreter, '\r') != NULL)
		return refused(reason, "the lines of %.160s end in CR LF", path);
	if (errno == ENOENT)
		return refused(reason, "its interpreter %.160s is missing", interpreter);
	return refused(reason, "its interpreter %.160s: %s", interpreter, strerror(errno));
}

/* ---- files and folders ---- */

bool program_is_refused(const char *path, struct reason *reason)
{
	struct statvfs fs;
	struct stat st;

	if (is_hidden(path, &st, reason))
		return true;
	if (S_ISDIR(st.st_mode))
		return refused(reason, "%.200s is a folder", path);
	if (!S_ISREG(st.st_mode))
		return refused(reason, "%.200s is not a regular file", path);
	if (st.st_size == 0)
		return refused(reason, "%.200s is empty", path);
	if ((st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0)
		return refused(reason, "%.200s is not executable", path);
	if (statvfs(path, &fs) == 0 && (fs.f_flag & ST_NOEXEC))
		return refused(reason, "%.160s is on a file system mounted with noexec", path);
	if (!may_execute(path))
		return refused(reason, "%.160s may not be executed by user %u", path, geteuid());
	return script_is_refused(path, reason);
}

bool folder_is_refused(const char *path, struct reason *reason)
{
	struct stat st;

	if (is_hidden(path, &st, reason))
		return true;
	if (!S_ISDIR(st.st_mode))
		return refused(reason, "%.200s is not a folder", path);
	if (!may_execute(path))
		return refused(reason, "%.160s may not be entered by user %u", path, geteuid());
	return false;
}

void program_explain(const char *path, int error, struct reason *reason)
{
	bool is_of_the_file = error == ENOENT || error == EACCES || error == ENOEXEC;

	if (is_of_the_file && program_is_refused(path, reason))
		return;
	if (error == ENOENT)
		refused(reason, "the loader that %.160s names is missing", path);
	else if (error == ENOEXEC)
		refused(reason, "%.160s is no program for this machine", path);
	else if (error == E2BIG)
		refused(reason, "its arguments and environment are longer than the system takes");
	else if (error == EPERM)
		refused(reason, "%.160s needs capabilities that are kept from it", path);
	else
		refused(reason, "%.160s: %s", path, strerror(error));
}

/* ---- privileges ---- */

/* The permitted capabilities that a file gives, as a set of bits; struct vfs_ns_cap_data of the
 * kernel. */
static uint64_t file_capabilities(const char *path)
{
	struct vfs_ns_cap_data data = {0};

	if (getxattr(path, "security.capability", &data, sizeof(data)) < (ssize_t)XATTR_CAPS_SZ_2)
		return 0;
	return le32toh(data.data[0].permitted) | (uint64_t)le32toh(data.data[1].permitted) << 32;
}

static uint64_t own_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	syscall(SYS_capget, &header, data);
	return data[0].permitted | (uint64_t)data[1].permitted << 32;
}

static uint64_t bounding_set(void)
{
	uint64_t set = 0;

	for (unsigned long cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			set |= UINT64_C(1) << cap;
	return set;
}

enum program_privilege program_privilege(const char *path)
{
	bool held = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, user, group;
	struct stat st;

	if (stat(path, &st) < 0)
		return PROGRAM_PLAIN;
	user = (st.st_mode & S_ISUID) && st.st_uid != geteuid();
	group = (st.st_mode & S_ISGID) && (st.st_mode & S_IXGRP) && st.st_gid != getegid();
	if (held && (user || group))
		return PROGRAM_SET_ID_HELD;
	if (file_capabilities(path) & ~(held ? own_capabilities() : bounding_set()))
		return PROGRAM_CAPS_HELD;
	return user ? PROGRAM_SET_USER_ID : PROGRAM_PLAIN;
}

/* Sets the nice value that this process has already: nothing changes, and a filter of system calls
 * cannot tell that it does not. */
bool program_may_be_nice(void)
{
	return setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0)) == 0;
}
