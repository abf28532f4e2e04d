/* SPDX-License-Identifier: MIT */
#include "services/digest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/burst.h"
#include "core/log.h"
#include "core/stats.h"
#include "process/job.h"
#include "process/slots.h"
#include "services/beneath.h"

#define HEX_LEN 64         /* digits */
#define WAITING_MAX 64     /* requests; more are told to come back */
#define CACHE_ENTRIES 64   /* digests that are remembered */
#define TIMEOUT_MS 3600000 /* for one digest */

static struct slots slots;
static struct deadline_queue timeouts;

/* What tells whether a file has changed. */
struct digest_key {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime; /* mtime can be set back, utimensat(2); ctime cannot */
};

static struct {
	struct {
		struct digest_key key;
		char hex[HEX_LEN];
	} entries[CACHE_ENTRIES];
	unsigned next; /* the entry to be replaced */
} cache;

struct digest {
	struct task task;
	struct job job;
	struct slot slot;
	struct conn *c;        /* NULL: the connection has gone */
	int fd;                /* owned: the file */
	struct digest_key key; /* of the file when it was asked for */
	char hex[HEX_LEN];     /* what sha256sum has said so far */
	size_t len;            /* bytes of hex; HEX_LEN when done: this is the digest */
	int error;             /* errno: why there was no job; 0: there was one */
	bool begun;            /* the beginning of the reply has been said: digest_eof() */
	bool done;             /* the job has ended, or there is none */
};

static struct digest_key digest_key(const struct stat *st)
{
	struct digest_key key;

	memset(&key, 0, sizeof(key)); /* the padding is compared, too */
	key.dev = st->st_dev;
	key.ino = st->st_ino;
	key.size = st->st_size;
	key.mtime = st->st_mtim;
	key.ctime = st->st_ctim;
	return key;
}

static const char *cache_find(const struct digest_key *key)
{
	for (size_t i = 0; i < CACHE_ENTRIES; i++)
		if (memcmp(&cache.entries[i].key, key, sizeof(*key)) == 0)
			return cache.entries[i].hex;
	return NULL;
}

static void cache_add(const struct digest *d)
{
	cache.entries[cache.next].key = d->key;
	memcpy(cache.entries[cache.next].hex, d->hex, HEX_LEN);
	cache.next = (cache.next + 1) % CACHE_ENTRIES;
}

static void digest_free(struct digest *d)
{
	slots_leave(&slots, &d->slot);
	close(d->fd);
	free(d);
}

static void digest_output(struct job *job, enum job_stream stream, const char *data, size_t len)
{
	struct digest *d = container_of(job, struct digest, job);

	if (stream != JOB_STDOUT)
		return;
	if (len > HEX_LEN - d->len)
		len = HEX_LEN - d->len;
	memcpy(d->hex + d->len, data, len);
	d->len += len;
}

/* The job has ended. The digest counts if the file has not changed meanwhile, and as many bytes
 * were read as its size: GET gives no more than that, and does not give less. The place is given
 * back before the reply goes out, however slowly the client takes it. */
static void digest_ended(struct job *job)
{
	struct digest *d = container_of(job, struct digest, job);
	struct digest_key now;
	struct stat st;

	stats.digests_made++;
	d->done = true;
	if (job->exit_status != 0 || lseek(d->fd, 0, SEEK_CUR) != d->key.size)
		d->len = 0;
	if (fstat(d->fd, &st) == 0)
		now = digest_key(&st);
	else
		memset(&now, 0, sizeof(now));
	if (memcmp(&now, &d->key, sizeof(now)) != 0)
		d->len = 0;
	if (d->len == HEX_LEN && cache_find(&d->key) == NULL)
		cache_add(d);
	slots_leave(&slots, &d->slot);
	if (d->c != NULL)
		conn_wake(d->c);
	else
		digest_free(d);
}

static const struct job_ops digest_ops = {.output = digest_output, .ended = digest_ended};

