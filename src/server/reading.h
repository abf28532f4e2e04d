/* SPDX-License-Identifier: MIT */
#ifndef SERVER_READING_H
#define SERVER_READING_H
/*
 * A reading of the configuration while clients are served. Files, users, groups and hosts can take
 * as long as a file system or a name server likes, so a child, "pollard --resolve", reads, asks and
 * looks. It writes what it has found: the texts of the files, what each name stands for, and what
 * is wrong with programs and folders. The daemon makes settings of that, and asks nobody.
 *
 * What the child writes are records, each an array of strings in RESP2. They are small, so that
 * each turn of the loop parses a little:
 *	KIND NAME ERROR VALUE      what a user, group or host stands for, net/names.h
 *	warning TEXT               of a section, which has looked at the system
 *	file PATH                  a file begins; in the order of reading
 *	text LINES                 some lines of that file
 *	error TEXT                 of the configuration; all records are errors then
 */
#include "config/parser.h"
#include "core/buf.h"
#include "process/job.h"
#include "server/daemon.h"

struct reading {
	const char *path; /* borrowed */
	struct job job;
	struct deadline_queue timeouts;
	struct buf records;   /* bytes that are no complete record yet */
	size_t bytes;         /* of all that the child has written */
	struct parser parser; /* of the settings in the making; settings NULL: none */
	int error;            /* errno: why no settings can be made; 0: they can */
	bool running;         /* the child has not ended */
	bool stopped;         /* reading_stop() was called */
	/* The reading is over. settings is a reference for whoever is called, with errors as
	 * settings_load() has them; names_ask() has answers for what they name, until done()
	 * returns, or starts the next reading. NULL: reason says why there are none. */
	void (*done)(struct reading *r, struct settings *settings, const char *reason);
};

/* path is borrowed. timeout_ms: the most that a reading may take. */
void reading_init(struct reading *r, const char *path, int64_t timeout_ms,
		  void (*done)(struct reading *r, struct settings *settings, const char *reason));

/* Begin a reading, none of which is running: done() comes later. Returns 0, or -1 with errno. */
int reading_start(struct reading *r) __attribute__((warn_unused_result));

/* Give the reading up, if there is one: done() is not called. */
void reading_stop(struct reading *r);

/* In the child: read path, and write the records to fd. Returns 0, or -1 with errno. */
int reading_write(const char *path, int fd);

#endif
