/* SPDX-License-Identifier: MIT */
#include "client/target.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "client/escape.h"
#include "client/part.h"

static bool names_folder(const char *output)
{
	size_t len = strlen(output);

	return len > 0 && output[len - 1] == '/';
}

/* The part of a path after the last slash. */
static const char *last_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* Returns the path that the file name is saved as, for free(), or NULL with ENOMEM. */
static char *target_path(const char *name, const char *output)
{
	char *path;

	if (output != NULL && !names_folder(output))
		return strdup(output);
	if (asprintf(&path, "%s%s", output != NULL ? output : "", last_of(name)) < 0)
		return NULL;
	return path;
}

/* Whether a path does not end in the name of a file. */
static bool is_no_name(const char *path)
{
	const char *last = last_of(path);

	return strcmp(last, "") == 0 || strcmp(last, ".") == 0 || strcmp(last, "..") == 0;
}

/* Whether path, of realpath(3), is in the folder of link. */
static bool is_beside(const char *path, const char *link)
{
	size_t len = (size_t)(last_of(path) - path);
	char *folder = NULL, *dir;
	bool beside;

	if (asprintf(&dir, "%.*s.", (int)(last_of(link) - link), link) >= 0) {
		folder = realpath(dir, NULL);
		free(dir);
	}
	beside = folder != NULL && strlen(folder) == (len > 1 ? len - 1 : 1) &&
		 strncmp(folder, path, strlen(folder)) == 0;
	free(folder);
	return beside;
}

/* Returns the path that link leads to, for free(), or NULL with errno. Where that is in the folder
 * of link, the folder is written as in link, so that the path can be compared with other targets.
 */
static char *link_path(const char *link)
{
	char *path = realpath(link, NULL), *named;
	int result;

	if (path == NULL || !is_beside(path, link))
		return path;
	result = asprintf(&named, "%.*s%s", (int)(last_of(link) - link), link, last_of(path));
	free(path);
	return result < 0 ? NULL : named;
}

/* Where the path is a symbolic link, have it be what the link leads to: the link stays, the file is
 * replaced. Returns 0, or -1 with the reason said. */
static int link_follow(struct target *t)
{
	struct stat st;
	char *path;

	if (lstat(t->path, &st) < 0 || !S_ISLNK(st.st_mode))
		return 0;
	path = link_path(t->path);
	if (path == NULL) {
		escape_warnx(
			"%s is a link that cannot be followed (%m): remove it, or choose another "
			"with -o FILE",
			t->path);
		return -1;
	}
	free(t->path);
	t->path = path;
	return 0;
}

/* Choose where the file goes to. Returns 0, or -1 with the reason said. */
static int target_choose(struct target *t, const char *output)
{
	struct stat st;

	t->path = target_path(t->name, output);
	if (t->path == NULL) {
		escape_warnx("%s: %m", t->name);
		return -1;
	}
	if (is_no_name(t->path)) {
		escape_warnx("'%s' names no file: choose one with -o FILE",
			     output != NULL && !names_folder(output) ? output : t->name);
		return -1;
	}
	if (stat(t->path, &st) == 0 && !S_ISREG(st.st_mode)) {
		escape_warnx(
			"%s is there and no regular file: choose another with -o FILE, or -o -",
			t->path);
		return -1;
	}
	return link_follow(t);
}

static int by_target(const void *a, const void *b)
{
	const struct target *const *left = a, *const *right = b;

	return strcmp((*left)->path, (*right)->path);
}

static int by_path(const void *path, const void *target)
{
	const struct target *const *t = target;

	return strcmp(path, (*t)->path);
}

/* See that no other file is saved as what t is called while it is a part. Returns 0, or -1 with the
 * reason said. */
static int part_differs(const struct target *t, const struct target **sorted, size_t count)
{
	static const char *const suffixes[] = {PART_SUFFIX, PART_ETAG_SUFFIX};
	const struct target **other = NULL;
	char *path;

	for (int i = 0; i < 2 && other == NULL; i++) {
		path = part_path(t->path, suffixes[i]);
		if (path == NULL) {
			escape_warnx("%s: %m", t->name);
			return -1;
		}
		other = bsearch(path, sorted, count, sizeof(sorted[0]), by_path);
		free(path);
	}
	if (other == NULL)
		return 0;
	escape_warnx("%s would be saved as %s, which %s needs until it is whole: fetch one of them "
		     "with -o FILE",
		     (*other)->name, (*other)->path, t->name);
	return -1;
}

/* See that no two files are saved as the same. Returns 0, or -1 with the reason said. */
static int targets_differ(const struct target *targets, size_t count)
{
	const struct target **sorted = calloc(count, sizeof(*sorted));
	int result = 0;

	if (sorted == NULL) {
		warn("names");
		return -1;
	}
	for (size_t i = 0; i < count; i++)
		sorted[i] = &targets[i];
	qsort(sorted, count, sizeof(sorted[0]), by_target);
	for (size_t i = 1; i < count && result == 0; i++) {
		if (strcmp(sorted[i - 1]->path, sorted[i]->path) != 0)
			continue;
		escape_warnx("%s and %s would both be saved as %s: fetch one of them with -o FILE",
			     sorted[i - 1]->name, sorted[i]->name, sorted[i]->path);
		result = -1;
	}
	for (size_t i = 0; i < count && result == 0; i++)
		result = part_differs(&targets[i], sorted, count);
	free(sorted);
	return result;
}

bool target_is_standard(const char *output)
{
	return output != NULL && strcmp(output, "-") == 0;
}

int targets_choose(struct target *targets, size_t count, const char *output)
{
	if (count > 1 && output != NULL && !names_folder(output)) {
		escape_warnx("-o %s is for one file; for several it names a folder, as in -o %s/",
			     output, target_is_standard(output) ? "FOLDER" : output);
		return -1;
	}
	if (target_is_standard(output))
		return 0;
	for (size_t i = 0; i < count; i++)
		if (target_choose(&targets[i], output) < 0)
			return -1;
	return targets_differ(targets, count);
}

void targets_free(struct target *targets, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(targets[i].path);
}
