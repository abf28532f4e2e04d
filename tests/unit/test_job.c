/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "core/buf.h"
#include "own.h"
#include "process/job.h"

#define JOB_TEST(name) cmocka_unit_test_setup_teardown(name, job_open, job_close)
#define DEADMAN_S 60 /* for a call that blocks, which guard_expired() cannot end */
#define PIPE_BYTES 65536

struct run;

/* A job is freed in ended(), so that whoever touches it later is found. */
struct owner {
	struct job job;
	struct run *run;
};

/* What is heard of a job. */
struct run {
	struct owner *owner;                /* NULL: it has ended */
	struct job last;                    /* as it was in ended() */
	struct buf heard[2];                /* by enum job_stream */
	void (*on_output)(struct run *run); /* NULL: nothing */
	struct slice input;                 /* that is left to give it */
	bool input_refused;                 /* it takes no more */
	bool input_goes_on;                 /* what is left is not all */
	unsigned writable;                  /* times that it was said to take more */
	void (*on_ended)(struct run *run);
};

static struct run run, other;
static struct deadline_queue never, soon, later, ticks;
static struct deadline tick;
static enum spawn_step failed; /* of the last start that has failed */
static bool within;            /* a call of job.h that must not end a job */
static int saved[3] = {-1, -1, -1};
static size_t descriptors_before;
static size_t descriptors_outside; /* before jobs_init() */
static bool no_memory;             /* for arrays to grow */

