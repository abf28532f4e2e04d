/* SPDX-License-Identifier: MIT */
#include "config/settings.h"

#include <stdlib.h>
#include <string.h>

#define ERRORS_TOLD 50 /* that settings_errors_shorten() leaves */

static struct settings *in_force;

static void files_free(struct settings_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		free(files->items[i].path);
		free(files->items[i].text);
	}
	free(files->items);
	*files = (struct settings_files){0};
}

struct section *section_add(struct settings *settings, const struct section_kind *kind,
			    const char *key, const char *name)
{
	struct section *s = section_new(kind, name);

	if (s == NULL || index_add(&settings->by_name, key, s) < 0) {
		section_free(s);
		return NULL;
	}
	s->settings = settings;
	TAILQ_INSERT_TAIL(&settings->sections, s, entry);
	return s;
}

struct settings *settings_new(const struct settings_schema *schema)
{
	struct settings *s = calloc(1, sizeof(*s));
	char key[80];

	if (s == NULL)
		return NULL;
	TAILQ_INIT(&s->sections);
	s->refs = 1;
	s->schema = schema;
	snprintf(key, sizeof(key), "%s ", schema->kinds[0]->word);
	s->root = section_add(s, schema->kinds[0], key, "");
	if (s->root != NULL)
		return s;
	settings_unref(s);
	return NULL;
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

/* ---- for people ---- */

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

/* What stands between "=" and a value: a ';' after a blank would begin a comment. */
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
