/* SPDX-License-Identifier: MIT */
#include "config/include.h"

#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/reader.h"

/* ---- files ---- */

/* The key of the root that names further files; kind->count where no key does. */
static size_t include_key(const struct settings *s)
{
	const struct section_kind *kind = s->root->kind;
	size_t key = 0;

	while (key < kind->count && !(kind->options[key].flags & OPTION_FOLLOWED))
		key++;
	return key;
}

/* As read(2), but waits for a pipe in which nothing is yet. While it waits, no signal is blocked,
 * so that one can end the process. */
static ssize_t piece_read(int fd, char *to, size_t size)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	sigset_t none;
	ssize_t n;

	sigemptyset(&none);
	do {
		ppoll(&pfd, 1, NULL, &none);
		n = read(fd, to, size);
	} while (n < 0 && (errno == EAGAIN || errno == EINTR));
	return n;
}

/* Read all of fd, at most max bytes. Returns the text, for free(), and *len; or NULL with errno,
 * EFBIG where there is more. */
static char *text_read(int fd, size_t max, size_t *len)
{
	char *text = malloc(max + 1), *fitting;
	ssize_t n = 1;

	if (text == NULL)
		return NULL;
	for (*len = 0; *len <= max && n > 0; *len += (size_t)n) {
		n = piece_read(fd, text + *len, max + 1 - *len);
		if (n < 0) {
			free(text);
			return NULL;
		}
	}
	if (*len > max) {
		free(text);
		errno = EFBIG;
		return NULL;
	}
	fitting = realloc(text, *len + 1);
	return fitting != NULL ? fitting : text;
}

/* Returns a descriptor of a regular file, with *st; or -1 with errno. Other files may keep us
 * waiting for ever, or have no end. So may a pipe; but a person who names one as the first file, or
 * "-", is there to end it. */
static int file_open(struct settings *s, const char *path, struct stat *st)
{
	bool may_pipe = s->pipes && s->files.count == 0;
	bool is_stdin = may_pipe && strcmp(path, "-") == 0;
	int fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
			  : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fstat(fd, st) < 0)
		return fd;
	if (may_pipe)
		s->piped = is_stdin || S_ISFIFO(st->st_mode);
	if (S_ISREG(st->st_mode) || (may_pipe && s->piped))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

static void file_refuse(struct settings *s, const char *path)
{
	if (errno == EINVAL)
		error_add(&s->errors, path, 0, "is not a regular file");
	else if (errno == EFBIG)
		error_add(&s->errors, path, 0, "with this the configuration is larger than %d MiB",
			  SETTINGS_BYTES_MAX >> 20);
	else
		error_add(&s->errors, path, 0, "cannot be read: %s", strerror(errno));
}

/* Whether a file has been read already, by whatever name, which is an error. */
static bool file_is_known(struct settings *s, const char *path, const struct stat *st)
{
	for (size_t i = 0; i < s->files.count; i++) {
		if (s->files.items[i].dev != st->st_dev || s->files.items[i].ino != st->st_ino)
			continue;
		section_error(&s->errors, s->root, include_key(s),
			      i == 0 ? "%s is this very file; keep what is included in a folder of "
				       "its own"
				     : "%s has been read already; a file is included once",
			      path);
		return true;
	}
	return false;
}

/* Parse the text of a file, which is taken. */
static void file_take(struct parser *p, const char *path, const struct stat *st, char *text,
		      size_t len)
{
	struct settings *s = p->settings;
	struct settings_file *file;

	if (reader_file(p, path) < 0) {
		error_add(&s->errors, path, 0, "out of memory");
		free(text);
		return;
	}
	file = &s->files.items[s->files.count - 1];
	file->dev = st->st_dev;
	file->ino = st->st_ino;
	s->files.bytes += len;
	lines_read(p, text, len);
	if (s->pipes) {
		free(text);
		return;
	}
	file->text = text;
	file->len = len;
}

