/* SPDX-License-Identifier: MIT */
#ifndef CORE_LOG_H
#define CORE_LOG_H
/*
 * One place that writes messages: RFC 3164 to the local log socket, or lines on stderr, with
 * "<N>" priorities when systemd reads stderr, else with the time. Logging never blocks: what the
 * reader does not take waits in a bounded ring, and what the ring cannot hold is dropped and
 * counted. A message is one line, "event key=value ...". A value with anything in it that could be
 * taken for something else stands between double quotes and is encoded, strvisx(3): foreign text
 * forges neither a field nor a line, whoever logs it. syslog(3) is not used: it blocks when the log
 * daemon stalls.
 */
#include <syslog.h>

#include "core/log_line.h"
#include "core/loop.h"

enum log_target {
	LOG_TARGET_AUTO, /* syslog; but stderr where somebody reads it, or no log daemon is there */
	LOG_TARGET_SYSLOG, /* messages to the log socket */
	LOG_TARGET_STDERR, /* lines */
};

/* Where messages go from now on. path is copied; facility is LOG_DAEMON, ...; messages less
 * urgent than level are not written. Before the first call: stderr, LOG_INFO. */
void log_open(enum log_target target, const char *path, int facility, int level);

/* Until this call, errors for syslog are written to stderr as well. */
void log_started(void);

/* From now on the loop sends what waits, as soon as the reader takes it. */
void log_attach(struct loop *loop);

/* The loop goes away. Closes the descriptor that messages went to. */
void log_detach(void);

/* Send what waits as far as that is possible at once. errno is kept. */
void log_flush(void);
/* Send all that waits, and wait up to timeout_ms each time the reader is slow. */
void log_finish(int timeout_ms);

/* Whether messages of this level are written; where they are not, nobody need make their values. */
bool log_takes(int level);

/* Write a line; level is LOG_ERR, ..., fields end with a NULL key. Each event is described in
 * pollard(8); the event of a line that has its own format is all of that line, printable ASCII.
 * errno is kept. */
void log_write(int level, const char *event, const struct log_field *fields);

#define LOG_FIELDS(...) ((const struct log_field[]){__VA_ARGS__, {0}})
#define log_error(event, ...) log_write(LOG_ERR, event, LOG_FIELDS(__VA_ARGS__))
#define log_warning(event, ...) log_write(LOG_WARNING, event, LOG_FIELDS(__VA_ARGS__))
#define log_notice(event, ...) log_write(LOG_NOTICE, event, LOG_FIELDS(__VA_ARGS__))
#define log_info(event, ...) log_write(LOG_INFO, event, LOG_FIELDS(__VA_ARGS__))

#endif
