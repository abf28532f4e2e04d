/* SPDX-License-Identifier: MIT */
/* The names of a folder are read and looked at in steps, so that no other client has to wait for a
 * large folder; then the names are sorted, and become a page. */
#include "services/files_page.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "net/conn.h"
#include "wire/page.h"

#define NAMES_MAX 10000     /* of a folder that are read */
#define BYTES_MAX (1 << 20) /* of a page, whereafter no row begins */
#define STEP_NS 2000000     /* in one turn */
#define STEP_WORK 256       /* for one; as conn_charge() counts */
#define CLOCK_NAMES 64      /* between two looks at the clock */

struct row {
	int64_t modified;
	off_t size; /* -1: a folder */
	char *name; /* owned */
};

struct folder {
	struct task task;
	struct beneath *root; /* a reference */
	DIR *dir;
	struct row *rows;
	size_t count, room;
	size_t looked_at; /* rows before it are kept and known */
	size_t at;        /* the next to be looked at */
	bool read;        /* all names are there */
	bool more;        /* but those there is no room for */
	char name[];      /* "" or "sub/folder/" */
};

static void folder_free(struct folder *f)
{
	for (size_t i = 0; i < f->count; i++)
		free(f->rows[i].name);
	free(f->rows);
	if (f->dir != NULL)
		closedir(f->dir);
	beneath_unref(f->root);
	free(f);
}

/* ---- what is there ---- */

static int row_add(struct folder *f, const char *name)
{
	size_t room = f->room > 0 ? f->room * 2 : 64;

	if (f->count == f->room) {
		struct row *rows = reallocarray(f->rows, room, sizeof(*rows));

		if (rows == NULL)
			return -1;
		f->rows = rows;
		f->room = room;
	}
	f->rows[f->count] = (struct row){.name = strdup(name)};
	return f->rows[f->count].name != NULL ? (f->count++, 0) : -1;
}

/* Read one name. Returns 0, or -1 with errno. */
static int name_read(struct folder *f)
{
	const struct dirent *entry;

	errno = 0;
	entry = readdir(f->dir);
	f->more = entry != NULL && f->count == NAMES_MAX;
	f->read = entry == NULL || f->more;
	if (entry == NULL)
		return errno == 0 ? 0 : -1;
	if (strlen(entry->d_name) > NAME_MAX) /* a few file systems have longer ones */
		return 0;
	if (f->read || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
	    (entry->d_name[0] == '.' && !f->root->hidden))
		return 0;
	return row_add(f, entry->d_name);
}

