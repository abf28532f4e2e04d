/* SPDX-License-Identifier: MIT */
#include "config/parser.h"

#include <bsd/string.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/near.h"

void parser_error(const struct parser *p, const char *format, ...)
{
	struct reason reason = {""};
	va_list args;

	va_start(args, format);
	reason_vadd(&reason, format, args);
	va_end(args);
	error_add(&p->settings->errors, p->file, p->line, "%s", reason.text);
}

/* ---- sections ---- */

/* All kinds of sections; NULL ends them. */
static const struct section_kind *const *kinds_of(const struct parser *p)
{
	return p->settings->schema->kinds;
}

/* The kind of [WORD NAME]; NULL: there is none. */
static const struct section_kind *kind_find(const struct parser *p, const char *word,
					    const char *name)
{
	const struct section_kind *const *kind = kinds_of(p);

	for (; *kind != NULL; kind++) {
		if (strcmp((*kind)->word, word) != 0)
			continue;
		if ((*kind)->name != NULL ? strcmp((*kind)->name, name) == 0 : name[0] != '\0')
			break;
	}
	return *kind;
}

/* A kind that word and name may be a slip of; NULL: none. */
static const struct section_kind *kind_near(const struct parser *p, const char *word,
					    const char *name)
{
	const struct section_kind *const *kind = kinds_of(p);

	for (; *kind != NULL; kind++)
		if (word_is_near(word, (*kind)->word) &&
		    ((*kind)->name == NULL || (*kind)->name[0] == '\0' ||
		     word_is_near(name, (*kind)->name)))
			break;
	return *kind;
}

/* Add the error of a title that is of no kind. Returns the kind that was meant, or NULL. */
static const struct section_kind *section_unknown(const struct parser *p, const char *word,
						  const char *name)
{
	char text[512] = "", known[SECTION_TITLE_MAX];
	const char *blank = name[0] != '\0' ? " " : "";
	const struct section_kind *kind = kind_near(p, word, name);

	if (kind != NULL) {
		section_title(kind, known);
		if (strcmp(word, kind->word) == 0 && kind->name == NULL)
			parser_error(p, "[%s]: has no name; write %s", word, known);
		else
			parser_error(p, "[%s%s%s]: unknown section; did you mean %s?", word, blank,
				     name, known);
		return kind;
	}
	for (const struct section_kind *const *k = kinds_of(p); *k != NULL; k++) {
		section_title(*k, known);
		strlcat(text, text[0] != '\0' ? ", " : "", sizeof(text));
		strlcat(text, known, sizeof(text));
	}
	parser_error(p, "[%s%s%s]: unknown section; there are %s", word, blank, name, text);
	return NULL;
}

