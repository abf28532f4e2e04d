/* SPDX-License-Identifier: MIT */
#include "process/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/close_from.h"

#define STACK_SIZE (64 << 10) /* for the child, until it runs the program */
#define STDIO 3               /* 0, 1 and 2 */

static struct {
	int null;            /* /dev/null */
	int stages[STDIO];   /* during a spawn(), what the child will have as 0, 1, 2; else null */
	int limit;           /* the child gets a copy of the descriptors below this */
	struct rlimit files; /* RLIMIT_NOFILE at the start; the daemon may raise its own later */
} held = {.null = -1, .stages = {-1, -1, -1}};

int spawn_open(void)
{
	held.null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (held.null < 0 || getrlimit(RLIMIT_NOFILE, &held.files) < 0)
		return -1;
	for (int i = 0; i < STDIO; i++) {
		held.stages[i] = fcntl(held.null, F_DUPFD_CLOEXEC, STDIO);
		if (held.stages[i] < 0)
			return -1;
		if (held.stages[i] >= held.limit)
			held.limit = held.stages[i] + 1;
	}
	return 0;
}

void spawn_close(void)
{
	for (int i = 0; i < STDIO; i++) {
		if (held.stages[i] >= 0)
			close(held.stages[i]);
		held.stages[i] = -1;
	}
	if (held.null >= 0)
		close(held.null);
	held.null = -1;
	held.limit = 0;
}

/* ---- in the child: its memory is the daemon's, which waits, CLONE_VFORK ---- */

struct birth {
	const struct spawn_spec *spec;
	enum spawn_step step; /* that the child has come to */
	int error;            /* errno of that step; 0: the program runs */
};

/* Put 0, 1 and 2 in place. The table of descriptors is the daemon's own until the first
 * close_from() has succeeded. */
static int child_descriptors(void)
{
	if (close_from(held.limit, CLOSE_RANGE_UNSHARE) < 0)
		return -1;
	for (int i = 0; i < STDIO; i++)
		if (dup2(held.stages[i], i) < 0)
			return -1;
	return close_from(STDIO, 0);
}

/* No signal is ignored or blocked in the program. sigaction(3) would not do: glibc keeps two
 * signals for itself, and these may have been ignored when the daemon was started. */
static void child_signals(void)
{
	/* struct kernel_sigaction, which has 20 bytes on i386: SIG_DFL, no flag */
	static const unsigned long standard[8];
	sigset_t none;

	for (int signal = 1; signal < _NSIG; signal++)
		syscall(SYS_rt_sigaction, signal, standard, NULL, _NSIG / 8);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Where setpriority(2) is not allowed, the child keeps the daemon's nice value. */
static void child_limits(int nice)
{
	setrlimit(RLIMIT_NOFILE, &held.files);
	if (nice > 0)
		setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + nice);
}

/* Does not return, hence the attribute: what AddressSanitizer notes of a frame, in memory that is
 * the daemon's, would stay, and be wrong for the next child on the same stack. The functions called
 * here clean up as they return; as they lack the attribute, they are not inlined. */
__attribute__((no_sanitize_address)) static int child_main(void *arg)
{
	struct birth *birth = arg;
	const struct spawn_spec *spec = birth->spec;

	child_signals();
	child_limits(spec->nice);
	if (setpgid(0, 0) == 0 && child_descriptors() == 0) {
		birth->step = SPAWN_CHDIR;
		if (chdir(spec->cwd != NULL ? spec->cwd : "/") == 0) {
			birth->step = SPAWN_EXEC;
			execve(spec->argv[0], spec->argv, spec->envp);
		}
	}
	birth->error = errno;
	_exit(127);
}

/* ---- in the daemon ---- */

/* Place descriptors for the child. Returns 0, or -1 with errno. */
static int stages_set(int in, int out, int err)
{
	const int fds[STDIO] = {in, out, err};

	for (int i = 0; i < STDIO; i++)
		if (dup3(fds[i], held.stages[i], O_CLOEXEC) < 0)
			return -1;
	return 0;
}

/* Start the child, and wait until the program runs or the child has failed. Returns 0 with *pid and
 * *pidfd; or an errno with *step, and there is no child. */
static int child_start(const struct spawn_spec *spec, pid_t *pid, int *pidfd, enum spawn_step *step)
{
	static char stack[STACK_SIZE] __attribute__((aligned(16)));
	struct birth birth = {.spec = spec};

	*pid = clone(child_main, stack + STACK_SIZE,
		     CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD | SIGCHLD, &birth, pidfd);
	if (*pid < 0)
		return errno;
	if (birth.error == 0)
		return 0;
	*step = birth.step;
	while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(*pidfd);
	*pidfd = -1;
	return birth.error;
}

int spawn(const struct spawn_spec *spec, const int ends[2], pid_t *pid, int *pidfd,
	  enum spawn_step *step)
{
	int in = spec->stdin_fd >= 0 ? spec->stdin_fd : held.null;
	int error =
		stages_set(in, ends[0], ends[1]) < 0 ? errno : child_start(spec, pid, pidfd, step);

	stages_set(held.null, held.null, held.null);
	errno = error;
	return error == 0 ? 0 : -1;
}
