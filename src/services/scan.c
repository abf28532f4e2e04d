/* SPDX-License-Identifier: MIT */
#include "services/scan.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "net/conn.h"
#include "process/slots.h"
#include "services/kept.h"

#define COUNT_DEFAULT 100
#define COUNT_MAX 1000          /* entries that one request looks at */
#define WORK_MAX 8192           /* of conn_charge(), after which a request looks at no more */
#define REPLY_BYTES (64 * 1024) /* of names, after which a request looks at no more */
#define READ_WORK 3             /* of conn_charge(), to read an entry */
#define LINK_WORK 16            /* of conn_charge(), to find out where a link leads */
#define GLOB_MAX 510            /* bytes: those of a name, each after a backslash */
#define READING_MAX 2           /* folders at one time, of those that take more than a step */
#define WAITING_MAX 64          /* requests; more are told to come back */
#define STEP_NS 2000000         /* of reading, in one turn */
#define CLOCK_ENTRIES 256       /* read between two looks at the clock */
#define PAUSE_MS 1              /* between two steps, for other connections */

static struct slots slots;
static struct deadline_queue pauses;

struct scan {
	struct task task;      /* where reading takes more than a step */
	struct slot slot;      /* to read */
	struct deadline pause; /* runs between two steps */
	struct conn *c;
	struct beneath *root;  /* a reference */
	struct kept *kept;     /* the listing that is being read, owned; NULL: none */
	DIR *dir;              /* the folder that is being read, owned; NULL: none */
	int64_t cursor;        /* 0: the beginning, or the end; else place and begun in one */
	uint64_t place;        /* of the next name */
	uint64_t begun;        /* the epoch; modulo KEPT_EPOCHS until the folder is open */
	int64_t count;         /* entries to look at */
	char folder[PATH_MAX]; /* "" or "sub/folder/" */
	char glob[PATH_MAX];   /* that names in the folder match; "": all */
	unsigned work;         /* done, of conn_charge() */
	struct buf found;      /* names to give, as replies */
	size_t found_count;
};

/* ---- what is asked ---- */

/* Take the pattern after MATCH, as "sub/a*": what is before the last slash is the folder. Returns
 * 0, or -1 where it is none. */
static int scan_match(struct scan *s, const struct slice *pattern)
{
	const char *slash;

	if (pattern->len >= PATH_MAX || memchr(pattern->data, '\0', pattern->len) != NULL)
		return -1;
	s->folder[0] = '\0';
	memcpy(s->glob, pattern->data, pattern->len);
	s->glob[pattern->len] = '\0';
	slash = strrchr(s->glob, '/');
	if (slash != NULL) {
		memcpy(s->folder, s->glob, (size_t)(slash + 1 - s->glob));
		s->folder[slash + 1 - s->glob] = '\0';
		memmove(s->glob, slash + 1, strlen(slash + 1) + 1);
	}
	return strlen(s->glob) <= GLOB_MAX ? 0 : -1;
}

static int scan_options(struct scan *s, const struct call *call)
{
	if (!slice_integer(&call->argv[1], &s->cursor) || s->cursor < 0 || call->argc % 2 != 0)
		return -1;
	for (int i = 2; i + 1 < call->argc; i += 2) {
		if (slice_is(&call->argv[i], "MATCH")) {
			if (scan_match(s, &call->argv[i + 1]) < 0)
				return -1;
		} else if (!slice_is(&call->argv[i], "COUNT") ||
			   !slice_integer(&call->argv[i + 1], &s->count) || s->count < 1) {
			return -1;
		}
	}
	if (s->count > COUNT_MAX)
		s->count = COUNT_MAX;
	return 0;
}

/* ---- what is given ---- */

/* The type of an entry, as in struct dirent, DT_REG or DT_DIR; a symbolic link counts as what it
 * leads to. DT_UNKNOWN: nothing that is served. What cannot be looked at counts as a file, and
 * whoever asks for it is told why. Returns -1 with errno where only a shortage is in the way. */
static int entry_type(const struct scan *s, const struct listed *entry, const char *name)
{
	struct stat st;

	if (entry->type == DT_REG || entry->type == DT_DIR)
		return entry->type;
	if (entry->type != DT_LNK && entry->type != DT_UNKNOWN)
		return DT_UNKNOWN;
	if (beneath_stat(s->root, name, &st) == 0)
		return S_ISREG(st.st_mode) ? DT_REG : S_ISDIR(st.st_mode) ? DT_DIR : DT_UNKNOWN;
	if (error_is_shortage(errno))
		return -1;
	return error_is_none(errno) || errno == ELOOP || errno == EXDEV ? DT_UNKNOWN : DT_REG;
}

