/* SPDX-License-Identifier: MIT */
#include "services/opened.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>

#define OPENED_MAX 64
#define OPENED_MS 1000 /* since somebody asked for it */

struct opened {
	TAILQ_ENTRY(opened) entry;
	struct deadline deadline;
	struct shared_file *file; /* a reference */
	dev_t dev;
	ino_t ino;
	struct timespec changed; /* its ctime */
};

static TAILQ_HEAD(opened_list, opened) all =
	TAILQ_HEAD_INITIALIZER(all); /* asked for last: first */
static unsigned count;
static struct deadline_queue ends;

static void opened_close(struct opened *o)
{
	TAILQ_REMOVE(&all, o, entry);
	count--;
	deadline_cancel(&o->deadline);
	shared_file_unref(o->file);
	free(o);
}

static void opened_expired(struct deadline *d)
{
	opened_close(container_of(d, struct opened, deadline));
}

static bool opened_is(const struct opened *o, const struct stat *st)
{
	return o->ino == st->st_ino && o->dev == st->st_dev &&
	       o->changed.tv_sec == st->st_ctim.tv_sec && o->changed.tv_nsec == st->st_ctim.tv_nsec;
}

struct shared_file *opened_find(const struct stat *st)
{
	struct opened *o;

	TAILQ_FOREACH(o, &all, entry) {
		if (!opened_is(o, st))
			continue;
		TAILQ_REMOVE(&all, o, entry);
		TAILQ_INSERT_HEAD(&all, o, entry);
		deadline_start(&ends, &o->deadline);
		return o->file;
	}
	return NULL;
}

struct shared_file *opened_keep(struct deadlines *deadlines, int fd, const struct stat *st)
{
	struct shared_file *file = shared_file_new(fd);
	struct opened *o = file != NULL ? calloc(1, sizeof(*o)) : NULL;

	if (o == NULL) {
		if (file != NULL)
			shared_file_unref(file);
		return NULL;
	}
	if (ends.expired == NULL)
		deadline_queue_init(deadlines, &ends, OPENED_MS, opened_expired);
	if (count == OPENED_MAX)
		opened_close(TAILQ_LAST(&all, opened_list));
	*o = (struct opened){
		.file = file, .dev = st->st_dev, .ino = st->st_ino, .changed = st->st_ctim};
	TAILQ_INSERT_HEAD(&all, o, entry);
	count++;
	deadline_start(&ends, &o->deadline);
	return file;
}

void opened_stop(void)
{
	while (!TAILQ_EMPTY(&all))
		opened_close(TAILQ_FIRST(&all));
}