/* In place of libc's. */
void *reallocarray(void *array, size_t count, size_t size)
{
	size_t bytes;

	if (no_memory || __builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(array, bytes);
}

/* ---- a job and its end ---- */

static void output(struct job *job, enum job_stream stream, const char *data, size_t len)
{
	struct run *r = container_of(job, struct owner, job)->run;

	assert_in_range(len, 1, 65536);
	assert_false(within);
	assert_int_equal(buf_add(&r->heard[stream], data, len), 0);
	if (r->on_output != NULL)
		r->on_output(r);
}

static void ended(struct job *job)
{
	struct owner *owner = container_of(job, struct owner, job);
	struct run *r = owner->run;

	assert_false(within);
	assert_ptr_equal(r->owner, owner);
	r->last = *job;
	r->owner = NULL;
	free(owner);
	if (r->on_ended != NULL)
		r->on_ended(r);
}

/* Give it what it takes of its input, and the end of that. */
static void feed(struct run *r)
{
	ssize_t taken;

	while (r->input.len > 0) {
		taken = job_write(&r->owner->job, r->input.data, r->input.len);
		r->input_refused = taken < 0;
		if (taken <= 0)
			return;
		r->input.data += taken;
		r->input.len -= (size_t)taken;
	}
	if (!r->input_goes_on)
		job_end_input(&r->owner->job);
}

static void writable(struct job *job)
{
	struct run *r = container_of(job, struct owner, job)->run;

	r->writable++;
	feed(r);
}

static const struct job_ops ops = {.output = output, .writable = writable, .ended = ended};

static char *const *words(const char *const *literals)
{
	return (char *const *)(uintptr_t)literals;
}

#define WORDS(...) words((const char *const[]){__VA_ARGS__, NULL})

static struct spawn_spec spec_of(char *const *argv)
{
	static const char *const env[] = {"PATH=/usr/bin:/bin", NULL};

	return (struct spawn_spec){.argv = argv, .envp = words(env), .stdin_fd = -1};
}

static int try_start(struct run *r, const struct spawn_spec *spec, struct deadline_queue *timeouts)
{
	struct owner *owner = malloc(sizeof(*owner));
	int result;

	assert_non_null(owner);
	memset(owner, 0x5a, sizeof(*owner));
	owner->run = r;
	r->owner = owner;
	within = true;
	result = job_start(&owner->job, spec, timeouts, &ops);
	within = false;
	if (result == 0)
		return 0;
	failed = owner->job.step;
	r->owner = NULL;
	free(owner); /* which leaves errno */
	return -1;
}

static void start(struct run *r, const struct spawn_spec *spec)
{
	assert_int_equal(try_start(r, spec, &never), 0);
}

static void sh_timed(struct run *r, const char *script, struct deadline_queue *timeouts)
{
	const struct spawn_spec spec = spec_of(WORDS("/bin/sh", "-c", script));

	assert_int_equal(try_start(r, &spec, timeouts), 0);
}

static void sh(struct run *r, const char *script)
{
	sh_timed(r, script, &never);
}

/* A shell with input, which feed() gives it. */
static void sh_piped(struct run *r, const char *script, const char *data, size_t len)
{
	struct spawn_spec spec = spec_of(WORDS("/bin/sh", "-c", script));

	spec.piped = true;
	start(r, &spec);
	r->input = (struct slice){data, len};
}

static void stop(struct run *r)
{
	within = true;
	job_stop(&r->owner->job);
	within = false;
}

static void set_paused(struct run *r, bool paused)
{
	within = true;
	(paused ? job_pause : job_resume)(&r->owner->job);
	within = false;
}

static pid_t pid_of(const struct run *r)
{
	return r->owner->job.pid;
}

static void assert_ends(struct run *r, int exit_status, int sig)
{
	turn_until(r->owner == NULL);
	assert_int_equal(r->last.exit_status, exit_status);
	assert_int_equal(r->last.signal, sig);
	assert_false(r->last.running);
}

static size_t heard_len(const struct run *r, enum job_stream stream)
{
	return buf_len(&r->heard[stream]);
}

static const char *heard_text(struct run *r, enum job_stream stream)
{
	struct buf *b = &r->heard[stream];

	*buf_reserve(b, 1) = '\0';
	return buf_data(b);
}

static void assert_heard(struct run *r, enum job_stream stream, const char *what)
{
	assert_string_equal(heard_text(r, stream), what);
	assert_int_equal(heard_len(r, stream), strlen(what));
}

static bool has_said(struct run *r, const char *what)
{
	return strstr(heard_text(r, JOB_STDOUT), what) != NULL;
}

static void run_free(struct run *r)
{
	if (r->owner != NULL)
		free(r->owner);
	buf_free(&r->heard[JOB_STDOUT]);
	buf_free(&r->heard[JOB_STDERR]);
	*r = (struct run){0};
}

static void assert_prints(const struct spawn_spec *spec, const char *what)
{
	start(&run, spec);
	assert_ends(&run, 0, 0);
	assert_heard(&run, JOB_STDOUT, what);
	assert_heard(&run, JOB_STDERR, "");
	run_free(&run);
}

static void assert_sh_prints(const char *script, const char *what)
{
	const struct spawn_spec spec = spec_of(WORDS("/bin/sh", "-c", script));

	assert_prints(&spec, what);
}

/* ---- the test's own process ---- */

/* It lets go of what job_open() had it take. */
static void all_kill(void)
{
	jobs_kill();
	descriptors_before = descriptors_outside;
}

static void assert_no_child(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void assert_nothing_left(void)
{
	assert_no_child();
	assert_int_equal(descriptors(), descriptors_before);
	assert_int_equal(watches_count(&loop.watches), 0);
}

/* fds: a set of bits. */
static void standard_close(unsigned fds)
{
	for (int fd = 0; fd < 3; fd++) {
		if ((fds & 1U << fd) == 0)
			continue;
		saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 100);
		close(fd);
	}
}

static void standard_restore(void)
{
	for (int fd = 0; fd < 3; fd++) {
		if (saved[fd] < 0)
			continue;
		dup2(saved[fd], fd);
		close(saved[fd]);
		saved[fd] = -1;
	}
}

static void tick_expired(struct deadline *d)
{
}

/* Turns for a while: what is to come would have come. */
static void let_time_pass(void)
{
	deadline_start(&ticks, &tick);
	turn_until(tick.queue == NULL);
}

/* A file of this text, to be read from its start. */
static int file_of(const char *text)
{
	int fd = memfd_create("stdin", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* The leader has ended, and nobody has reaped it. */
static void wait_for_zombie(pid_t pid)
{
	siginfo_t info;

	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

/* Output is in the pipe, and nobody has read it. */
static void wait_for_output(const struct run *r)
{
	struct pollfd p = {.fd = r->owner->job.pipes[JOB_STDOUT].watch.fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, GUARD_MS), 1);
}

/* An orphan, which this process has inherited. */
static void assert_orphan_killed(pid_t pid)
{
	struct pollfd p = {.fd = (int)syscall(__NR_pidfd_open, pid, 0), .events = POLLIN};
	int status;

	assert_true(p.fd >= 0);
	assert_int_equal(poll(&p, 1, GUARD_MS), 1);
	close(p.fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
}

/* The leader has been reaped, and the job has not ended. */
static void wait_for_reaping(const struct run *r)
{
	turn_until(r->owner == NULL || !r->owner->job.running);
	assert_non_null(r->owner);
}

static int job_open(void **state)
{
	alarm(DEADMAN_S);
	fixture_open(state);
	descriptors_outside = descriptors();
	assert_int_equal(jobs_init(&loop), 0);
	job_timeouts_init(&never, 0);
	job_timeouts_init(&soon, 30);
	job_timeouts_init(&later, 3600000);
	deadline_queue_init(&loop.deadlines, &ticks, 30, tick_expired);
	tick = (struct deadline){0};
	run = other = (struct run){0};
	descriptors_before = descriptors();
	return 0;
}

static int job_open_sigchld_ignored(void **state)
{
	signal(SIGCHLD, SIG_IGN);
	return job_open(state);
}

/* What a test that failed has left, so that the next does not fail, too. */
static void children_kill(void)
{
	FILE *children = fopen("/proc/thread-self/children", "r");
	int pid;

	while (children != NULL && fscanf(children, "%d", &pid) == 1)
		kill(pid, SIGKILL);
	if (children != NULL)
		fclose(children);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
}

static int job_close(void **state)
{
	bool left;

	standard_restore();
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	no_memory = within = false;
	left = waitpid(-1, NULL, WNOHANG) >= 0;
	all_kill();
	run_free(&run);
	run_free(&other);
	left = left || descriptors() != descriptors_before || watches_count(&loop.watches) > 0;
	children_kill();
	fixture_close(state);
	return left ? -1 : 0;
}

/* ---- what a job is given ---- */

static void argv_arrives_exactly(void **state)
{
	static const char script[] = "cat /proc/$$/cmdline; exit 0";
	static const char expected[] =
		"/bin/sh\0-c\0cat /proc/$$/cmdline; exit 0\0"
		"\0two words\0*\0\"'\\\0$HOME `id`\0-n\0line\nline\0\xff\xfe";
	const struct spawn_spec spec =
		spec_of(WORDS("/bin/sh", "-c", script, "", "two words", "*", "\"'\\", "$HOME `id`",
			      "-n", "line\nline", "\xff\xfe"));

	start(&run, &spec);
	assert_ends(&run, 0, 0);
	assert_int_equal(heard_len(&run, JOB_STDOUT), sizeof(expected));
	assert_memory_equal(buf_data(&run.heard[JOB_STDOUT]), expected, sizeof(expected));
}

static void env_arrives_exactly_and_nothing_else(void **state)
{
	static const char expected[] = "A=1\0EMPTY=\0TWO=a b\nc\0NO_VALUE";
	struct spawn_spec spec = spec_of(WORDS("/bin/cat", "/proc/self/environ"));

	assert_int_equal(setenv("LEAK", "yes", 1), 0);
	spec.envp = WORDS("A=1", "EMPTY=", "TWO=a b\nc", "NO_VALUE");
	start(&run, &spec);
	assert_ends(&run, 0, 0);
	assert_int_equal(heard_len(&run, JOB_STDOUT), sizeof(expected));
	assert_memory_equal(buf_data(&run.heard[JOB_STDOUT]), expected, sizeof(expected));
	run_free(&run);
	spec.envp = words((const char *const[]){NULL});
	assert_prints(&spec, "");
	unsetenv("LEAK");
}

static void cwd_is_the_folder_given_or_the_root(void **state)
{
	struct spawn_spec spec = spec_of(WORDS("/bin/pwd", "-P"));
	char folder[] = "/tmp/test job XXXXXX", expected[64];

	assert_prints(&spec, "/\n");
	assert_non_null(mkdtemp(folder));
	spec.cwd = folder;
	snprintf(expected, sizeof(expected), "%s\n", folder);
	assert_prints(&spec, expected);
	rmdir(folder);
}

static void the_daemon_stays_in_its_own_folder(void **state)
{
	char before[PATH_MAX], after[PATH_MAX];
	struct spawn_spec spec = spec_of(WORDS("/bin/true"));

	spec.cwd = "/proc";
	assert_non_null(getcwd(before, sizeof(before)));
	assert_prints(&spec, "");
	assert_non_null(getcwd(after, sizeof(after)));
	assert_string_equal(before, after);
}

static void stdin_is_dev_null(void **state)
{
	assert_sh_prints("cat; readlink /proc/self/fd/0", "/dev/null\n");
}

static void stdin_is_the_descriptor_given_which_stays_the_owners(void **state)
{
	struct spawn_spec spec = spec_of(WORDS("/bin/cat"));

	spec.stdin_fd = file_of("what is given\n");
	assert_prints(&spec, "what is given\n");
	assert_int_equal(fcntl(spec.stdin_fd, F_GETFD), FD_CLOEXEC);
	close(spec.stdin_fd);
}

static void stdin_may_be_any_descriptor(void **state)
{
	struct spawn_spec spec = spec_of(WORDS("/bin/sh", "-c", "cat; echo err >&2"));

	for (int fd = 0; fd < 3; fd++) {
		int file = file_of("given\n");

		standard_close(7);
		spec.stdin_fd = dup3(file, fd, O_CLOEXEC);
		start(&run, &spec);
		turn_until(run.owner == NULL);
		close(fd);
		standard_restore();
		close(file);
		assert_ends(&run, 0, 0);
		assert_heard(&run, JOB_STDOUT, "given\n");
		assert_heard(&run, JOB_STDERR, "err\n");
		run_free(&run);
	}
}

static void a_daemon_without_some_of_0_1_and_2_runs_jobs_as_any_other(void **state)
{
	for (unsigned fds = 1; fds < 8; fds++) {
		standard_close(fds);
		sh(&run, "readlink /proc/self/fd/0; echo err >&2; exit 4");
		turn_until(run.owner == NULL);
		standard_restore();
		assert_ends(&run, 4, 0);
		assert_heard(&run, JOB_STDOUT, "/dev/null\n");
		assert_heard(&run, JOB_STDERR, "err\n");
		run_free(&run);
	}
}

/* Of the shell itself: test -e does without a descriptor. */
#define LIST_DESCRIPTORS "for f in /proc/self/fd/*; do [ -e $f ] && echo ${f##*/}; done; exit 0"

static void no_descriptor_is_inherited(void **state)
{
	int null = open("/dev/null", O_RDWR), fds[100];

	for (int i = 0; i < 100; i++) {
		fds[i] = fcntl(null, F_DUPFD, 9 * i);
		assert_true(fds[i] >= 0);
	}
	sh(&other, "exec sleep 1000");
	assert_sh_prints(LIST_DESCRIPTORS, "0\n1\n2\n");
	stop(&other);
	assert_ends(&other, -1, SIGTERM);
	for (int i = 0; i < 100; i++)
		close(fds[i]);
	close(null);
}

static void the_given_stdin_is_inherited_once(void **state)
{
	struct spawn_spec spec = spec_of(WORDS("/bin/sh", "-c", LIST_DESCRIPTORS));

	spec.stdin_fd = dup(0);
	assert_prints(&spec, "0\n1\n2\n");
	close(spec.stdin_fd);
}

static void a_pipe_for_stdin_is_inherited_once(void **state)
{
	sh_piped(&other, "exec sleep 1000", "", 0);
	sh_piped(&run, LIST_DESCRIPTORS, "", 0);
	assert_ends(&run, 0, 0);
	assert_heard(&run, JOB_STDOUT, "0\n1\n2\n");
	stop(&other);
	assert_ends(&other, -1, SIGTERM);
}

static void standard_descriptors_of_a_job_block(void **state)
{
	sh_piped(&other, "cat /proc/$$/fdinfo/0 | grep -c '^flags:.*4.\\{3\\}$'; exit 0", "", 0);
	assert_ends(&other, 0, 0);
	assert_heard(&other, JOB_STDOUT, "0\n");
	assert_sh_prints("cat /proc/$$/fdinfo/[12] | grep -c '^flags:.*4.\\{3\\}$'; exit 0", "0\n");
}

static void no_signal_is_blocked_or_ignored(void **state)
{
	const struct spawn_spec spec =
		spec_of(WORDS("/bin/grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"));
	sigset_t all, before;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	for (int sig = 1; sig <= SIGRTMAX; sig++)
		if (sig != SIGCHLD && sig != SIGSEGV && sig != SIGBUS && sig != SIGFPE)
			signal(sig, SIG_IGN);
	start(&run, &spec);
	for (int sig = 1; sig <= SIGRTMAX; sig++)
		if (sig != SIGCHLD && sig != SIGSEGV && sig != SIGBUS && sig != SIGFPE)
			signal(sig, SIG_DFL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	assert_ends(&run, 0, 0);
	assert_heard(&run, JOB_STDOUT, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

static void job_start_leaves_the_daemons_signals_as_they_were(void **state)
{
	sigset_t some, before, after;
	struct sigaction action;

	sigemptyset(&some);
	sigaddset(&some, SIGUSR1);
	sigprocmask(SIG_SETMASK, &some, &before);
	signal(SIGUSR2, SIG_IGN);
	sh(&run, "exit 0");
	sigprocmask(SIG_SETMASK, &before, &after);
	sigaction(SIGUSR2, NULL, &action);
	signal(SIGUSR2, SIG_DFL);
	for (int sig = 1; sig < SIGRTMIN; sig++)
		assert_int_equal(sigismember(&after, sig) == 1, sig == SIGUSR1);
	assert_ptr_equal(action.sa_handler, SIG_IGN);
	assert_ends(&run, 0, 0);
}

static void it_leads_a_group_of_its_own_from_the_start(void **state)
{
	sh(&run, "sleep 1000");
	assert_int_equal(getpgid(pid_of(&run)), pid_of(&run));
	assert_int_not_equal(getpgrp(), pid_of(&run));
	stop(&run);
	assert_ends(&run, -1, SIGTERM);
}

static void assert_begins_nice(int nice, int expected)
{
	struct spawn_spec spec = spec_of(WORDS("/usr/bin/nice"));
	char text[16];

	snprintf(text, sizeof(text), "%d\n", expected);
	spec.nice = nice;
	assert_prints(&spec, text);
}

static void nice_is_added_to_the_daemons(void **state)
{
	int own = getpriority(PRIO_PROCESS, 0);

	assert_begins_nice(0, own);
	assert_begins_nice(5, own + 5 < 19 ? own + 5 : 19);
	assert_begins_nice(19, 19);
	assert_int_equal(getpriority(PRIO_PROCESS, 0), own);
}

/* ---- output ---- */

static void stdout_and_stderr_are_separate(void **state)
{
	sh(&run, "echo one; echo two >&2; echo three; echo four >&2");
	assert_ends(&run, 0, 0);
	assert_heard(&run, JOB_STDOUT, "one\nthree\n");
	assert_heard(&run, JOB_STDERR, "two\nfour\n");
}

static void output_comes_before_the_end(void **state)
{
	sh(&run, "echo hello; exec sleep 1000");
	turn_until(has_said(&run, "hello\n"));
	assert_non_null(run.owner);
	assert_true(run.owner->job.running);
	stop(&run);
	assert_ends(&run, -1, SIGTERM);
}

static void assert_counts_to(struct run *r, enum job_stream stream, unsigned last)
{
	const char *at = heard_text(r, stream);
	char line[16];

	for (unsigned i = 1; i <= last; i++) {
		size_t len = (size_t)sprintf(line, "%u\n", i);

		if (strncmp(at, line, len) != 0)
			fail_msg("line %u is not as written", i);
		at += len;
	}
	assert_int_equal(*at, '\0');
}

static void several_mebibytes_come_whole(void **state)
{
	sh(&run, "seq 1 500000 & seq 1 400000 >&2; wait; exit 9");
	assert_ends(&run, 9, 0);
	assert_true(heard_len(&run, JOB_STDOUT) > 3 << 20);
	assert_counts_to(&run, JOB_STDOUT, 500000);
	assert_counts_to(&run, JOB_STDERR, 400000);
}

static void what_the_leader_leaves_in_a_full_pipe_is_delivered(void **state)
{
	sh(&run, "head -c 65536 /dev/zero; head -c 65536 /dev/zero >&2");
	wait_for_zombie(pid_of(&run));
	assert_int_equal(heard_len(&run, JOB_STDOUT), 0);
	assert_ends(&run, 0, 0);
	assert_int_equal(heard_len(&run, JOB_STDOUT), 65536);
	assert_int_equal(heard_len(&run, JOB_STDERR), 65536);
}

static void a_job_that_closes_its_output_ends_when_it_exits(void **state)
{
	int fds[2];
	struct spawn_spec spec =
		spec_of(WORDS("/bin/sh", "-c", "echo bye; exec >&- 2>&-; read line; exit 3"));

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	spec.stdin_fd = fds[0];
	start(&run, &spec);
	turn_until(watches_count(&loop.watches) == 1);
	assert_non_null(run.owner);
	assert_int_equal(write(fds[1], "\n", 1), 1);
	assert_ends(&run, 3, 0);
	assert_heard(&run, JOB_STDOUT, "bye\n");
	close(fds[0]);
	close(fds[1]);
}

/* ---- input ---- */

static void input_arrives_whole_and_with_its_end(void **state)
{
	sh_piped(&run, "cat; echo end", "what is given\n", 14);
	feed(&run);
	assert_int_equal(run.writable, 0);
	assert_ends(&run, 0, 0);
	assert_heard(&run, JOB_STDOUT, "what is given\nend\n");
}

static void several_mebibytes_of_input_arrive_whole(void **state)
{
	char *numbers = malloc(4 << 20);
	size_t len = 0;

	assert_non_null(numbers);
	for (unsigned i = 1; i <= 500000; i++)
		len += (size_t)sprintf(numbers + len, "%u\n", i);
	assert_true(len > 3 << 20);
	sh_piped(&run, "exec cat", numbers, len);
	feed(&run);
	assert_ends(&run, 0, 0);
	assert_counts_to(&run, JOB_STDOUT, 500000);
	assert_true(run.writable > 10);
	free(numbers);
}

static const char zeros[4 * PIPE_BYTES];

/* Waiting for long, so that nothing polls for it any more. */
static void a_job_that_does_not_read_is_given_what_its_pipe_holds_and_the_rest_later(void **state)
{
	sh_piped(&run, "trap 'exec wc -c' USR1; echo ready; while :; do sleep 0.01; done", zeros,
		 sizeof(zeros));
	turn_until(has_said(&run, "ready\n"));
	feed(&run);
	assert_int_equal(run.input.len, sizeof(zeros) - PIPE_BYTES);
	for (int i = 0; i < 5; i++)
		let_time_pass();
	assert_int_equal(run.writable, 0);
	assert_false(watch_is_polled(&run.owner->job.input));
	kill(pid_of(&run), SIGUSR1);
	assert_ends(&run, 0, 0);
	assert_heard(&run, JOB_STDOUT, "ready\n262144\n");
	assert_true(run.writable > 0);
}

static void a_job_that_has_taken_all_is_not_asked_again(void **state)
{
	unsigned writable;

	sh_piped(&run, "head -c 262144 >/dev/null; echo read; exec sleep 1000", zeros,
		 sizeof(zeros));
	run.input_goes_on = true;
	feed(&run);
	turn_until(has_said(&run, "read\n"));
	assert_int_equal(run.input.len, 0);
	writable = run.writable;
	let_time_pass();
	assert_int_equal(run.writable, writable);
	assert_true(job_takes_input(&run.owner->job));
	stop(&run);
	assert_ends(&run, -1, SIGTERM);
}

static void a_job_that_closes_its_stdin_is_said_to_take_no_more(void **state)
{
	sh_piped(&run, "exec 0<&-; echo closed; exec sleep 1000", zeros, sizeof(zeros));
	turn_until(has_said(&run, "closed\n"));
	assert_true(job_takes_input(&run.owner->job));
	feed(&run);
	assert_true(run.input_refused);
	assert_false(job_takes_input(&run.owner->job));
	assert_int_equal(job_write(&run.owner->job, "", 1), -1);
	stop(&run);
	assert_ends(&run, -1, SIGTERM);
}

static void what_waits_for_a_job_that_closes_its_stdin_is_refused(void **state)
{
	sh_piped(&run, "head -c 1 >/dev/null; exec 0<&-; exec sleep 1000", zeros, sizeof(zeros));
	feed(&run);
	assert_true(run.input.len > 0);
	turn_until(run.input_refused);
	assert_false(job_takes_input(&run.owner->job));
	assert_true(run.owner->job.running);
	stop(&run);
	assert_ends(&run, -1, SIGTERM);
}

static void who_has_ended_takes_no_input(void **state)
{
	sh_piped(&run, "echo out; exit 5", zeros, sizeof(zeros));
	set_paused(&run, true);
	wait_for_reaping(&run);
	assert_false(job_takes_input(&run.owner->job));
	assert_int_equal(job_write(&run.owner->job, "x", 1), -1);
	job_end_input(&run.owner->job);
	set_paused(&run, false);
	assert_ends(&run, 5, 0);
}

/* ---- how it ends ---- */

static void the_exit_status_is_told(void **state)
{
	static const struct {
		const char *script;
		int status;
	} rows[] = {{"exit 0", 0}, {"exit 7", 7}, {"exit 255", 255}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sh(&run, rows[i].script);
		assert_ends(&run, rows[i].status, 0);
		assert_false(run.last.timed_out);
		run_free(&run);
	}
}

static void the_signal_that_ended_it_is_told(void **state)
{
	static const struct {
		const char *script;
		int sig;
	} rows[] = {{"kill -TERM $$", SIGTERM},
		    {"kill -KILL $$", SIGKILL},
		    {"kill -USR1 $$", SIGUSR1},
		    {"ulimit -c 0; kill -QUIT $$", SIGQUIT}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sh(&run, rows[i].script);
		assert_ends(&run, -1, rows[i].sig);
		assert_false(run.last.timed_out);
		run_free(&run);
	}
}

static void the_duration_is_at_least_what_it_took(void **state)
{
	sh(&run, "sleep 0.05");
	assert_ends(&run, 0, 0);
	assert_in_range(run.last.duration_ms, 49, GUARD_MS);
}

static void a_sigchld_that_was_ignored_is_not_any_more(void **state)
{
	sh(&run, "exit 7");
	assert_ends(&run, 7, 0);
}

static void descendants_in_the_group_are_killed_when_the_leader_ends(void **state)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sh(&run, "trap '' TERM HUP; sleep 1000 & echo $!; exit 6");
	assert_ends(&run, 6, 0);
	assert_orphan_killed(atoi(heard_text(&run, JOB_STDOUT)));
}

/* Says the number of a process that has left the group and has both pipes open. */
#define LEAVE(command)                                                                           \
	"exec 3>&1; p=$(exec setsid sh -c '" command " >&3 2>&3 3>&- & echo $!'); echo pid $p; " \
	"exit 5"

static pid_t pid_said(struct run *r)
{
	const char *said = strstr(heard_text(r, JOB_STDOUT), "pid ");

	assert_non_null(said);
	return atoi(said + 4);
}

static void assert_left_behind(pid_t pid)
{
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_orphan_killed(pid);
}

static void a_descendant_that_left_and_holds_the_pipes_does_not_delay_the_end(void **state)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sh(&run, LEAVE("exec sleep 1000"));
	assert_ends(&run, 5, 0);
	assert_left_behind(pid_said(&run));
}

static void a_descendant_that_left_and_writes_on_does_not_delay_the_end(void **state)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sh(&run, "trap '' PIPE; " LEAVE("while [ $((n+=1)) -lt 1000000 ]; do echo x; done"));
	assert_ends(&run, 5, 0);
	assert_left_behind(pid_said(&run));
}

static void start_other(struct run *r)
{
	sh(&other, "echo second");
}

static void the_owner_may_start_another_when_one_has_ended(void **state)
{
	run.on_ended = start_other;
	sh(&run, "echo first");
	assert_ends(&run, 0, 0);
	assert_ends(&other, 0, 0);
	assert_heard(&other, JOB_STDOUT, "second\n");
}

static void it_ends_in_a_turn_of_the_loop_and_in_no_call(void **state)
{
	sh(&run, "exit 8");
	wait_for_zombie(pid_of(&run));
	set_paused(&run, true);
	stop(&run);
	set_paused(&run, false);
	stop(&run);
	assert_non_null(run.owner);
	assert_ends(&run, 8, 0);
}

/* ---- timeout and stop ---- */

static void at_its_timeout_it_gets_term(void **state)
{
	sh_timed(&run, "exec sleep 1000", &soon);
	assert_ends(&run, -1, SIGTERM);
	assert_true(run.last.timed_out);
}

static void a_job_that_ends_in_time_is_not_timed_out(void **state)
{
	sh_timed(&run, "exit 0", &later);
	assert_false(TAILQ_EMPTY(&later.waiting));
	assert_ends(&run, 0, 0);
	assert_false(run.last.timed_out);
	assert_true(TAILQ_EMPTY(&later.waiting));
}

static void a_stop_is_term_to_the_whole_group(void **state)
{
	sh(&run, "(trap 'echo inner; exit 0' TERM; echo ready; while :; do sleep 1000 & wait; done)"
		 " & trap 'wait; echo outer; exit 4' TERM; echo steady; wait");
	turn_until(has_said(&run, "ready\n") && has_said(&run, "steady\n"));
	stop(&run);
	assert_ends(&run, 4, 0);
	assert_true(has_said(&run, "inner\nouter\n"));
	assert_false(run.last.timed_out);
}

static void
what_ignores_term_is_killed_after_the_grace_and_asking_again_does_not_prolong_it(void **state)
{
	int64_t due_ms;

	sh(&run, "trap '' TERM; echo ready; while :; do sleep 1000; done");
	turn_until(has_said(&run, "ready\n"));
	stop(&run);
	due_ms = run.owner->job.deadline.due_ms;
	let_time_pass();
	assert_non_null(run.owner);
	stop(&run);
	assert_int_equal(run.owner->job.deadline.due_ms, due_ms);
	assert_ends(&run, -1, SIGKILL);
	assert_false(run.last.timed_out);
}

static void a_stop_takes_the_place_of_the_timeout(void **state)
{
	sh_timed(&run, "exec sleep 1000", &later);
	stop(&run);
	assert_true(TAILQ_EMPTY(&later.waiting));
	stop(&run);
	assert_ends(&run, -1, SIGTERM);
	assert_false(run.last.timed_out);
}

static void it_may_be_stopped_from_its_output(void **state)
{
	run.on_output = stop;
	sh(&run, "exec yes");
	assert_ends(&run, -1, SIGTERM);
	assert_true(has_said(&run, "y\ny\n"));
}

/* ---- pause ---- */

static void a_paused_job_is_not_heard_and_does_not_end_before_it_goes_on(void **state)
{
	sh(&run, "echo out; echo err >&2; exit 3");
	set_paused(&run, true);
	wait_for_reaping(&run);
	let_time_pass();
	assert_non_null(run.owner);
	assert_int_equal(heard_len(&run, JOB_STDOUT) + heard_len(&run, JOB_STDERR), 0);
	set_paused(&run, false);
	assert_non_null(run.owner);
	assert_ends(&run, 3, 0);
	assert_heard(&run, JOB_STDOUT, "out\n");
	assert_heard(&run, JOB_STDERR, "err\n");
}

static void pause_it(struct run *r)
{
	set_paused(r, true);
}

static void it_may_be_paused_from_its_output(void **state)
{
	size_t len;

	run.on_output = pause_it;
	sh(&run, "seq 1 100000");
	while (run.owner != NULL) {
		len = heard_len(&run, JOB_STDOUT);
		turn_until(run.owner == NULL || heard_len(&run, JOB_STDOUT) > len);
		let_time_pass();
		assert_in_range(heard_len(&run, JOB_STDOUT) - len, 0, PIPE_BYTES);
		if (run.owner != NULL)
			set_paused(&run, false);
	}
	assert_ends(&run, 0, 0);
	assert_counts_to(&run, JOB_STDOUT, 100000);
}

static void the_timeout_of_a_paused_job_goes_on(void **state)
{
	sh_timed(&run, "exec yes", &soon);
	set_paused(&run, true);
	wait_for_output(&run);
	wait_for_reaping(&run);
	assert_int_equal(heard_len(&run, JOB_STDOUT), 0);
	set_paused(&run, false);
	assert_ends(&run, -1, SIGTERM);
	assert_true(run.last.timed_out);
	assert_in_range(heard_len(&run, JOB_STDOUT), 1, PIPE_BYTES);
}

static void a_paused_job_may_be_stopped(void **state)
{
	sh(&run, "exec yes");
	set_paused(&run, true);
	wait_for_output(&run);
	stop(&run);
	wait_for_reaping(&run);
	set_paused(&run, false);
	assert_ends(&run, -1, SIGTERM);
}

static void a_paused_job_without_output_ends(void **state)
{
	sh(&run, "exit 3");
	set_paused(&run, true);
	assert_ends(&run, 3, 0);
}

static void pause_and_resume_may_be_said_twice(void **state)
{
	sh(&run, "echo out; exit 0");
	set_paused(&run, true);
	set_paused(&run, true);
	set_paused(&run, false);
	set_paused(&run, false);
	assert_ends(&run, 0, 0);
	assert_heard(&run, JOB_STDOUT, "out\n");
}

/* ---- what cannot be started ---- */

static void assert_refused(const struct spawn_spec *spec, enum spawn_step step, int error)
{
	assert_int_equal(try_start(&run, spec, &later), -1);
	assert_int_equal(errno, error);
	assert_int_equal(failed, step);
	assert_nothing_left();
	assert_true(TAILQ_EMPTY(&later.waiting));
}

static void what_is_no_program_cannot_be_started(void **state)
{
	static const struct {
		const char *path;
		int error;
	} rows[] = {{"/nowhere/program", ENOENT},
		    {"/bin/no-such-program", ENOENT},
		    {"/etc/passwd", EACCES},
		    {"/etc/passwd/program", ENOTDIR},
		    {"/tmp", EACCES}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct spawn_spec spec = spec_of(WORDS(rows[i].path));

		assert_refused(&spec, SPAWN_EXEC, rows[i].error);
	}
}

static void a_script_without_interpreter_is_not_given_to_a_shell(void **state)
{
	char path[] = "/tmp/test_job.XXXXXX";
	const struct spawn_spec spec = spec_of(WORDS(path));
	int fd = mkstemp(path);

	assert_int_equal(write(fd, "echo hello\n", 11), 11);
	assert_int_equal(fchmod(fd, 0700), 0);
	close(fd);
	assert_refused(&spec, SPAWN_EXEC, ENOEXEC);
	unlink(path);
}

static void arguments_that_are_too_long_cannot_be_started(void **state)
{
	static char text[1 << 20];
	const struct spawn_spec spec = spec_of(WORDS("/bin/echo", text));

	memset(text, 'x', sizeof(text) - 1);
	assert_refused(&spec, SPAWN_EXEC, E2BIG);
}

static void a_folder_that_is_not_there_is_no_place_to_start_in(void **state)
{
	struct spawn_spec spec = spec_of(WORDS("/bin/true"));

	spec.cwd = "/nowhere";
	assert_refused(&spec, SPAWN_CHDIR, ENOENT);
	spec.cwd = "/etc/passwd";
	assert_refused(&spec, SPAWN_CHDIR, ENOTDIR);
}

static void a_stdin_that_is_not_open_cannot_be_given(void **state)
{
	struct spawn_spec spec = spec_of(WORDS("/bin/true"));

	spec.stdin_fd = 900;
	assert_refused(&spec, SPAWN_SETUP, EBADF);
}

/* Start with descriptors below limit only. Returns 0 or the error. */
static int start_below(rlim_t limit)
{
	struct spawn_spec spec = spec_of(WORDS("/bin/true"));
	struct rlimit before, now;
	int error;

	spec.piped = true;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	now = (struct rlimit){limit, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
	error = try_start(&run, &spec, &never) < 0 ? errno : 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	return error;
}

static void when_descriptors_run_out_nothing_is_left_behind(void **state)
{
	int refused = 0, error;
	rlim_t limit = 3;

	for (; (error = start_below(limit)) != 0; limit++, refused++) {
		assert_int_equal(error, EMFILE);
		assert_int_equal(failed, SPAWN_SETUP);
		assert_nothing_left();
		assert_true(limit < 1000);
	}
	assert_true(refused > 3);
	assert_ends(&run, 0, 0);
}

/* The loop has room for 64, one of them its own: memory runs out at the first, second, third or
 * fourth watch of the job. */
static void when_memory_runs_out_nothing_is_left_behind(void **state)
{
	struct spawn_spec spec = spec_of(WORDS("/bin/sleep", "1000"));
	struct watch others[64];
	unsigned count = 0;
	size_t before;

	spec.piped = true;
	for (unsigned free = 3;; free--) {
		for (; count < 63 - free; count++) {
			others[count] = (struct watch){.fd = fcntl(0, F_DUPFD_CLOEXEC, 100)};
			assert_int_equal(watches_add(&loop.watches, &others[count], POLLIN), 0);
		}
		before = descriptors();
		no_memory = true;
		assert_int_equal(try_start(&run, &spec, &later), -1);
		no_memory = false;
		assert_int_equal(errno, ENOMEM);
		assert_int_equal(failed, SPAWN_SETUP);
		assert_int_equal(watches_count(&loop.watches), count);
		assert_int_equal(descriptors(), before);
		assert_no_child();
		assert_true(TAILQ_EMPTY(&later.waiting));
		if (free == 0)
			break;
	}
	while (count > 0) {
		watches_drop(&loop.watches, &others[--count]);
		close(others[count].fd);
	}
}

/* ---- many of them ---- */

static void a_hundred_run_at_once_and_leave_nothing_behind(void **state)
{
	static struct run runs[100];
	char number[8], expected[8];
	struct spawn_spec spec;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	for (int i = 0; i < 100; i++) {
		snprintf(number, sizeof(number), "%d", i);
		spec = spec_of(WORDS("/bin/sh", "-c", "read line; echo $0; exit $0", number));
		spec.stdin_fd = fds[0];
		start(&runs[i], &spec);
	}
	settle();
	for (int i = 0; i < 100; i++)
		assert_non_null(runs[i].owner);
	close(fds[0]);
	close(fds[1]);
	for (int i = 0; i < 100; i++) {
		assert_ends(&runs[i], i, 0);
		snprintf(expected, sizeof(expected), "%d\n", i);
		assert_heard(&runs[i], JOB_STDOUT, expected);
		run_free(&runs[i]);
	}
	assert_nothing_left();
}

static void jobs_kill_kills_the_groups_and_ends_them_all(void **state)
{
	pid_t pids[3];

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sh_piped(&run, "trap '' TERM; sleep 1000 & echo $!; wait", "", 0);
	turn_until(has_said(&run, "\n"));
	sh_timed(&other, "exec yes", &later);
	set_paused(&other, true);
	pids[0] = pid_of(&run);
	pids[1] = pid_of(&other);
	pids[2] = atoi(heard_text(&run, JOB_STDOUT));
	stop(&run);
	all_kill();
	assert_int_equal(watches_count(&loop.watches), 0);
	assert_true(TAILQ_EMPTY(&later.waiting));
	assert_null(run.owner);
	assert_null(other.owner);
	assert_int_equal(run.last.signal, SIGKILL);
	run_free(&run);
	run_free(&other);
	for (int i = 0; i < 3; i++)
		assert_orphan_killed(pids[i]);
	let_time_pass();
	assert_nothing_left();
}

static void jobs_kill_lets_go_of_one_whose_leader_has_ended(void **state)
{
	sh(&run, "echo out; exit 0");
	set_paused(&run, true);
	wait_for_reaping(&run);
	all_kill();
	all_kill();
	assert_null(run.owner);
	assert_int_equal(run.last.exit_status, 0);
	assert_int_equal(run.last.signal, 0);
	run_free(&run);
	assert_nothing_left();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		JOB_TEST(argv_arrives_exactly),
		JOB_TEST(env_arrives_exactly_and_nothing_else),
		JOB_TEST(cwd_is_the_folder_given_or_the_root),
		JOB_TEST(the_daemon_stays_in_its_own_folder),
		JOB_TEST(stdin_is_dev_null),
		JOB_TEST(stdin_is_the_descriptor_given_which_stays_the_owners),
		JOB_TEST(stdin_may_be_any_descriptor),
		JOB_TEST(a_daemon_without_some_of_0_1_and_2_runs_jobs_as_any_other),
		JOB_TEST(no_descriptor_is_inherited),
		JOB_TEST(the_given_stdin_is_inherited_once),
		JOB_TEST(a_pipe_for_stdin_is_inherited_once),
		JOB_TEST(standard_descriptors_of_a_job_block),
		JOB_TEST(no_signal_is_blocked_or_ignored),
		JOB_TEST(job_start_leaves_the_daemons_signals_as_they_were),
		JOB_TEST(it_leads_a_group_of_its_own_from_the_start),
		JOB_TEST(nice_is_added_to_the_daemons),
		JOB_TEST(stdout_and_stderr_are_separate),
		JOB_TEST(output_comes_before_the_end),
		JOB_TEST(several_mebibytes_come_whole),
		JOB_TEST(what_the_leader_leaves_in_a_full_pipe_is_delivered),
		JOB_TEST(a_job_that_closes_its_output_ends_when_it_exits),
		JOB_TEST(input_arrives_whole_and_with_its_end),
		JOB_TEST(several_mebibytes_of_input_arrive_whole),
		JOB_TEST(a_job_that_does_not_read_is_given_what_its_pipe_holds_and_the_rest_later),
		JOB_TEST(a_job_that_has_taken_all_is_not_asked_again),
		JOB_TEST(a_job_that_closes_its_stdin_is_said_to_take_no_more),
		JOB_TEST(what_waits_for_a_job_that_closes_its_stdin_is_refused),
		JOB_TEST(who_has_ended_takes_no_input),
		JOB_TEST(the_exit_status_is_told),
		JOB_TEST(the_signal_that_ended_it_is_told),
		JOB_TEST(the_duration_is_at_least_what_it_took),
		cmocka_unit_test_setup_teardown(a_sigchld_that_was_ignored_is_not_any_more,
						job_open_sigchld_ignored, job_close),
		JOB_TEST(descendants_in_the_group_are_killed_when_the_leader_ends),
		JOB_TEST(a_descendant_that_left_and_holds_the_pipes_does_not_delay_the_end),
		JOB_TEST(a_descendant_that_left_and_writes_on_does_not_delay_the_end),
		JOB_TEST(the_owner_may_start_another_when_one_has_ended),
		JOB_TEST(it_ends_in_a_turn_of_the_loop_and_in_no_call),
		JOB_TEST(at_its_timeout_it_gets_term),
		JOB_TEST(a_job_that_ends_in_time_is_not_timed_out),
		JOB_TEST(a_stop_is_term_to_the_whole_group),
		JOB_TEST(
			what_ignores_term_is_killed_after_the_grace_and_asking_again_does_not_prolong_it),
		JOB_TEST(a_stop_takes_the_place_of_the_timeout),
		JOB_TEST(it_may_be_stopped_from_its_output),
		JOB_TEST(a_paused_job_is_not_heard_and_does_not_end_before_it_goes_on),
		JOB_TEST(it_may_be_paused_from_its_output),
		JOB_TEST(the_timeout_of_a_paused_job_goes_on),
		JOB_TEST(a_paused_job_may_be_stopped),
		JOB_TEST(a_paused_job_without_output_ends),
		JOB_TEST(pause_and_resume_may_be_said_twice),
		JOB_TEST(what_is_no_program_cannot_be_started),
		JOB_TEST(a_script_without_interpreter_is_not_given_to_a_shell),
		JOB_TEST(arguments_that_are_too_long_cannot_be_started),
		JOB_TEST(a_folder_that_is_not_there_is_no_place_to_start_in),
		JOB_TEST(a_stdin_that_is_not_open_cannot_be_given),
		JOB_TEST(when_descriptors_run_out_nothing_is_left_behind),
		JOB_TEST(when_memory_runs_out_nothing_is_left_behind),
		JOB_TEST(a_hundred_run_at_once_and_leave_nothing_behind),
		JOB_TEST(jobs_kill_kills_the_groups_and_ends_them_all),
		JOB_TEST(jobs_kill_lets_go_of_one_whose_leader_has_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
