/* SPDX-License-Identifier: MIT */
#include "config/settings.h"

#include <stdlib.h>
#include <string.h>

#include "config/include.h"
#include "config/lines.h"

#define ERRORS_TOLD 50 /* in a log */

static struct settings *in_force;

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

struct settings *settings_new(const struct settings_schema *schema)
{
	struct settings *s = calloc(1, sizeof(*s));
	char key[80];

	if (s == NULL)
		return NULL;
	TAILQ_INIT(&s->sections);
	s->refs = 1;
	s->schema = schema;
	s->parser.settings = s;
	snprintf(key, sizeof(key), "%s ", schema->kinds[0]->word);
	s->root = section_add(s, schema->kinds[0], key, "");
	if (s->root != NULL)
		return s;
	settings_unref(s);
	return NULL;
}

void settings_text(struct settings *s, const char *text, size_t len)
{
	lines_read(&s->parser, text, len);
}

static void sections_warn(struct settings *s)
{
	struct section *section;

	TAILQ_FOREACH(section, &s->sections, entry)
		if (section->kind->warn != NULL && !section->again)
			section->kind->warn(section, &s->warnings);
}

/* All is read. An error that could not be noted is one. */
static struct settings *files_end(struct settings *s)
{
	parser_end(&s->parser);
	index_free(&s->by_name);
	if (s->files.count > 0 && s->root->file == NULL)
		s->root->file = s->files.items[0].path;
	s->schema->check(s);
	if (!s->errors.incomplete)
		return s;
	settings_unref(s);
	return NULL;
}

struct settings *settings_end(struct settings *s)
{
	s = files_end(s);
	if (s != NULL)
		s->schema->warn(s);
	return s;
}

static struct settings *load(const char *path, const struct settings_schema *schema, bool pipes)
{
	struct settings *s = settings_new(schema);

	if (s == NULL)
		return NULL;
	s->pipes = pipes;
	settings_read(s, path);
	s = files_end(s);
	if (s != NULL)
		sections_warn(s);
	return s;
}

struct settings *settings_load(const char *path, const struct settings_schema *schema)
{
	struct settings *s = load(path, schema, true);

	if (s != NULL)
		schema->warn(s);
	return s;
}

struct settings *settings_load_again(const char *path, const struct settings_schema *schema)
{
	return load(path, schema, false);
}

/* ---- generations ---- */

struct settings *settings_ref(struct settings *s)
{
	s->refs++;
	return s;
}

void settings_unref(struct settings *s)
{
	if (s == NULL || --s->refs > 0)
		return;
	sections_free(&s->sections);
	index_free(&s->by_name);
	files_free(&s->files);
	option_list_free(&s->errors);
	option_list_free(&s->warnings);
	free(s);
}

struct settings *settings_in_force(void)
{
	return in_force;
}

void settings_put_in_force(struct settings *s)
{
	struct settings *before = in_force;

	in_force = s;
	settings_unref(before);
}

/* ---- what is said of them ---- */

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

/* A ';' after a blank would begin a comment. */
static const char *value_blank(const char *text)
{
	return text[0] == ';' ? "" : " ";
}

static void map_dump(const struct option_map *map, const char *name, FILE *to)
{
	for (size_t i = 0; i < map->count; i++) {
		const char *text = map->items[i].from.text;

		fprintf(to, "%s.%s =%s%s\n", name, map->items[i].name, value_blank(text), text);
	}
}

static void section_dump(const struct section *s, FILE *to)
{
	fprintf(to, "[%s%s%s]\n", s->kind->word, s->name[0] != '\0' ? " " : "", s->name);
	for (size_t i = 0; i < s->kind->count; i++) {
		const struct option_def *def = &s->kind->options[i];
		const char *text = section_text(s, i);

		if (def->type == &option_map)
			map_dump(section_field(s, i), def->name, to);
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