/* Look at one entry, and say its name, if it is to be given, to found: a call whose replies are
 * kept until they are counted. Returns 0, or -1 with errno. */
static int scan_entry(const struct call *found, struct scan *s, const struct listed *entry)
{
	char name[PATH_MAX + 1];
	int type, len;

	if ((entry->name[0] == '.' && !s->root->hidden) ||
	    (s->glob[0] != '\0' && fnmatch(s->glob, entry->name, 0) != 0))
		return 0;
	len = snprintf(name, PATH_MAX, "%s%s", s->folder, entry->name);
	if (len >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	type = entry_type(s, entry, name);
	if (type < 0 || type == DT_UNKNOWN)
		return type < 0 ? -1 : 0;
	if (type == DT_DIR)
		name[len++] = '/';
	s->found_count++;
	return say_bytes(found, name, (size_t)len);
}

/* What it costs to look at an entry, of conn_charge(): fnmatch(3) can try all of the glob at each
 * byte of the name. */
static unsigned entry_work(const struct scan *s, const struct listed *entry)
{
	size_t work = 4 + strlen(s->glob) * strlen(entry->name) / 64;
	bool is_told = entry->type != DT_LNK && entry->type != DT_UNKNOWN;

	return (unsigned)work + (is_told ? 0 : LINK_WORK);
}

/* Whether a request that has looked at so many entries looks at no more. */
static bool scan_has_enough(const struct scan *s, int64_t looked_at)
{
	return looked_at >= s->count || s->work >= WORK_MAX || buf_len(&s->found) >= REPLY_BYTES;
}

static int64_t cursor_of(const struct scan *s)
{
	return (int64_t)(s->place * KEPT_EPOCHS + s->begun % KEPT_EPOCHS);
}

/* Look at s->count entries from s->place on, or fewer where that is much work, and leave the cursor
 * at the entry after them. A cursor cannot stand between names at one place: these go together. */
static int scan_run(const struct call *found, struct scan *s, struct listing *l)
{
	struct listed *entry = listing_find(l, s->place);
	uint64_t last = 0;

	for (int64_t n = 0; entry != NULL; n++, entry = listing_next(entry)) {
		if (entry->place != last && scan_has_enough(s, n))
			break;
		s->work += entry_work(s, entry);
		if (scan_entry(found, s, entry) < 0)
			return -1;
		last = entry->place;
	}
	s->place = entry != NULL ? entry->place : l->limit;
	s->cursor = s->place < PLACE_END ? cursor_of(s) : 0;
	return 0;
}

static int scan_say(const struct call *call, const struct scan *s)
{
	char cursor[24];

	snprintf(cursor, sizeof(cursor), "%" PRId64, s->cursor);
	if (say_list(call, 2) < 0 || say_text(call, cursor) < 0 ||
	    say_list(call, s->found_count) < 0)
		return -1;
	return buf_add(call->out, buf_data(&s->found), buf_len(&s->found));
}

/* Say what errno has: a folder that is not there is an empty one, any other error is said. */
static int scan_refuse(const struct call *call, struct scan *s)
{
	const char *folder = s->folder[0] != '\0' ? s->folder : ".";

	if (!error_is_none(errno))
		return beneath_refuse(call, &(struct slice){folder, strlen(folder)});
	s->cursor = 0;
	return scan_say(call, s);
}

/* Answer from a listing. */
static int scan_give(const struct call *call, struct scan *s, struct listing *l)
{
	struct call found = *call;
	int result;

	found.out = &s->found;
	result = scan_run(&found, s, l);
	conn_charge(s->c, s->work);
	return result < 0 ? scan_refuse(call, s) : scan_say(call, s);
}

static void scan_free(struct scan *s)
{
	slots_leave(&slots, &s->slot);
	deadline_cancel(&s->pause);
	if (s->kept != NULL)
		kept_free(s->kept);
	if (s->dir != NULL)
		closedir(s->dir);
	if (s->root != NULL)
		beneath_unref(s->root);
	buf_free(&s->found);
	free(s);
}

/* ---- reading ---- */

/* Read entries of the folder into the listing, for one step. Returns 1 at the end of the folder, 0
 * where there is more, -1 with errno. */
static int scan_read(struct scan *s)
{
	int64_t end_ns = clock_ns() + STEP_NS;
	const struct dirent *entry;

	for (unsigned n = 1; n % CLOCK_ENTRIES != 0 || clock_ns() < end_ns; n++) {
		conn_charge(s->c, READ_WORK);
		errno = 0;
		entry = readdir(s->dir);
		if (entry == NULL)
			return errno == 0 ? 1 : -1;
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    listing_add(&s->kept->listing, entry->d_name, entry->d_type) < 0)
			return -1;
	}
	deadline_start(&pauses, &s->pause);
	return 0;
}