/* Find out what a name leads to. Returns whether that can be had: it is a file, or a folder. */
static bool row_look(const struct folder *f, struct row *row)
{
	char path[PATH_MAX];
	struct stat st;

	if (fstatat(dirfd(f->dir), row->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (S_ISLNK(st.st_mode)) {
		if (snprintf(path, sizeof(path), "%s%s", f->name, row->name) >= (int)sizeof(path) ||
		    beneath_stat(f->root, path, &st) < 0)
			return false;
	}
	row->modified = st.st_mtim.tv_sec;
	row->size = S_ISDIR(st.st_mode) ? -1 : st.st_size;
	return S_ISDIR(st.st_mode) || S_ISREG(st.st_mode);
}

/* Look at one row, and keep it if there is something. */
static void row_keep(struct folder *f)
{
	struct row *row = &f->rows[f->at++], kept = *row;

	row->name = NULL;
	if (row_look(f, &kept))
		f->rows[f->looked_at++] = kept;
	else
		free(kept.name);
}

/* Read and look, for one step. Returns 1 when all is known, 0 where there is more to do, -1 with
 * errno. */
static int folder_step(struct folder *f)
{
	int64_t end_ns = clock_ns() + STEP_NS;

	for (unsigned n = 1; n % CLOCK_NAMES != 0 || clock_ns() < end_ns; n++) {
		if (!f->read && name_read(f) < 0)
			return -1;
		if (f->read && f->at == f->count) {
			f->count = f->looked_at;
			return 1;
		}
		if (f->read)
			row_keep(f);
	}
	return 0;
}

/* ---- the page ---- */

char *link_print(const char *path, char *to)
{
	static const char digits[] = "0123456789ABCDEF";

	for (; *path != '\0'; path++) {
		unsigned char c = (unsigned char)*path;

		if (c < 0x80 && (isalnum(c) || strchr("-._~/", c) != NULL)) {
			*to++ = (char)c;
			continue;
		}
		*to++ = '%';
		*to++ = digits[c >> 4];
		*to++ = digits[c & 15];
	}
	*to = '\0';
	return to;
}

/* The order of rows: folders first, then by name. */
static int rows_compare(const void *one, const void *other)
{
	const struct row *a = one, *b = other;

	if ((a->size < 0) != (b->size < 0))
		return a->size < 0 ? -1 : 1;
	return strcmp(a->name, b->name);
}

/* Write a size with three digits and a unit, or in bytes where it is less than a KiB. */
static void size_print(off_t size, char text[16])
{
	static const char units[] = "BKMGTPE";
	double left = (double)size;
	int unit = 0;

	for (; left >= 999.5 && unit < 6; unit++)
		left /= 1024;
	if (unit == 0)
		snprintf(text, 16, "%d B", (int)size);
	else
		snprintf(text, 16, "%.*f %ciB", left < 9.95 ? 1 : 0, left, units[unit]);
}

static int row_say(struct buf *page, const struct row *row)
{
	char cells[128], link[3 * NAME_MAX + 1], size[16] = "", date[32] = "";
	const char *slash = row->size < 0 ? "/" : "";
	time_t modified = (time_t)row->modified;
	struct tm tm;

	if (row->size >= 0)
		size_print(row->size, size);
	if (gmtime_r(&modified, &tm) != NULL)
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M", &tm);
	snprintf(cells, sizeof(cells), "</a><td class=\"n\">%s<td class=\"n\">%s\n", size, date);
	link_print(row->name, link);
	if (page_html(page, "<tr><td><a href=\"./") < 0 || page_html(page, link) < 0 ||
	    page_html(page, slash) < 0 || page_html(page, "\">") < 0 ||
	    page_text(page, row->name, strlen(row->name)) < 0 || page_html(page, slash) < 0)
		return -1;
	return page_html(page, cells);
}

static int rows_say(struct buf *page, const struct folder *f)
{
	size_t i;

	for (i = 0; i < f->count && buf_len(page) < BYTES_MAX; i++)
		if (row_say(page, &f->rows[i]) < 0)
			return -1;
	if (f->more || i < f->count)
		return page_html(page, "<tr><td>There is more, for which this page has no room.\n");
	return 0;
}

static int page_make(struct buf *page, const struct folder *f)
{
	char title[PATH_MAX + 1];
	size_t len = (size_t)snprintf(title, sizeof(title), "/%s", f->name);

	if (page_begin(page, title, len) < 0 ||
	    page_html(page, "<table><tr><th>Name<th class=\"n\">Size<th class=\"n\">"
			    "Changed (UTC)\n") < 0)
		return -1;
	if (f->name[0] != '\0' && page_html(page, "<tr><td><a href=\"../\">../</a><td><td>\n") < 0)
		return -1;
	return rows_say(page, f) < 0 ? -1 : page_html(page, "</table></body></html>\n");
}

static int folder_say(const struct call *call, struct folder *f)
{
	struct document d = {.status = 200, .type = PAGE_TYPE, .page = true, .passing = true};
	struct buf page = {0};
	int result;

	if (f->count > 0)
		qsort(f->rows, f->count, sizeof(*f->rows), rows_compare);
	result = page_make(&page, f);
	d.size = buf_len(&page);
	if (result == 0)
		result = say_document(call, &d, buf_data(&page));
	buf_free(&page);
	return result;
}

/* ---- as a reply ---- */

/* A folder that cannot be read to its end ends the connection. */
static enum task_progress folder_more(const struct call *call, struct task *t)
{
	struct folder *f = container_of(t, struct folder, task);
	int result = folder_step(f);

	if (result == 0)
		return TASK_WRITES;
	if (result > 0)
		result = folder_say(call, f);
	if (result < 0)
		return TASK_FAILED;
	folder_free(f);
	return TASK_DONE;
}

static void folder_gone(struct task *t)
{
	folder_free(container_of(t, struct folder, task));
}

int page_reply(const struct call *call, struct beneath *root, const char *name)
{
	struct folder *f = calloc(1, sizeof(*f) + strlen(name) + 1);
	struct stat st;
	int result, error;

	if (f == NULL)
		return -1;
	f->task = (struct task){.more = folder_more, .gone = folder_gone};
	f->root = beneath_ref(root);
	stpcpy(f->name, name);
	conn_charge(call->conn, STEP_WORK);
	f->dir = beneath_opendir(root, name, &st);
	result = f->dir != NULL ? folder_step(f) : -1;
	if (result == 0) {
		conn_task(call->conn, &f->task);
		return 0;
	}
	result = result > 0 ? folder_say(call, f) : 1;
	error = errno;
	folder_free(f);
	errno = error;
	return result;
}