static bool name_is_good(const char *name)
{
	static const char good[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

	return name[strspn(name, good)] == '\0' && strlen(name) <= 64;
}

static void section_open(struct parser *p, const struct section_kind *kind, const char *name)
{
	char key[SETTINGS_LINE_MAX + 1];
	struct section *s;
	bool again;

	snprintf(key, sizeof(key), "%s %s", kind->word, name);
	s = index_find(&p->settings->by_name, key);
	again = s != NULL && s->line > 0;
	if (again)
		parser_error(p, "[%s%s%s]: again (it began at %s:%d)", kind->word,
			     name[0] != '\0' ? " " : "", name, s->file, s->line);
	else if (!name_is_good(name))
		parser_error(p, "[%s]: a name is up to 64 letters, digits, '_', '.' and '-'",
			     kind->word);
	if (s == NULL || again)
		s = section_add(p->settings, kind, key, name);
	if (s == NULL) {
		parser_error(p, "out of memory");
		return;
	}
	s->file = p->file;
	s->line = p->line;
	s->again = again;
	p->section = s;
}

/* The present section is at its end: only now it can be told what it lacks. */
static void section_end(struct parser *p)
{
	struct option_list *errors = &p->settings->errors;
	struct section *s = p->section;

	p->section = NULL;
	if (s == NULL || s->again)
		return;
	for (size_t key = 0; key < s->kind->count; key++)
		if ((s->kind->options[key].flags & OPTION_REQUIRED) && s->from[key].text == NULL &&
		    !s->from[key].wrong)
			section_error(errors, s, key, "is missing");
	if (s->kind->check != NULL)
		s->kind->check(s, errors);
}

/* Make of a name one without blanks and quotes, to propose it. */
static void name_join(const char *name, char *joined, size_t size)
{
	static const char parts[] = " \t\"'";

	joined[0] = '\0';
	for (name += strspn(name, parts); *name != '\0'; name += strspn(name, parts)) {
		size_t len = strcspn(name, parts), at = strlen(joined);

		snprintf(joined + at, size - at, "%s%.*s", at > 0 ? "_" : "", (int)len, name);
		name += len;
	}
}

/* A section begins; text is what stands between the brackets. */
static void section_begin(struct parser *p, char *text)
{
	char joined[SETTINGS_LINE_MAX + 1];
	const char *word = strtok(text, " \t"), *name = strtok(NULL, "");
	const struct section_kind *kind;

	word = word != NULL ? word : "";
	name = name != NULL ? name + strspn(name, " \t") : "";
	kind = kind_find(p, word, name);
	if (kind == NULL)
		kind = section_unknown(p, word, name);
	name_join(name, joined, sizeof(joined));
	if (kind == NULL || (kind->name == NULL && joined[0] == '\0'))
		return;
	if (kind->name == NULL && strcmp(name, joined) != 0)
		parser_error(p,
			     "[%s %s]: a name has no blanks and no quotes; did you mean [%s %s]?",
			     word, name, kind->word, joined);
	section_open(p, kind, kind->name != NULL ? kind->name : joined);
}

void parser_title_lost(struct parser *p)
{
	section_end(p);
	p->in_section = true;
}

void parser_title(struct parser *p, char *line)
{
	char *end = strchr(line, ']');
	char after = '\0';

	parser_title_lost(p);
	if (end != NULL)
		after = end[1 + strspn(end + 1, " \t\r\n")];
	if (end == NULL || (after != '\0' && after != ';' && after != '#')) {
		parser_error(p, "a section's title is one [...] on its line");
		return;
	}
	while (end > line + 1 && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	section_begin(p, line + 1);
}

/* ---- keys ---- */

/* The key of kind that name is, or, if near, may be a slip of; "arg.NAME" is arg. Returns its
 * number, or kind->count. */
static size_t key_find(const struct section_kind *kind, const char *name, bool near)
{
	char word[64];
	size_t i = 0;

	for (; i < kind->count; i++) {
		const struct option_def *def = &kind->options[i];
		size_t len = def->type == &option_map ? strcspn(name, ".") : strlen(name);

		if (len >= sizeof(word))
			continue;
		snprintf(word, sizeof(word), "%.*s", (int)len, name);
		if (near ? word_is_near(word, def->name) : strcmp(word, def->name) == 0)
			break;
	}
	return i;
}

/* A line that is an error was meant for this key, which is not missing then. */
static void key_lost(const struct parser *p, size_t index)
{
	struct option_map *map;

	p->section->from[index].wrong = true;
	if (p->section->kind->options[index].type != &option_map)
		return;
	map = section_field(p->section, index);
	map->incomplete = true;
}

bool parser_knows(const struct parser *p, const char *word)
{
	const struct section_kind *kind = p->section != NULL ? p->section->kind : NULL;

	return kind != NULL && key_find(kind, word, false) < kind->count;
}

void parser_lost(const struct parser *p, const char *word)
{
	const struct section_kind *kind = p->section != NULL ? p->section->kind : NULL;
	size_t index = kind != NULL ? key_find(kind, word, false) : 0;

	if (kind != NULL && index == kind->count)
		index = key_find(kind, word, true);
	if (kind != NULL && index < kind->count)
		key_lost(p, index);
}

/* A kind of section in which name would be a key; NULL: none. */
static const struct section_kind *key_elsewhere(const struct parser *p, const char *name)
{
	const struct section_kind *const *kind = kinds_of(p);

	while (*kind != NULL && key_find(*kind, name, false) == (*kind)->count)
		kind++;
	return *kind;
}

static void key_unknown(const struct parser *p, const char *key)
{
	const struct section_kind *kind = p->section->kind, *other = key_elsewhere(p, key);
	size_t near = key_find(kind, key, true);
	char title[SECTION_TITLE_MAX];

	if (near < kind->count) {
		const struct option_def *def = &kind->options[near];
		const char *rest = def->type == &option_map ? strchr(key, '.') : NULL;

		parser_error(p, "%s: unknown key in [%s]; did you mean %s%s?", key, kind->word,
			     def->name, rest != NULL ? rest : "");
		key_lost(p, near);
	} else if (other != NULL) {
		section_title(other, title);
		parser_error(p, "%.100s: unknown key in [%s]; it is one of %s", key, kind->word,
			     title);
	} else {
		parser_error(p, "%.100s: unknown key in [%s]", key, kind->word);
	}
}

static void key_again(const struct parser *p, const char *key, const struct option_source *from)
{
	parser_error(p, "%s: given again (first at %s:%d)", key, from->file, from->line);
}

/* Advice where a value is refused, perhaps because it ends in a comment of another syntax. */
static const char *comment_hint(const char *value)
{
	return strstr(value, " #") != NULL ? "; a comment behind a value begins with ;" : "";
}

static void key_set(const struct parser *p, size_t index, const char *value)
{
	const struct option_def *def = &p->section->kind->options[index];
	struct option_source *from = &p->section->from[index];
	struct reason reason = {"out of memory"};

	if (from->text != NULL) {
		key_again(p, def->name, from);
		return;
	}
	*from = (struct option_source){strdup(value), p->file, p->line, true};
	if (value[0] == '\0')
		parser_error(p, "%s: has no value", def->name);
	else if (from->text == NULL || option_set(def, p->section, value, &reason) < 0)
		parser_error(p, "%s: %s%s", def->name, reason.text, comment_hint(value));
	else
		from->wrong = false;
}

/* Set "arg.NAME", a pair of the map "arg". */
static void pair_set(const struct parser *p, size_t index, const char *key, char *value)
{
	const struct option_def *def = &p->section->kind->options[index];
	const struct option_source from = {value, p->file, p->line, false};
	struct option_map *map = section_field(p->section, index);
	const char *name = key + strlen(def->name) + 1;
	const struct option_pair *other = option_map_find(map, name);
	struct reason reason;

	if (other != NULL) {
		key_again(p, key, &other->from);
	} else if (!name_is_good(name) || name[0] == '\0') {
		parser_error(p, "%s: a name is up to 64 letters, digits, '_', '.' and '-'", key);
		key_lost(p, index);
	} else if (option_map_add(map, name, &from, &reason) < 0) {
		parser_error(p, "%s: %s", key, reason.text);
		key_lost(p, index);
	}
}

void parser_key(const struct parser *p, const char *key, char *value)
{
	const struct section_kind *kind;
	size_t index;

	if (p->section == NULL)
		return;
	kind = p->section->kind;
	index = key_find(kind, key, false);
	if (index == kind->count)
		key_unknown(p, key);
	else if (kind->options[index].type == &option_map && strchr(key, '.') != NULL)
		pair_set(p, index, key, value);
	else
		key_set(p, index, value);
}

/* ---- files ---- */

void parser_init(struct parser *p, struct settings *settings)
{
	*p = (struct parser){.settings = settings};
}

void parser_begin(struct parser *p, const char *file)
{
	struct settings *settings = p->settings;

	section_end(p);
	*p = (struct parser){.settings = settings, .file = file};
}

void parser_end(struct parser *p)
{
	section_end(p);
}