/* Keep the listing, if the next request will ask for more of it. */
static void scan_leave(struct scan *s)
{
	struct kept *k = s->kept;

	if (s->place >= k->listing.limit)
		return;
	s->kept = NULL;
	kept_keep(k);
}

/* Answer from what was read; read is what scan_read() returned: -1: say why there is nothing. */
static int scan_answer(const struct call *call, struct scan *s, int read)
{
	if (read < 0)
		return scan_refuse(call, s);
	if (scan_give(call, s, &s->kept->listing) < 0)
		return -1;
	scan_leave(s);
	return 0;
}

static enum task_progress scan_more(const struct call *call, struct task *t)
{
	struct scan *s = container_of(t, struct scan, task);
	int result;

	if (s->slot.state != SLOT_GRANTED || s->pause.queue != NULL)
		return TASK_WAITS;
	result = scan_read(s);
	if (result == 0)
		return TASK_WAITS;
	if (scan_answer(call, s, result) < 0)
		return TASK_FAILED;
	scan_free(s);
	return TASK_DONE;
}

static void scan_gone(struct task *t)
{
	scan_free(container_of(t, struct scan, task));
}

static void scan_granted(struct slot *slot)
{
	conn_wake(container_of(slot, struct scan, slot)->c);
}

static void scan_paused(struct deadline *d)
{
	conn_wake(container_of(d, struct scan, pause)->c);
}

/* ---- a request ---- */

/* Answer at once, where a listing is kept, or one step is enough. Returns 1 when s has become a
 * task, else 0, or -1 with ENOMEM. */
static int scan_begin(const struct call *call, struct scan *s)
{
	struct kept *k;
	struct stat st;
	int result;

	s->dir = beneath_opendir(s->root, s->folder, &st);
	if (s->dir == NULL)
		return scan_refuse(call, s);
	s->begun = s->cursor == 0 ? kept_epoch_begin(&st) : kept_epoch(s->begun);
	k = kept_use(&st, s->place, s->begun);
	if (k != NULL)
		return scan_give(call, s, &k->listing);
	s->kept = kept_new(&st, s->place);
	result = s->kept != NULL ? scan_read(s) : -1;
	if (result != 0)
		return scan_answer(call, s, result);
	if (slots_enter(&slots, &s->slot, scan_granted) < 0)
		return say_error(call, "BUSY too many folders are read, try again later");
	conn_task(s->c, &s->task);
	return 1;
}

static int scan_check(const struct call *call, struct scan *s)
{
	if (scan_options(s, call) < 0)
		return say_error(call,
				 "ERR write SCAN cursor [MATCH glob] [COUNT n], a glob of at most "
				 "%d bytes",
				 GLOB_MAX);
	s->place = (uint64_t)s->cursor / KEPT_EPOCHS;
	s->begun = (uint64_t)s->cursor % KEPT_EPOCHS;
	if (s->place >= PLACE_END)
		return say_error(call, "ERR that cursor was not given here, begin with 0");
	errno = ENOENT;
	if (s->root == NULL || (!s->root->hidden && name_is_hidden(s->folder)))
		return scan_refuse(call, s);
	return scan_begin(call, s);
}

int scan_reply(const struct call *call, struct beneath *root)
{
	struct deadlines *deadlines = &conn_loop(call->conn)->deadlines;
	struct scan *s = calloc(1, sizeof(*s));
	int result;

	if (s == NULL)
		return -1;
	s->task = (struct task){.more = scan_more, .gone = scan_gone};
	s->c = call->conn;
	s->root = root != NULL ? beneath_ref(root) : NULL;
	s->count = COUNT_DEFAULT;
	if (pauses.expired == NULL) {
		slots_init(&slots, READING_MAX, WAITING_MAX);
		kept_init(deadlines);
		deadline_queue_init(deadlines, &pauses, PAUSE_MS, scan_paused);
	}
	result = scan_check(call, s);
	if (result == 1)
		return 0;
	scan_free(s);
	return result;
}

void scan_stop(void)
{
	kept_stop();
}
