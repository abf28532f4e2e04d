/* SPDX-License-Identifier: MIT */
#ifndef SERVER_READING_H
#define SERVER_READING_H
/*
 * A reading of the configuration while others are served. Files, users, groups and hosts can take
 * as long as a file system or a name server likes, so a child reads, asks and looks, "pollard
 * --resolve", and says what it has found: the texts of the files, what stands for each name, and
 * what is wrong with the programs and folders. The daemon makes its settings of these, and asks
 * nobody.
 *
 * What the child says are records, each an array of strings in RESP2. They are small, so that each
 * turn of the loop parses a little:
 *	KIND NAME ERROR VALUE      a name, net/names.h
 *	warning TEXT               of a section
 *	file PATH                  begins; in the order of reading
 *	text LINES                 more of it
 *	error TEXT                 of the reading; there are no other records then
 */
#include "config/parser.h"
#include "core/buf.h"
#include "process/job.h"
#include "server/daemon.h"

struct reading {
	const char *path; /* borrowed */
	struct job job;
	struct deadline_queue timeouts;
	struct buf records;   /* that are not complete yet */
	size_t bytes;         /* of all that have come */
	struct parser parser; /* of the settings in the making */
	int error;            /* of errno: they cannot be made; 0: none */
	bool running, stopped;
	/* It is over. settings are for the owner, with errors as settings_load() has them;
	 * names_ask() knows what they name, until names_forget(). NULL: reason says why there are
	 * none. */
	void (*done)(struct reading *r, struct settings *settings, const char *reason);
};

/* timeout_ms: the most that a reading may take. */
void reading_init(struct reading *r, const char *path, int64_t timeout_ms,
		  void (*done)(struct reading *r, struct settings *settings, const char *reason));

/* Returns 0, or -1 with errno. */
int reading_start(struct reading *r) __attribute__((warn_unused_result));

/* done() is not called any more. */
void reading_stop(struct reading *r);

/* In the child: read path, and write what there is to say. Returns 0, or -1 with errno. */
int reading_write(const char *path, int fd);

#endif
