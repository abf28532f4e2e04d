/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_PROGRAM_H
#define PROCESS_PROGRAM_H
/*
 * What can be told of a program without running it, in words for people: whether this process can
 * execute it, and with which privileges. Nothing is changed by looking. What is found may be other
 * a moment later: it explains, and decides nothing.
 */
#include <stdbool.h>

#define PROGRAM_REASON_MAX 256 /* bytes */

/* Whether looking at path shows why execve(2) of it would fail; the reason is then in
 * reason[PROGRAM_REASON_MAX]. */
bool program_is_refused(const char *path, char *reason);

/* The same for the folder that a program is to start in. */
bool folder_is_refused(const char *path, char *reason);

/* Why execve(2) of path has failed, by its errno, in reason[PROGRAM_REASON_MAX]. */
void program_explain(const char *path, int error, char *reason);

enum program_privilege {
	PROGRAM_PLAIN,       /* it runs as this process does */
	PROGRAM_SET_USER_ID, /* it runs as another user */
	PROGRAM_SET_ID_HELD, /* it is to run as another user or group, and cannot */
	PROGRAM_CAPS_HELD,   /* its capabilities(7) are not all given to it */
};

enum program_privilege program_privilege(const char *path);

/* Whether children can be given a higher nice value than this process has. */
bool program_may_be_nice(void);

#endif
