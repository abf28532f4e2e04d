/* SPDX-License-Identifier: MIT */
#ifndef CORE_LOG_H
#define CORE_LOG_H
/*
 * One place that writes messages: RFC 3164 to the local log socket, or lines on stderr, with
 * "<N>" priorities when systemd reads it, else with the time. It never blocks: what the reader
 * does not take waits in a bounded ring, and what the ring cannot hold is dropped and counted.
 * Every message goes through strvisx(3), so foreign text cannot forge a line. errno is kept,
 * "%m" works. Not to be confused with syslog(3), which blocks when the log daemon stalls.
 */
#include <syslog.h>

#include "core/loop.h"

enum log_target {
	LOG_TARGET_AUTO,   /* syslog; but stderr if that is read, or no log daemon is there */
	LOG_TARGET_SYSLOG, /* messages to the log socket */
	LOG_TARGET_STDERR, /* lines */
};

/* Where messages go from now on. path is copied; facility is LOG_DAEMON, ...; messages less
 * urgent than level are not written. Before the first call: stderr, LOG_INFO. */
void log_open(enum log_target target, const char *path, int facility, int level);

/* Until this call, errors for syslog are written to stderr as well. */
void log_started(void);

/* Lets the loop send what waits. */
void log_attach(struct loop *loop);

/* The loop goes away; close what is open. */
void log_detach(void);

/* Send what waits as far as that is possible at once. */
void log_flush(void);
/* The same, waiting up to timeout_ms each time the reader is slow. */
void log_finish(int timeout_ms);

void log_write(int level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_write(LOG_NOTICE, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

#endif
