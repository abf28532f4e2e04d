/* SPDX-License-Identifier: MIT */
#ifndef PROCESS_PROGRAM_H
#define PROCESS_PROGRAM_H
/*
 * What can be told of a program without running it, in words for people: whether this process can
 * execute it, and with which privileges. To look changes nothing. As what is found may be different
 * a moment later, it explains, and decides nothing.
 */
#include <stdbool.h>

#include "core/reason.h"

/* Whether looking at path shows why execve(2) of it would fail; reason then says
 * it. */
bool program_is_refused(const char *path, struct reason *reason);

/* Whether looking at path, a folder, shows why no program could start in it; with the reason. */
bool folder_is_refused(const char *path, struct reason *reason);

/* Why execve(2) of path has failed, by its errno. */
void program_explain(const char *path, int error, struct reason *reason);

enum program_privilege {
	PROGRAM_PLAIN,       /* runs with the privileges of this process */
	PROGRAM_SET_USER_ID, /* runs as another user */
	PROGRAM_SET_ID_HELD, /* is to run as another user or group, and cannot (NoNewPrivileges=) */
	PROGRAM_CAPS_HELD,   /* has capabilities(7) that are not all given to the process */
};

/* Which privileges a process that this one starts from path will have. */
enum program_privilege program_privilege(const char *path);

/* Whether children can be given a higher nice value than this process has. */
bool program_may_be_nice(void);

#endif
