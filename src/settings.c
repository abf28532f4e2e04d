/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include <stdlib.h>
#include <string.h>

#include "settings_check.h"
#include "settings_parse.h"
#include "settings_read.h"

#define ERRORS_TOLD 50           /* in a log */
#define DESCRIPTORS_RESERVED 128 /* that are not clients: log, signals, lingering callers */

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
	parser_begin(&s->parser, copy);
	return 0;
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

/* ---- all of it ---- */

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
	parser_end(&s->parser);
	if (s->files.count > 0 && s->daemon->section.file == NULL)
		s->daemon->section.file = s->files.items[0].path;
	listeners_check(s);
	if (s->files.count > 0 && s->errors.count == 0 && settings_listener(s, NULL) == NULL)
		error_add(&s->errors, s->files.items[0].path, 0, "there is no [listener NAME]");
	settings_warn(s);
	if (!s->errors.incomplete)
		return s;
	settings_free(s);
	return NULL;
}

static struct settings *load(const char *path, bool pipes)
{
	struct settings *s = settings_new();

	if (s == NULL)
		return NULL;
	s->pipes = pipes;
	settings_read(s, path);
	return settings_end(s);
}

struct settings *settings_load(const char *path)
{
	return load(path, true);
}

struct settings *settings_load_again(const char *path)
{
	return load(path, false);
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

static rlim_t descriptors_reserved(const struct settings *s)
{
	const struct listener_conf *conf = NULL;
	rlim_t count = DESCRIPTORS_RESERVED;

	while ((conf = settings_listener(s, conf)) != NULL)
		count += conf->listen.count;
	return count;
}

rlim_t settings_descriptors(const struct settings *s)
{
	return descriptors_reserved(s) + (rlim_t)s->daemon->max_clients;
}

unsigned settings_clients(const struct settings *s, rlim_t descriptors)
{
	rlim_t reserved = descriptors_reserved(s);

	if (descriptors >= settings_descriptors(s))
		return (unsigned)s->daemon->max_clients;
	return (unsigned)(descriptors > 2 * reserved ? descriptors - reserved : descriptors / 2);
}

/* A ';' behind a blank would begin a comment. */
static const char *value_blank(const char *text)
{
	return text[0] == ';' ? "" : " ";
}

static void map_dump(const struct section *s, const struct option_def *def, FILE *to)
{
	const struct option_map *map = (const void *)((const char *)s + def->offset);

	for (size_t i = 0; i < map->count; i++) {
		const char *text = map->items[i].from.text;

		fprintf(to, "%s.%s =%s%s\n", def->name, map->items[i].name, value_blank(text),
			text);
	}
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
			fprintf(to, "%s =%s%s\n", def->name, value_blank(text), text);
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
