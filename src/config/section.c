/* SPDX-License-Identifier: MIT */
#include "config/section.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct section *section_new(const struct section_kind *kind, const char *name)
{
	struct section *s = calloc(1, kind->size);
	struct reason reason;

	if (s == NULL)
		return NULL;
	s->kind = kind;
	s->from = calloc(kind->count, sizeof(*s->from));
	s->name = strdup(name);
	if (s->from == NULL || s->name == NULL) {
		section_free(s);
		return NULL;
	}
	for (size_t i = 0; i < kind->count; i++) {
		if (kind->options[i].fallback != NULL &&
		    option_set(&kind->options[i], s, kind->options[i].fallback, &reason) < 0) {
			section_free(s);
			return NULL;
		}
	}
	return s;
}

void section_free(struct section *s)
{
	if (s == NULL)
		return;
	if (s->kind->free != NULL)
		s->kind->free(s);
	option_free(s->kind->options, s->kind->count, s);
	for (size_t i = 0; s->from != NULL && i < s->kind->count; i++)
		free(s->from[i].text);
	free(s->from);
	free(s->name);
	free(s);
}

void sections_free(struct section_list *list)
{
	struct section *s;

	while ((s = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, s, entry);
		section_free(s);
	}
}

void section_title(const struct section_kind *kind, char title[SECTION_TITLE_MAX])
{
	const char *name = kind->name != NULL ? kind->name : "NAME";

	snprintf(title, SECTION_TITLE_MAX, "[%s%s%s]", kind->word, name[0] != '\0' ? " " : "",
		 name);
}

void *section_field(const struct section *s, size_t key)
{
	return (char *)(uintptr_t)s + s->kind->options[key].offset;
}

const char *section_text(const struct section *s, size_t key)
{
	return s->from[key].text != NULL ? s->from[key].text : s->kind->options[key].fallback;
}

struct section *section_of(struct section *s, const struct section_kind *kind)
{
	while (s != NULL && s->kind != kind)
		s = TAILQ_NEXT(s, entry);
	return s;
}

static void error_line(struct option_list *errors, const char *file, int line, const char *reason)
{
	char *text = NULL;
	int len = line > 0 ? asprintf(&text, "%s:%d: %s", file, line, reason)
			   : asprintf(&text, "%s: %s", file, reason);

	option_list_add(errors, len >= 0 ? text : NULL);
}

void error_add(struct option_list *errors, const char *file, int line, const char *format, ...)
{
	struct reason reason = {""};
	va_list args;

	va_start(args, format);
	reason_vadd(&reason, format, args);
	va_end(args);
	error_line(errors, file, line, reason.text);
}

void section_line(struct option_list *list, const struct section *s, size_t key, const char *kind,
		  const char *format, ...)
{
	const struct option_source *from = &s->from[key];
	struct reason reason;
	va_list args;

	reason_set(&reason, "%s: %s", s->kind->options[key].name, kind);
	va_start(args, format);
	reason_vadd(&reason, format, args);
	va_end(args);
	error_line(list, from->text != NULL ? from->file : s->file,
		   from->text != NULL ? from->line : s->line, reason.text);
}