static void file_read(struct parser *p, const char *path)
{
	struct settings *s = p->settings;
	struct stat st = {0};
	int fd = file_open(s, path, &st);
	char *text = NULL;
	size_t len;

	if (fd >= 0 && file_is_known(s, path, &st)) {
		close(fd);
		return;
	}
	if (fd >= 0)
		text = text_read(fd, SETTINGS_BYTES_MAX - s->files.bytes, &len);
	if (text == NULL)
		file_refuse(s, path);
	if (fd >= 0)
		close(fd);
	if (text != NULL)
		file_take(p, path, &st, text, len);
}

/* ---- included files ---- */

/* Write dir and a slash to `to`, escaped for glob(3), of twice its length: the directory of the
 * file that includes others is no pattern. */
static void dir_escape(char *to, const char *dir)
{
	for (; *dir != '\0'; dir++) {
		if (strchr("*?[\\", *dir) != NULL)
			*to++ = '\\';
		*to++ = *dir;
	}
	strcpy(to, "/");
}

/* Whether glob(3) is to fail where a directory cannot be read: not if it is not there, for then it
 * holds no files. */
static int glob_failed(const char *path, int error)
{
	return error != ENOENT && error != ENOTDIR;
}

/* Read the files that pattern names: item, as it was written, after the directory it is relative
 * to. */
static void include_pattern(struct parser *p, const char *item, const char *pattern)
{
	struct settings *s = p->settings;
	glob_t found = {0};
	int result;

	errno = ENOMEM;
	result = glob(pattern, 0, glob_failed, &found);
	if (result == GLOB_NOMATCH && strpbrk(item, "*?[") == NULL)
		section_error(&s->errors, s->root, include_key(s), "there is no file %s", pattern);
	else if (result != 0 && result != GLOB_NOMATCH)
		section_error(&s->errors, s->root, include_key(s), "%s: %s", pattern,
			      strerror(errno));
	for (size_t i = 0; result == 0 && i < found.gl_pathc; i++)
		file_read(p, found.gl_pathv[i]);
	globfree(&found);
}

static void includes_read(struct parser *p, const char *path)
{
	struct settings *s = p->settings;
	const struct option_list *patterns;
	char dir[2 * PATH_MAX], copy[PATH_MAX], pattern[sizeof(dir) + SETTINGS_LINE_MAX];
	size_t key = include_key(s);

	if (key == s->root->kind->count)
		return;
	patterns = section_field(s->root, key);
	strlcpy(copy, path, sizeof(copy));
	dir_escape(dir, dirname(copy)); /* cuts copy */
	for (size_t i = 0; i < patterns->count; i++) {
		const char *item = patterns->items[i];

		snprintf(pattern, sizeof(pattern), "%s%s", item[0] == '/' ? "" : dir, item);
		include_pattern(p, item, pattern);
	}
}

/* ---- a configuration ---- */

static void sections_warn(struct settings *s)
{
	struct section *section;

	TAILQ_FOREACH(section, &s->sections, entry)
		if (section->kind->warn != NULL && !section->again)
			section->kind->warn(section, &s->warnings);
}

static struct settings *load(const char *path, const struct settings_schema *schema, bool pipes)
{
	struct settings *s = settings_new(schema);
	struct parser p;

	if (s == NULL)
		return NULL;
	s->pipes = pipes;
	parser_init(&p, s);
	file_read(&p, path);
	includes_read(&p, s->piped ? "" : path);
	s = reader_end(&p);
	if (s != NULL)
		sections_warn(s);
	return s;
}

struct settings *settings_load(const char *path, const struct settings_schema *schema)
{
	struct settings *s = load(path, schema, true);

	if (s != NULL)
		reader_warn(s);
	return s;
}

struct settings *settings_load_again(const char *path, const struct settings_schema *schema)
{
	return load(path, schema, false);
}
