/* SPDX-License-Identifier: MIT */
#ifndef CORE_LOG_LINE_H
#define CORE_LOG_LINE_H
/* How an event and its fields become a line of the log. Foreign text is quoted and encoded here, in
 * one place, so that it forges neither a field nor a line. */
#include <time.h>

#include "core/log.h"

#define LOG_LINE_MAX 2048 /* bytes */

struct log_line {
	time_t when;
	int level;
	bool full;               /* a field had no room; it and those after it are left out */
	size_t len;              /* bytes of text */
	char text[LOG_LINE_MAX]; /* and a NUL */
};

/* Make a line with the time now. A line that would be too long ends in " ..." in place of the first
 * field that has no room. */
void log_line_make(struct log_line *line, int level, const char *event,
		   const struct log_field *fields);

#endif
