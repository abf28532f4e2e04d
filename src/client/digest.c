/* SPDX-License-Identifier: MIT */
#include "client/digest.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

bool digest_is_one(const char *hex)
{
	return strlen(hex) == DIGEST_LEN && strspn(hex, "0123456789abcdefABCDEF") == DIGEST_LEN;
}

/* Start sha256sum(1) with the file as its standard input, so that the name of the file is not part
 * of the output. Returns 0, or an errno. */
static int spawn(pid_t *child, const char *path, int output)
{
	char name[] = "sha256sum", *argv[] = {name, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t defaults;
	int error;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, path, O_RDONLY, 0);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawnp(child, name, &actions, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

/* Who started this program may have had SIGCHLD ignored: the child would reap itself, and how it
 * ended would be lost. */
int digest_start(struct digest *d, const char *path)
{
	int fds[2], error;

	signal(SIGCHLD, SIG_DFL);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	error = spawn(&d->child, path, fds[1]);
	close(fds[1]);
	d->fd = fds[0];
	if (error == 0)
		return 0;
	close(fds[0]);
	errno = error;
	return -1;
}

/* Read up to the end, at most size bytes. Returns how many came. */
static size_t read_all(int fd, char *text, size_t size)
{
	size_t have = 0;
	ssize_t len;

	while (have < size) {
		len = read(fd, text + have, size - have);
		if (len < 0 && errno == EINTR)
			continue;
		if (len <= 0)
			break;
		have += (size_t)len;
	}
	return have;
}

int digest_finish(struct digest *d, char *hex)
{
	size_t len = read_all(d->fd, hex, DIGEST_LEN);
	int status;

	hex[len] = '\0';
	close(d->fd);
	while (waitpid(d->child, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return status == 0 && digest_is_one(hex) ? 0 : -1;
}
