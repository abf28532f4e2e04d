/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "settings.h"

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <ini.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/registry.h"
#include "settings_check.h"

#define ERRORS_TOLD 50 /* in a log */

static const struct option_def daemon_options[DAEMON_KEYS] = {
#define OPT(key, kind, ...) \
	{#key, &option_##kind, offsetof(struct daemon_conf, key), OPTION_REST(__VA_ARGS__)},
#include "daemon.def"
#undef OPT
};

static const struct section_kind daemon_kind = {
	.word = "daemon",
	.name = "",
	.options = daemon_options,
	.count = DAEMON_KEYS,
	.size = sizeof(struct daemon_conf),
};

static void __attribute__((format(printf, 2, 3)))
parser_error(const struct parser *p, const char *format, ...)
{
	char reason[600];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	error_add(&p->settings->errors, p->file, p->line, "%s", reason);
}

/* ---- sections ---- */

/* The kinds there are, one after the other; NULL: no more. */
static const struct section_kind *kind_at(size_t index)
{
	static const struct section_kind *const own[] = {&daemon_kind, &listener_kind};

	if (index < 2)
		return own[index];
	index -= 2;
	for (size_t i = 0; services[i] != NULL; i++) {
		if (services[i]->section == NULL)
			continue;
		if (index-- == 0)
			return services[i]->section;
	}
	return NULL;
}

static void kind_print(const struct section_kind *kind, char *text, size_t size)
{
	const char *name = kind->name != NULL ? kind->name : "NAME";

	snprintf(text, size, "[%s%s%s]", kind->word, name[0] != '\0' ? " " : "", name);
}

static const struct section_kind *kind_find(const char *word, const char *name)
{
	const struct section_kind *kind;

	for (size_t i = 0; (kind = kind_at(i)) != NULL; i++) {
		if (strcmp(kind->word, word) != 0)
			continue;
		if (kind->name != NULL ? strcmp(kind->name, name) == 0 : name[0] != '\0')
			return kind;
	}
	return NULL;
}

static void section_unknown(const struct parser *p, const char *word, const char *name)
{
	char text[512] = "", known[80];
	const struct section_kind *kind;

	for (size_t i = 0; (kind = kind_at(i)) != NULL; i++) {
		kind_print(kind, known, sizeof(known));
		if (option_is_near(word, kind->word) && strcmp(word, kind->word) != 0) {
			parser_error(p, "[%s%s%s]: unknown section; did you mean %s?", word,
				     name[0] != '\0' ? " " : "", name, known);
			return;
		}
		strlcat(text, i > 0 ? ", " : "", sizeof(text));
		strlcat(text, known, sizeof(text));
	}
	parser_error(p, "[%s%s%s]: unknown section; there are %s", word, name[0] != '\0' ? " " : "",
		     name, text);
}

static bool name_is_good(const char *name)
{
	static const char good[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

	return name[strspn(name, good)] == '\0' && strlen(name) <= 64;
}

/* Put a new section among the others. Returns NULL with ENOMEM. */
static struct section *section_add(struct settings *settings, const struct section_kind *kind,
				   const char *key, const char *name)
{
	struct section *s = section_new(kind, name);

	if (s == NULL || index_add(&settings->by_name, key, s) < 0) {
		section_free(s);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&settings->sections, s, entry);
	return s;
}

static void section_open(struct parser *p, const struct section_kind *kind, const char *name)
{
	char key[SETTINGS_LINE_MAX + 1];
	struct section *s;

	snprintf(key, sizeof(key), "%s %s", kind->word, name);
	s = index_find(&p->settings->by_name, key);
	if (s != NULL && s->line > 0)
		parser_error(p, "[%s%s%s]: again (it began at %s:%d)", kind->word,
			     name[0] != '\0' ? " " : "", name, s->file, s->line);
	if (!name_is_good(name))
		parser_error(p, "[%s]: a name is up to 64 letters, digits, '_', '.' and '-'",
			     kind->word);
	if (s == NULL || kind != &daemon_kind) {
		s = section_add(p->settings, kind, key, name);
		if (s == NULL) {
			parser_error(p, "out of memory");
			return;
		}
	}
	if (s->line == 0) {
		s->file = p->file;
		s->line = p->line;
	}
	p->section = s;
}

/* What a section must have can be told when it has been read. */
static void section_end(struct parser *p)
{
	struct option_list *errors = &p->settings->errors;
	struct section *s = p->section;

	p->section = NULL;
	if (s == NULL)
		return;
	for (size_t key = 0; key < s->kind->count; key++)
		if ((s->kind->options[key].flags & OPTION_REQUIRED) && s->from[key].text == NULL)
			section_error(errors, s, key, "is missing");
	if (s->kind->check != NULL)
		s->kind->check(s, errors);
}

/* text: between the brackets. */
static void section_begin(struct parser *p, char *text)
{
	const char *word = strtok(text, " \t"), *name = strtok(NULL, " \t");
	const struct section_kind *kind = NULL;

	if (word == NULL)
		word = "";
	if (name == NULL)
		name = "";
	if (strtok(NULL, " \t") == NULL)
		kind = kind_find(word, name);
	if (kind != NULL)
		section_open(p, kind, name);
	else
		section_unknown(p, word, name);
}

static void section_line(struct parser *p, char *line)
{
	char *end = strchr(line, ']');
	char after = '\0';

	section_end(p);
	p->in_section = true;
	if (end != NULL)
		after = end[1 + strspn(end + 1, " \t\r\n")];
	if (end == NULL || (after != '\0' && after != ';' && after != '#')) {
		parser_error(p, "a section's title is one [...] on its line");
		return;
	}
	*end = '\0';
	section_begin(p, line + 1);
}

/* ---- keys ---- */

static void key_unknown(const struct parser *p, const char *key)
{
	const struct section_kind *kind = p->section->kind;

	for (size_t i = 0; i < kind->count; i++) {
		if (!option_is_near(key, kind->options[i].name))
			continue;
		parser_error(p, "%s: unknown key in [%s]; did you mean %s?", key, kind->word,
			     kind->options[i].name);
		return;
	}
	parser_error(p, "%s: unknown key in [%s]", key, kind->word);
}

static void key_again(const struct parser *p, const char *key, const struct option_source *from)
{
	parser_error(p, "%s: given again (first at %s:%d)", key, from->file, from->line);
}

static void key_set(const struct parser *p, size_t index, const char *value)
{
	const struct option_def *def = &p->section->kind->options[index];
	struct option_source *from = &p->section->from[index];
	char reason[OPTION_REASON_MAX] = "out of memory";

	if (from->text != NULL) {
		key_again(p, def->name, from);
		return;
	}
	*from = (struct option_source){strdup(value), p->file, p->line};
	if (value[0] == '\0')
		parser_error(p, "%s: has no value", def->name);
	else if (from->text == NULL || option_set(def, p->section, value, reason) < 0)
		parser_error(p, "%s: %s", def->name, reason);
}

/* "arg.NAME": one of the pairs of the map "arg". */
static void pair_set(const struct parser *p, size_t index, const char *key, const char *value)
{
	const struct option_def *def = &p->section->kind->options[index];
	struct option_map *map = (void *)((char *)p->section + def->offset);
	const char *name = key + strlen(def->name) + 1;
	const struct option_pair *other = option_map_find(map, name);

	if (other != NULL)
		key_again(p, key, &other->from);
	else if (!name_is_good(name) || name[0] == '\0')
		parser_error(p, "%s: a name is up to 64 letters, digits, '_', '.' and '-'", key);
	else if (option_map_add(map, name, value, p->file, p->line) < 0)
		parser_error(p, "%s: out of memory", key);
}

static void key_find(const struct parser *p, const char *key, const char *value)
{
	const struct section_kind *kind = p->section->kind;

	for (size_t i = 0; i < kind->count; i++) {
		size_t len = strlen(kind->options[i].name);

		if (strncmp(key, kind->options[i].name, len) != 0)
			continue;
		if (key[len] == '\0') {
			key_set(p, i, value);
			return;
		}
		if (key[len] == '.' && kind->options[i].type == &option_map) {
			pair_set(p, i, key, value);
			return;
		}
	}
	key_unknown(p, key);
}

static int key_handle(void *user, const char *section, const char *key, const char *value)
{
	struct parser *p = user;

	p->expects_key = false;
	if (!p->in_section)
		parser_error(p, "%s: stands before the first [section]", key);
	else if (p->section != NULL)
		key_find(p, key, value);
	return 1;
}

/* ---- lines ---- */

static void key_missed(struct parser *p)
{
	if (p->expects_key)
		parser_error(p, "expected 'key = value'");
	p->expects_key = false;
}

/* The next line as a string of its own, the caller's, and its length. NULL: there is none. */
static char *line_take(struct parser *p, size_t *len)
{
	const char *newline = memchr(p->rest, '\n', (size_t)(p->end - p->rest));
	char *line;

	if (p->rest == p->end)
		return NULL;
	*len = (size_t)((newline != NULL ? newline + 1 : p->end) - p->rest);
	line = strndup(p->rest, *len);
	p->line++;
	p->rest += *len;
	if (line == NULL) {
		parser_error(p, "out of memory");
		p->rest = p->end;
	}
	return line;
}

/* Like fgets(3), for inih: the next line without leading blanks, so that an indented key is a
 * key. What cannot be handed on whole is an error, and goes on as an empty line. */
static char *reader_next(char *to, int size, void *stream)
{
	struct parser *p = stream;
	char *line, *start, nothing[] = "";
	size_t len;

	key_missed(p);
	line = line_take(p, &len);
	if (line == NULL)
		return NULL;
	start = line + (p->line == 1 && strncmp(line, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0);
	start += strspn(start, " \t\r\n\v\f");
	if (strlen(line) != len) {
		parser_error(p, "the line holds a NUL byte");
		start = nothing;
	} else if (strlen(start) + 3 > (size_t)size) {
		parser_error(p, "the line is longer than %d bytes", size - 4);
		start = nothing;
	} else if (*start == '[') {
		section_line(p, start);
		start = nothing;
	}
	p->expects_key = *start != '\0' && *start != ';' && *start != '#';
	strlcpy(to, *start != '\0' ? start : "\n", (size_t)size);
	free(line);
	return to;
}

/* ---- files ---- */

int settings_file(struct settings *s, const char *path)
{
	struct settings_files *files = &s->files;
	struct settings_file *items = reallocarray(files->items, files->count + 1, sizeof(*items));
	char *copy = strdup(path);

	if (items != NULL)
		files->items = items;
	if (items == NULL || copy == NULL) {
		free(copy);
		return -1;
	}
	items[files->count++] = (struct settings_file){.path = copy};
	section_end(&s->parser);
	s->parser = (struct parser){.settings = s, .file = copy};
	return 0;
}

/* inih cuts lines and long section names, swallows indented keys and gives no line number, so lines
 * go through reader_next(), which counts and checks them and keeps the section itself. */
void settings_text(struct settings *s, const char *text, size_t len)
{
	struct parser *p = &s->parser;

	p->rest = text;
	p->end = text + len;
#ifdef INIH_LONG_LINES
	ini_use_stack = false;
	ini_max_line = ini_initial_alloc = SETTINGS_LINE_MAX;
#endif
	if (ini_parse_stream(reader_next, p, key_handle, p) == -2)
		error_add(&s->errors, p->file, 0, "out of memory");
}

/* Read what fd has, at most max bytes. Returns it and its length, or NULL with errno. */
static char *text_read(int fd, size_t max, size_t *len)
{
	char *text = malloc(max + 1), *fitting;
	ssize_t n = 1;

	if (text == NULL)
		return NULL;
	for (*len = 0; *len <= max && n > 0; *len += (size_t)n) {
		n = read(fd, text + *len, max + 1 - *len);
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

/* What is no file may wait for ever, or have no end. */
static int file_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)))
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

static void file_read(struct settings *s, const char *path)
{
	int fd = file_open(path);
	struct settings_file *file;
	char *text = NULL;
	size_t len;

	if (fd >= 0)
		text = text_read(fd, SETTINGS_BYTES_MAX - s->files.bytes, &len);
	if (text == NULL)
		file_refuse(s, path);
	if (fd >= 0)
		close(fd);
	if (text == NULL)
		return;
	if (settings_file(s, path) < 0) {
		error_add(&s->errors, path, 0, "out of memory");
		free(text);
		return;
	}
	file = &s->files.items[s->files.count - 1];
	file->text = text;
	file->len = len;
	s->files.bytes += len;
	settings_text(s, text, len);
}

static void files_free(struct settings_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		free(files->items[i].path);
		free(files->items[i].text);
	}
	free(files->items);
	*files = (struct settings_files){0};
}

/* The directory of the file that includes others is no pattern. */
static void dir_escape(char *to, const char *dir)
{
	for (; *dir != '\0'; dir++) {
		if (strchr("*?[\\", *dir) != NULL)
			*to++ = '\\';
		*to++ = *dir;
	}
	strcpy(to, "/");
}

/* A directory that is not there holds no files; one that cannot be read may hold some. */
static int glob_failed(const char *path, int error)
{
	return error != ENOENT && error != ENOTDIR;
}

static void include_pattern(struct settings *s, const char *pattern)
{
	glob_t found = {0};
	int result;

	errno = ENOMEM;
	result = glob(pattern, 0, glob_failed, &found);
	if (result == GLOB_NOMATCH && strpbrk(pattern, "*?[") == NULL)
		section_error(&s->errors, &s->daemon->section, DAEMON_KEY_include,
			      "there is no file %s", pattern);
	else if (result != 0 && result != GLOB_NOMATCH)
		section_error(&s->errors, &s->daemon->section, DAEMON_KEY_include, "%s: %s",
			      pattern, strerror(errno));
	for (size_t i = 0; result == 0 && i < found.gl_pathc; i++)
		file_read(s, found.gl_pathv[i]);
	globfree(&found);
}

static void includes_read(struct settings *s, const char *path)
{
	const struct option_list *patterns = &s->daemon->include;
	char dir[2 * PATH_MAX], copy[PATH_MAX], pattern[sizeof(dir) + SETTINGS_LINE_MAX];

	if (patterns->count == 0)
		return;
	strlcpy(copy, path, sizeof(copy));
	dir_escape(dir, dirname(copy)); /* cuts copy */
	for (size_t i = 0; i < patterns->count; i++) {
		const char *item = patterns->items[i];

		snprintf(pattern, sizeof(pattern), "%s%s", item[0] == '/' ? "" : dir, item);
		include_pattern(s, pattern);
	}
}

/* ---- all of it ---- */

static void sections_warn(struct settings *s)
{
	struct section *section;

	TAILQ_FOREACH(section, &s->sections, entry)
		if (section->kind->warn != NULL)
			section->kind->warn(section, &s->warnings);
}

static void daemon_check(struct settings *s)
{
	const char *path = s->daemon->log_socket;

	if (path[0] != '/' || strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		section_error(&s->errors, &s->daemon->section, DAEMON_KEY_log_socket,
			      "'%s' is not an absolute path of at most 107 bytes", path);
}

struct settings *settings_new(void)
{
	struct settings *s = calloc(1, sizeof(*s));
	struct section *daemon;

	if (s == NULL)
		return NULL;
	TAILQ_INIT(&s->sections);
	s->parser.settings = s;
	daemon = section_add(s, &daemon_kind, "daemon ", "");
	if (daemon == NULL) {
		settings_free(s);
		return NULL;
	}
	s->daemon = container_of(daemon, struct daemon_conf, section);
	return s;
}

/* An error that could not be noted is one. */
struct settings *settings_end(struct settings *s)
{
	section_end(&s->parser);
	daemon_check(s);
	listeners_check(s);
	if (s->files.count > 0 && s->errors.count == 0 && settings_listener(s, NULL) == NULL)
		error_add(&s->errors, s->files.items[0].path, 0, "there is no [listener NAME]");
	if (s->errors.count == 0)
		sections_warn(s);
	if (!s->errors.incomplete)
		return s;
	settings_free(s);
	return NULL;
}

struct settings *settings_load(const char *path)
{
	struct settings *s = settings_new();

	if (s == NULL)
		return NULL;
	file_read(s, path);
	includes_read(s, path);
	return settings_end(s);
}

void settings_free(struct settings *s)
{
	if (s == NULL)
		return;
	sections_free(&s->sections);
	index_free(&s->by_name);
	files_free(&s->files);
	option_list_free(&s->errors);
	option_list_free(&s->warnings);
	free(s);
}

void settings_errors_shorten(struct option_list *errors)
{
	size_t more = errors->count > ERRORS_TOLD ? errors->count - ERRORS_TOLD : 0;
	char *text = NULL;

	if (more == 0)
		return;
	while (errors->count > ERRORS_TOLD)
		free(errors->items[--errors->count]);
	if (asprintf(&text, "and %zu more errors, which pollard --check names", more) >= 0)
		option_list_add(errors, text);
}

struct listener_conf *settings_listener(const struct settings *s, const struct listener_conf *conf)
{
	struct section *section =
		conf != NULL ? TAILQ_NEXT(&conf->section, entry) : TAILQ_FIRST(&s->sections);

	section = section_of(section, &listener_kind);
	return section != NULL ? container_of(section, struct listener_conf, section) : NULL;
}

static void map_dump(const struct section *s, const struct option_def *def, FILE *to)
{
	const struct option_map *map = (const void *)((const char *)s + def->offset);

	for (size_t i = 0; i < map->count; i++)
		fprintf(to, "%s.%s = %s\n", def->name, map->items[i].name, map->items[i].from.text);
}

static void section_dump(const struct section *s, FILE *to)
{
	fprintf(to, "[%s%s%s]\n", s->kind->word, s->name[0] != '\0' ? " " : "", s->name);
	for (size_t i = 0; i < s->kind->count; i++) {
		const struct option_def *def = &s->kind->options[i];
		const char *text = section_text(s, i);

		if (def->type == &option_map)
			map_dump(s, def, to);
		else if (text != NULL && !(def->flags & OPTION_FOLLOWED))
			fprintf(to, "%s = %s\n", def->name, text);
		else
			fprintf(to, ";%s =\n", def->name);
	}
}

void settings_dump(const struct settings *s, FILE *to)
{
	const struct section *section;

	TAILQ_FOREACH(section, &s->sections, entry) {
		if (section != TAILQ_FIRST(&s->sections))
			fprintf(to, "\n");
		section_dump(section, to);
	}
}
