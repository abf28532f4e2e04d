/* SPDX-License-Identifier: MIT */
#include "process/job.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define GRACE_MS 2000    /* between TERM and KILL */
#define CHUNK (64 << 10) /* bytes read at a time: as many as a pipe holds */

static struct {
	struct loop *loop;
	struct deadline_queue graces;
	LIST_HEAD(, job) all; /* those that have not ended */
} jobs;

/* ---- pipes ---- */

static struct job_pipe pipe_new(void (*ready)(struct watch *w, short revents))
{
	return (struct job_pipe){
		.watch = {.fd = -1, .ready = ready, .tells = WATCH_TELLS_ALL},
		.left = INT64_MAX,
	};
}

/* Open a pipe. end: which end is the child's, and blocks, 0 to read or 1 to write. Returns 0, or -1
 * with errno; either way what is open is in *ours and *theirs. */
static int pipe_open(int *ours, int *theirs, int end)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -1;
	*ours = fds[!end];
	*theirs = fds[end];
	return fcntl(*ours, F_SETFL, O_NONBLOCK);
}

static void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void watch_close(struct watch *w)
{
	if (w->fd < 0)
		return;
	watches_drop(&jobs.loop->watches, w);
	fd_close(&w->fd);
}

/* The leader has ended: what is in the pipe now is the rest of the output, even where a descendant
 * holds the other end and writes on. */
static void pipe_limit(struct job_pipe *p)
{
	int waiting = 0;

	if (p->watch.fd < 0)
		return;
	ioctl(p->watch.fd, FIONREAD, &waiting);
	p->left = waiting;
	if (p->left == 0)
		watch_close(&p->watch);
}

/* ---- life of a job ---- */

/* End the job, if the leader is reaped and all output delivered. */
static void job_settle(struct job *job)
{
	if (job->running || job->pipes[JOB_STDOUT].watch.fd >= 0 ||
	    job->pipes[JOB_STDERR].watch.fd >= 0)
		return;
	LIST_REMOVE(job, entry);
	job->ops->ended(job);
}

static void job_read(struct job *job, enum job_stream stream)
{
	static char chunk[CHUNK];
	struct job_pipe *p = &job->pipes[stream];
	ssize_t len = read(p->watch.fd, chunk, p->left < CHUNK ? (size_t)p->left : CHUNK);

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len > 0) {
		p->left -= len;
		job->ops->output(job, stream, chunk, (size_t)len);
	}
	if (len <= 0 || p->left == 0)
		watch_close(&p->watch);
	job_settle(job);
}

static void stdout_ready(struct watch *w, short revents)
{
	job_read(container_of(w, struct job, pipes[JOB_STDOUT].watch), JOB_STDOUT);
}

static void stderr_ready(struct watch *w, short revents)
{
	job_read(container_of(w, struct job, pipes[JOB_STDERR].watch), JOB_STDERR);
}

/* There is room in the pipe to stdin. writable() is called once; a job_write() that leaves
 * something asks for the next call. */
static void input_ready(struct watch *w, short revents)
{
	struct job *job = container_of(w, struct job, input);

	watches_want(&jobs.loop->watches, w, WATCH_IGNORED);
	job->ops->writable(job);
}

/* Signal the group; and the leader, where that has moved to another group. */
static void job_signal(const struct job *job, int signal)
{
	if (!job->running)
		return;
	kill(-job->pid, signal);
	if (getpgid(job->pid) != job->pid)
		kill(job->pid, signal);
}

/* The leader has ended. The group is killed before the leader is reaped: until then, the number of
 * the group can be no other group's. */
