/* SPDX-License-Identifier: MIT */
#include "core/log.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "core/stats.h"

#define RING_LINES 128 /* messages that wait for a slow reader */
#define PREFIX_MAX 128 /* bytes before a line */
#define RETRY_MS 1000  /* between attempts to reach the log socket */

static struct {
	struct log_line ring[RING_LINES]; /* head is the oldest */
	unsigned head, count;
	unsigned sent; /* bytes of the oldest message that a stream has taken */
	unsigned long dropped;
	enum log_target target;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int facility, level;
	bool journal;          /* stderr is read by the journal: "<N>" prefixes */
	bool is_socket;        /* stderr is a socket */
	bool is_stream;        /* the log socket is a stream socket: a NUL ends each message */
	bool started;          /* log_started(): errors are no more repeated on stderr */
	struct loop *loop;     /* NULL: before log_attach() */
	struct watch watch;    /* owns fd: the log socket, or a copy of stderr; -1: none */
	bool watched;          /* the loop waits for room on watch.fd */
	struct deadline retry; /* runs where there is no descriptor, until the next attempt */
	struct deadline_queue retries;
} log_state = {
	.target = LOG_TARGET_STDERR,
	.facility = LOG_DAEMON,
	.level = LOG_INFO,
	.watch = {.fd = -1, .for_all = true},
};

/* sd_journald sets JOURNAL_STREAM to "device:inode" of the stream (systemd.exec(5)). */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char text[64];
	struct stat st;

	if (stream == NULL || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(text, sizeof(text), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, text) == 0;
}

/* Whether stderr is /dev/null: thrown away, or closed by who started us, which main() mends so. */
static bool stderr_is_null(void)
{
	struct stat st;

	return fstat(STDERR_FILENO, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
}

/* A description of stderr that is ours alone, so that O_NONBLOCK does not reach the shell's. */
static int stderr_open(void)
{
	struct stat st = {0};
	int fd = -1;

	if (fstat(STDERR_FILENO, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)))
		fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	log_state.is_socket = S_ISSOCK(st.st_mode);
	if (fd < 0)
		fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	return fd;
}

static int syslog_open_as(int type)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error;

	if (fd < 0)
		return -1;
	strlcpy(sun.sun_path, log_state.path, sizeof(sun.sun_path));
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static int syslog_open(void)
{
	int fd = syslog_open_as(SOCK_DGRAM);

	log_state.is_stream = fd < 0 && errno == EPROTOTYPE;
	return log_state.is_stream ? syslog_open_as(SOCK_STREAM) : fd;
}

static void log_disconnect(void)
{
	if (log_state.watched)
		watches_drop(&log_state.loop->watches, &log_state.watch);
	log_state.watched = false;
	if (log_state.watch.fd >= 0)
		close(log_state.watch.fd);
	log_state.watch.fd = -1;
	log_state.sent = 0;
}

static bool log_connect(void)
{
	if (log_state.watch.fd < 0)
		log_state.watch.fd =
			log_state.target == LOG_TARGET_SYSLOG ? syslog_open() : stderr_open();
	return log_state.watch.fd >= 0;
}

/* Have the loop flush again: when the reader takes more, or when it may be back. */
static void log_wait(void)
{
	if (log_state.loop == NULL)
		return;
	if (log_state.watch.fd < 0)
		deadline_start(&log_state.retries, &log_state.retry);
	else if (!log_state.watched)
		log_state.watched =
			watches_add(&log_state.loop->watches, &log_state.watch, POLLOUT) == 0;
}

/* A pipe or terminal that could not be opened anew may block; not so after poll(2) says there is
 * room, which for a pipe is PIPE_BUF bytes, more than a line. */
static ssize_t stderr_write(int fd, const char *data, size_t len)
{
	struct pollfd pfd = {.fd = fd, .events = POLLOUT};

	if (poll(&pfd, 1, 0) == 1)
		return write(fd, data, len);
	errno = EAGAIN;
	return -1;
}

static unsigned stderr_prefix(const struct log_line *line, char *text, size_t size)
{
	char when[32];
	struct tm tm;
	int len;

	if (log_state.journal)
		return (unsigned)snprintf(text, size, "<%d>", line->level);
	localtime_r(&line->when, &tm);
	len = (int)strftime(when, sizeof(when), "%FT%T%z", &tm) - 2;
	return (unsigned)snprintf(text, size, "%.*s:%s ", len, when, when + len); /* RFC 3339 */
}

static unsigned syslog_prefix(const struct log_line *line, char *text, size_t size)
{
	char when[32];
	struct tm tm;

	localtime_r(&line->when, &tm);
	strftime(when, sizeof(when), "%b %e %H:%M:%S", &tm); /* RFC 3164, 4.1.2 */
	return (unsigned)snprintf(text, size,
				  "<%d>%s pollard[%d]: ", log_state.facility | line->level, when,
				  (int)getpid());
}

/* Write to data what a target gets for a line: a prefix, the line and its end. Returns the length.
 */
static unsigned line_format(const struct log_line *line, enum log_target target, char *data)
{
	unsigned len = target == LOG_TARGET_STDERR ? stderr_prefix(line, data, PREFIX_MAX)
						   : syslog_prefix(line, data, PREFIX_MAX);

	memcpy(data + len, line->text, line->len);
	len += (unsigned)line->len;
	if (target == LOG_TARGET_STDERR)
		data[len++] = '\n';
	else if (log_state.is_stream)
		data[len++] = '\0';
	return len;
}

