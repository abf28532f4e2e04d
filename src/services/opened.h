/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_OPENED_H
#define SERVICES_OPENED_H
/*
 * Files that were opened lately, a few, for a second after somebody asked for one: opening and
 * closing is half of what a small one costs. They are found by what a name leads to, which is
 * looked up each time, so what is not there any more cannot be had; and by when that has changed,
 * so that whoever may not open it any more does not.
 */
#include <sys/stat.h>

#include "core/deadline.h"
#include "net/shared_file.h"

/* Returns one, borrowed for one turn, or NULL. */
struct shared_file *opened_find(const struct stat *st);

/* Takes fd, of what st says. Returns it, borrowed likewise, or NULL with ENOMEM. */
struct shared_file *opened_keep(struct deadlines *deadlines, int fd, const struct stat *st);

/* Close all. */
void opened_stop(void);

#endif
