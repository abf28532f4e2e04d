/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_PROGRAM_H
#define PROCESS_PROGRAM_H
/*
 * What can be told of a program without running it, in words for people: whether this process can
 * execute it, and with which privileges. Nothing is changed by looking. What is found may be other
 * a moment later: it explains, and decides nothing.
 */
#include <stdbool.h>

#include "core/reason.h"

/* Whether looking at path shows why execve(2) of it would fail; reason then says
 * it. */
bool program_is_refused(const char *path, struct reason *reason);

/* The same for the folder that a program is to start in. */
bool folder_is_refused(const char *path, struct reason *reason);

/* Why execve(2) of path has failed, by its errno. */
void program_explain(const char *path, int error, struct reason *reason);

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