/* Returns true when the line has gone, or can never go (EMSGSIZE); false with errno. Where a stream
 * took only a part of the line, the next call sends the rest. */
static bool line_send(const struct log_line *line)
{
	bool to_stderr = log_state.target == LOG_TARGET_STDERR;
	char data[PREFIX_MAX + LOG_LINE_MAX + 1];
	unsigned len = line_format(line, log_state.target, data);
	int fd = log_state.watch.fd;
	ssize_t n;

	if (to_stderr && !log_state.is_socket)
		n = stderr_write(fd, data + log_state.sent, len - log_state.sent);
	else
		n = send(fd, data + log_state.sent, len - log_state.sent,
			 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return errno == EMSGSIZE;
	log_state.sent += (unsigned)n;
	return log_state.sent == len || !(to_stderr || log_state.is_stream);
}

/* Write an error to stderr as well: who starts the daemon sees why it does not start, wherever
 * messages go. */
static void line_repeat(const struct log_line *line)
{
	char data[PREFIX_MAX + LOG_LINE_MAX + 1];
	unsigned len = line_format(line, LOG_TARGET_STDERR, data);

	stderr_write(STDERR_FILENO, data, len);
}

/* Send what waits, the oldest first. Returns true when all is gone, false with errno. */
static bool ring_drain(void)
{
	while (log_state.count > 0) {
		errno = EAGAIN;
		if (!line_send(&log_state.ring[log_state.head]))
			return false;
		log_state.sent = 0;
		log_state.head = (log_state.head + 1) % RING_LINES;
		log_state.count--;
	}
	return true;
}

static void dropped_report(void)
{
	unsigned long dropped = log_state.dropped;

	log_state.dropped = 0;
	log_warning("log_dropped", log_number("messages", dropped));
}

void log_flush(void)
{
	int saved = errno;

	/* The second attempt is for a log daemon that was restarted. */
	for (int attempt = 0; attempt < 2; attempt++) {
		if (log_connect() && ring_drain())
			break;
		if (log_state.watch.fd >= 0 && (errno == EAGAIN || errno == ENOBUFS))
			break;
		log_disconnect();
	}
	if (log_state.count > 0) {
		log_wait();
	} else {
		if (log_state.watched)
			watches_drop(&log_state.loop->watches, &log_state.watch);
		log_state.watched = false;
		if (log_state.dropped > 0)
			dropped_report();
	}
	errno = saved;
}

/* For the last words: a slow reader is waited for, a reader that takes nothing is not. */
void log_finish(int timeout_ms)
{
	struct pollfd pfd = {.events = POLLOUT};

	log_flush();
	for (int n = 0; n < 2 * RING_LINES && log_state.count > 0 && log_state.watch.fd >= 0; n++) {
		pfd.fd = log_state.watch.fd;
		if (poll(&pfd, 1, timeout_ms) != 1 || !(pfd.revents & POLLOUT))
			return;
		log_flush();
	}
}

static void log_ready(struct watch *w, short revents)
{
	log_flush();
}

static void retry_expired(struct deadline *d)
{
	log_flush();
}

void log_attach(struct loop *loop)
{
	log_state.loop = loop;
	log_state.watch.ready = log_ready;
	deadline_queue_init(&loop->deadlines, &log_state.retries, RETRY_MS, retry_expired);
	log_flush();
}

void log_detach(void)
{
	log_disconnect();
	if (log_state.loop != NULL)
		deadline_queue_free(&log_state.retries);
	log_state.loop = NULL;
}

/* stderr where somebody is known to read it, or where there is no log daemon and stderr leads
 * somewhere. */
static enum log_target target_choose(void)
{
	if (log_state.journal || isatty(STDERR_FILENO))
		return LOG_TARGET_STDERR;
	return log_connect() || stderr_is_null() ? LOG_TARGET_SYSLOG : LOG_TARGET_STDERR;
}

void log_open(enum log_target target, const char *path, int facility, int level)
{
	log_disconnect();
	log_state.journal = stderr_is_journal();
	log_state.facility = facility;
	log_state.level = level;
	log_state.target = LOG_TARGET_SYSLOG;
	strlcpy(log_state.path, path, sizeof(log_state.path));
	if (target != LOG_TARGET_SYSLOG)
		log_state.target = target == LOG_TARGET_AUTO ? target_choose() : target;
	else if (!log_connect())
		log_error("log_socket", log_text("path", path), log_text("reason", strerror(errno)),
			  log_text("text", "messages wait for a log daemon there"));
	log_flush();
}

void log_started(void)
{
	log_state.started = true;
}

bool log_takes(int level)
{
	return level <= log_state.level;
}

void log_write(int level, const char *event, const struct log_field *fields)
{
	struct log_line *line = &log_state.ring[(log_state.head + log_state.count) % RING_LINES];
	int saved = errno;

	if (!log_takes(level))
		return;
	if (log_state.count == RING_LINES) {
		log_state.dropped++;
		stats.log_dropped++;
		return;
	}
	log_line_make(line, level, event, fields);
	log_state.count++;
	if (!log_state.started && level <= LOG_ERR && log_state.target == LOG_TARGET_SYSLOG)
		line_repeat(line);
	if (!log_state.watched && log_state.retry.queue == NULL)
		log_flush();
	errno = saved;
}