static void exit_ready(struct watch *w, short revents)
{
	struct job *job = container_of(w, struct job, exit);
	siginfo_t info = {0};

	job_signal(job, SIGKILL);
	if (waitid(P_PIDFD, (id_t)w->fd, &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0)
		return; /* a tracer, ptrace(2), has to see the end first */
	job->running = false;
	job->duration_ms = loop_now_ms(jobs.loop) - job->started_ms;
	if (info.si_code == CLD_EXITED)
		job->exit_status = info.si_status;
	else
		job->signal = info.si_status;
	deadline_cancel(&job->deadline);
	watch_close(w);
	watch_close(&job->input);
	pipe_limit(&job->pipes[JOB_STDOUT]);
	pipe_limit(&job->pipes[JOB_STDERR]);
	if (job->ops->exited != NULL)
		job->ops->exited(job);
	job_settle(job);
}

static void grace_expired(struct deadline *d)
{
	job_signal(container_of(d, struct job, deadline), SIGKILL);
}

static void timeout_expired(struct deadline *d)
{
	struct job *job = container_of(d, struct job, deadline);

	job->timed_out = true;
	job_stop(job);
}

/* ---- start ---- */

/* Have the loop watch all descriptors. Returns 0, or -1 with ENOMEM and none watched. */
static int job_watch(struct job *job)
{
	struct watch *const watches[] = {&job->exit, &job->pipes[JOB_STDOUT].watch,
					 &job->pipes[JOB_STDERR].watch, &job->input};
	int count = job->input.fd >= 0 ? 4 : 3, n;

	for (n = 0; n < count; n++)
		if (watches_add(&jobs.loop->watches, watches[n],
				watches[n] == &job->input ? WATCH_IGNORED : POLLIN) < 0)
			break;
	if (n == count)
		return 0;
	while (n > 0)
		watches_drop(&jobs.loop->watches, watches[--n]);
	return -1;
}

/* Undo a start, nothing of which is watched: kill, reap and close what there is. errno is kept. */
static void job_undo(struct job *job)
{
	int error = errno;

	job_signal(job, SIGKILL);
	while (job->running && waitpid(job->pid, NULL, 0) < 0 && errno == EINTR)
		;
	job->running = false;
	fd_close(&job->exit.fd);
	fd_close(&job->pipes[JOB_STDOUT].watch.fd);
	fd_close(&job->pipes[JOB_STDERR].watch.fd);
	fd_close(&job->input.fd);
	errno = error;
}

static int job_launch(struct job *job, const struct spawn_spec *spec)
{
	struct spawn_spec s = *spec;
	int ends[2] = {-1, -1}; /* the child's ends of the pipes, by enum job_stream */
	int in = -1;            /* the child's end of that to its stdin */
	int error;

	job->running = pipe_open(&job->pipes[JOB_STDOUT].watch.fd, &ends[JOB_STDOUT], 1) == 0 &&
		       pipe_open(&job->pipes[JOB_STDERR].watch.fd, &ends[JOB_STDERR], 1) == 0 &&
		       (!s.piped || pipe_open(&job->input.fd, &in, 0) == 0);
	if (s.piped)
		s.stdin_fd = in;
	job->running = job->running && spawn(&s, ends, &job->pid, &job->exit.fd, &job->step) == 0;
	error = errno;
	fd_close(&ends[JOB_STDOUT]);
	fd_close(&ends[JOB_STDERR]);
	fd_close(&in);
	errno = error;
	return job->running ? job_watch(job) : -1;
}

int job_start(struct job *job, const struct spawn_spec *spec, struct deadline_queue *timeouts,
	      const struct job_ops *ops)
{
	*job = (struct job){
		.ops = ops,
		.exit = {.fd = -1, .ready = exit_ready},
		.pipes = {pipe_new(stdout_ready), pipe_new(stderr_ready)},
		.input = {.fd = -1, .ready = input_ready, .tells = WATCH_TELLS_ALL},
		.exit_status = -1,
		.started_ms = loop_now_ms(jobs.loop),
	};
	if (job_launch(job, spec) < 0) {
		job_undo(job);
		return -1;
	}
	LIST_INSERT_HEAD(&jobs.all, job, entry);
	deadline_start(timeouts, &job->deadline);
	return 0;
}

/* ---- what the owner asks for ---- */

static void pipes_want(struct job *job, uint16_t events)
{
	for (int i = 0; i < 2; i++)
		if (job->pipes[i].watch.fd >= 0)
			watches_want(&jobs.loop->watches, &job->pipes[i].watch, events);
}

void job_pause(struct job *job)
{
	pipes_want(job, WATCH_IGNORED);
}

void job_resume(struct job *job)
{
	pipes_want(job, POLLIN);
}

ssize_t job_write(struct job *job, const void *data, size_t len)
{
	ssize_t n;

	if (job->input.fd < 0)
		return -1;
	n = write(job->input.fd, data, len);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		watch_close(&job->input);
		return -1;
	}
	if (n < 0)
		n = 0;
	if ((size_t)n < len)
		watches_want(&jobs.loop->watches, &job->input, POLLOUT);
	return n;
}

void job_end_input(struct job *job)
{
	watch_close(&job->input);
}

/* A second call does not prolong the grace. */
void job_stop(struct job *job)
{
	if (!job->running || job->deadline.queue == &jobs.graces)
		return;
	job_signal(job, SIGTERM);
	deadline_start(&jobs.graces, &job->deadline);
}

/* ---- all jobs ---- */

/* SIGCHLD may have been ignored when the daemon was started: children would be reaped at once, and
 * their numbers could be other processes'. */
int jobs_init(struct loop *loop)
{
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN); /* from job_write(), where the job has closed its stdin */
	jobs.loop = loop;
	LIST_INIT(&jobs.all);
	deadline_queue_init(&loop->deadlines, &jobs.graces, GRACE_MS, grace_expired);
	return spawn_open();
}

void job_timeouts_init(struct deadline_queue *timeouts, int64_t timeout_ms)
{
	deadline_queue_init(&jobs.loop->deadlines, timeouts, timeout_ms, timeout_expired);
}

/* Kill a job and let go of all that it has, without waiting for its end. */
static void job_forget(struct job *job)
{
	if (job->running) {
		job_signal(job, SIGKILL);
		job->running = false;
		job->signal = SIGKILL;
		job->duration_ms = loop_now_ms(jobs.loop) - job->started_ms;
	}
	LIST_REMOVE(job, entry);
	deadline_cancel(&job->deadline);
	watch_close(&job->exit);
	watch_close(&job->pipes[JOB_STDOUT].watch);
	watch_close(&job->pipes[JOB_STDERR].watch);
	watch_close(&job->input);
}

void jobs_kill(void)
{
	struct job *job;

	while ((job = LIST_FIRST(&jobs.all)) != NULL) {
		job_forget(job);
		job->ops->ended(job);
	}
	spawn_close();
}