static void digest_start(struct digest *d)
{
	static char program[] = "/usr/bin/sha256sum", locale[] = "LC_ALL=C";
	char *const argv[] = {program, NULL}, *const envp[] = {locale, NULL};
	const struct spawn_spec spec = {.argv = argv, .envp = envp, .stdin_fd = d->fd, .nice = 10};

	if (job_start(&d->job, &spec, &timeouts, &digest_ops) == 0)
		return;
	d->error = errno;
	if (burst_takes("not_run", "program", program, NULL))
		log_info("not_run", log_text("program", program),
			 log_text("reason", strerror(d->error)));
	d->done = true;
	slots_leave(&slots, &d->slot);
}

/* A reply to a digest that is being made has 64 digits, unless the file changes: that much can be
 * said now. */
static void digest_eof(const struct call *call, struct task *t)
{
	struct digest *d = container_of(t, struct digest, task);

	if (d->slot.state == SLOT_GRANTED && !d->done && !d->begun)
		d->begun = say_bytes_begin(call, HEX_LEN) == 0;
}

static void digest_granted(struct slot *slot)
{
	struct digest *d = container_of(slot, struct digest, slot);
	struct call call = conn_call(d->c);

	digest_start(d);
	if (conn_has_ended(d->c))
		digest_eof(&call, &d->task);
	if (d->done || d->begun)
		conn_wake(d->c);
}

static int digest_say(const struct call *call, const struct digest *d)
{
	if (d->begun && d->len < HEX_LEN)
		return -1;
	if (d->begun)
		return buf_add(call->out, d->hex, HEX_LEN) < 0 ? -1 : say_bytes_end(call);
	if (d->len == HEX_LEN)
		return say_bytes(call, d->hex, HEX_LEN);
	if (d->error == 0)
		return say_error(call, "ERR the file has changed, or cannot be read");
	return say_error(call,
			 error_is_shortage(d->error) ? "BUSY sha256sum: %s, try again later"
						     : "ERR sha256sum: %s",
			 strerror(d->error));
}

static enum task_progress digest_more(const struct call *call, struct task *t)
{
	struct digest *d = container_of(t, struct digest, task);

	if (!d->done)
		return TASK_WAITS;
	if (digest_say(call, d) < 0)
		return TASK_FAILED;
	digest_free(d);
	return TASK_DONE;
}

static void digest_gone(struct task *t)
{
	struct digest *d = container_of(t, struct digest, task);

	d->c = NULL;
	if (d->slot.state == SLOT_GRANTED && !d->done)
		job_stop(&d->job);
	else
		digest_free(d);
}

/* Have the digest made, by a task. Takes fd. Returns 0, or -1 with ENOMEM. */
static int digest_begin(const struct call *call, int fd, const struct digest_key *key)
{
	struct digest *d = calloc(1, sizeof(*d));
	int place;

	if (d == NULL) {
		close(fd);
		return -1;
	}
	*d = (struct digest){
		.task = {.more = digest_more, .gone = digest_gone, .eof = digest_eof},
		.c = call->conn,
		.fd = fd,
		.key = *key,
	};
	place = slots_enter(&slots, &d->slot, digest_granted);
	if (place < 0) {
		digest_free(d);
		stats.refused_busy++;
		return say_error(call, "BUSY too many digests, try again later");
	}
	if (place > 0)
		digest_start(d);
	conn_task(call->conn, &d->task);
	return 0;
}

int digest_reply(const struct call *call, int fd, const struct stat *st)
{
	struct digest_key key = digest_key(st);
	const char *hex = cache_find(&key);

	if (hex == NULL)
		return digest_begin(call, fd, &key);
	stats.digests_remembered++;
	close(fd);
	return say_bytes(call, hex, HEX_LEN);
}

void digest_use(unsigned max)
{
	if (slots.max_granted > 0) {
		slots_limit(&slots, max, WAITING_MAX);
		slots_serve(&slots);
		return;
	}
	slots_init(&slots, max, WAITING_MAX);
	job_timeouts_init(&timeouts, TIMEOUT_MS);
}
