/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "settings_parse.h"

#include <bsd/string.h>
#include <ctype.h>
#include <ini.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "services/registry.h"

static const struct option_def daemon_options[DAEMON_KEYS] = {
#define OPT(key, kind, ...) \
	{#key, &option_##kind, offsetof(struct daemon_conf, key), OPTION_REST(__VA_ARGS__)},
#include "daemon.def"
#undef OPT
};

const struct section_kind daemon_kind = {
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

/* One that word and name may be a slip of; NULL: none. */
static const struct section_kind *kind_near(const char *word, const char *name)
{
	const struct section_kind *kind;

	for (size_t i = 0; (kind = kind_at(i)) != NULL; i++)
		if (option_is_near(word, kind->word) &&
		    (kind->name == NULL || kind->name[0] == '\0' ||
		     option_is_near(name, kind->name)))
			return kind;
	return NULL;
}

/* Returns the kind that was meant, or NULL. */
static const struct section_kind *section_unknown(const struct parser *p, const char *word,
						  const char *name)
{
	char text[512] = "", known[80];
	const char *blank = name[0] != '\0' ? " " : "";
	const struct section_kind *kind = kind_near(word, name);

	if (kind != NULL) {
		kind_print(kind, known, sizeof(known));
		if (strcmp(word, kind->word) == 0 && kind->name == NULL)
			parser_error(p, "[%s]: has no name; write %s", word, known);
		else
			parser_error(p, "[%s%s%s]: unknown section; did you mean %s?", word, blank,
				     name, known);
		return kind;
	}
	for (size_t i = 0; (kind = kind_at(i)) != NULL; i++) {
		kind_print(kind, known, sizeof(known));
		strlcat(text, i > 0 ? ", " : "", sizeof(text));
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

struct section *section_add(struct settings *settings, const struct section_kind *kind,
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

/* What a section must have can be told when it has been read. */
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

/* A name as it would be without blanks and quotes. */
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

/* text: between the brackets. */
static void section_begin(struct parser *p, char *text)
{
	char joined[SETTINGS_LINE_MAX + 1];
	const char *word = strtok(text, " \t"), *name = strtok(NULL, "");
	const struct section_kind *kind;

	word = word != NULL ? word : "";
	name = name != NULL ? name + strspn(name, " \t") : "";
	kind = kind_find(word, name);
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

/* What follows belongs to no section that is known, and is passed over. */
static void title_lost(struct parser *p)
{
	section_end(p);
	p->in_section = true;
}

static void section_line(struct parser *p, char *line)
{
	char *end = strchr(line, ']');
	char after = '\0';

	title_lost(p);
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

/* The key of kind that name is, or may be a slip of; "arg.NAME" is arg. Returns its number, or
 * kind->count. */
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
		if (near ? option_is_near(word, def->name) : strcmp(word, def->name) == 0)
			break;
	}
	return i;
}

/* A line that is an error was for this key all the same, which is not missing then. */
static void key_lost(const struct parser *p, size_t index)
{
	const struct option_def *def = &p->section->kind->options[index];

	p->section->from[index].wrong = true;
	if (def->type == &option_map)
		((struct option_map *)(void *)((char *)p->section + def->offset))->incomplete =
			true;
}

/* word: the first of such a line. */
static void line_lost(const struct parser *p, const char *word)
{
	const struct section_kind *kind = p->section != NULL ? p->section->kind : NULL;
	size_t index = kind != NULL ? key_find(kind, word, false) : 0;

	if (kind != NULL && index == kind->count)
		index = key_find(kind, word, true);
	if (kind != NULL && index < kind->count)
		key_lost(p, index);
}

/* In which other section name would be a key; NULL: in none. */
static const struct section_kind *key_elsewhere(const char *name)
{
	const struct section_kind *kind;
	size_t i = 0;

	while ((kind = kind_at(i++)) != NULL && key_find(kind, name, false) == kind->count)
		;
	return kind;
}

static void key_unknown(const struct parser *p, const char *key)
{
	const struct section_kind *kind = p->section->kind, *other = key_elsewhere(key);
	size_t near = key_find(kind, key, true);
	char title[80];

	if (near < kind->count) {
		const struct option_def *def = &kind->options[near];
		const char *rest = def->type == &option_map ? strchr(key, '.') : NULL;

		parser_error(p, "%s: unknown key in [%s]; did you mean %s%s?", key, kind->word,
			     def->name, rest != NULL ? rest : "");
		key_lost(p, near);
	} else if (other != NULL) {
		kind_print(other, title, sizeof(title));
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

/* What helps where a value is refused for what another syntax has behind it. */
static const char *comment_hint(const char *value)
{
	return strstr(value, " #") != NULL ? "; a comment behind a value begins with ;" : "";
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
	*from = (struct option_source){strdup(value), p->file, p->line, true};
	if (value[0] == '\0')
		parser_error(p, "%s: has no value", def->name);
	else if (from->text == NULL || option_set(def, p->section, value, reason) < 0)
		parser_error(p, "%s: %s%s", def->name, reason, comment_hint(value));
	else
		from->wrong = false;
}

/* "arg.NAME": one of the pairs of the map "arg". */
static void pair_set(const struct parser *p, size_t index, const char *key, char *value)
{
	const struct option_def *def = &p->section->kind->options[index];
	const struct option_source from = {value, p->file, p->line, false};
	struct option_map *map = (void *)((char *)p->section + def->offset);
	const char *name = key + strlen(def->name) + 1;
	const struct option_pair *other = option_map_find(map, name);
	char reason[OPTION_REASON_MAX];

	if (other != NULL) {
		key_again(p, key, &other->from);
	} else if (!name_is_good(name) || name[0] == '\0') {
		parser_error(p, "%s: a name is up to 64 letters, digits, '_', '.' and '-'", key);
		key_lost(p, index);
	} else if (option_map_add(map, name, &from, reason) < 0) {
		parser_error(p, "%s: %s", key, reason);
		key_lost(p, index);
	}
}

static void key_take(const struct parser *p, const char *key, char *value)
{
	const struct section_kind *kind = p->section->kind;
	size_t index = key_find(kind, key, false);

	if (index == kind->count)
		key_unknown(p, key);
	else if (kind->options[index].type == &option_map && strchr(key, '.') != NULL)
		pair_set(p, index, key, value);
	else
		key_set(p, index, value);
}

/* ---- lines ---- */

/* What inih takes for the beginning of a comment also between quotes is this byte there, which is
 * in no line. */
#define SEMICOLON_HIDDEN '\x1f'

/* A quote opens at the beginning of a word, behind '=' or ':', and behind another; not in "it's".
 * One that is not closed is none. */
static void semicolons_hide(char *line)
{
	char before = ' ', *at = line + strcspn(line, "=:"), *end;

	for (; *at != '\0'; before = *at++) {
		if ((*at != '"' && *at != '\'') || strchr(" \t=:\"'", before) == NULL)
			continue;
		end = strchr(at + 1, *at);
		for (; end != NULL && at < end; at++)
			if (*at == ';')
				*at = SEMICOLON_HIDDEN;
	}
}

static void semicolons_show(char *text)
{
	while ((text = strchr(text, SEMICOLON_HIDDEN)) != NULL)
		*text = ';';
}

/* Whether text ends in a backslash that none before it escapes. */
static bool goes_on(const char *text)
{
	size_t len = strlen(text), slashes = 0;

	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
		len--;
	while (slashes < len && text[len - 1 - slashes] == '\\')
		slashes++;
	return slashes % 2 == 1;
}

/* Whether inih has found '=' or ':' where it is none of "key = value": "exec /bin/x --a=b". */
static bool key_is_none(const struct parser *p, const char *key)
{
	const struct section_kind *kind = p->section != NULL ? p->section->kind : NULL;

	if (key[0] == '\0')
		return true;
	return kind != NULL && strpbrk(key, " \t") != NULL &&
	       key_find(kind, p->word, false) < kind->count;
}

static int key_handle(void *user, const char *section, const char *key, const char *value)
{
	struct parser *p = user;
	char text[SETTINGS_LINE_MAX + 1];

	p->expects_key = key_is_none(p, key);
	if (p->expects_key)
		return 1;
	strlcpy(text, value, sizeof(text));
	semicolons_show(text);
	p->continues = goes_on(text);
	if (!p->in_section) {
		parser_error(p, "%s: stands before the first [section]", key);
	} else if (p->continues) {
		parser_error(p, "%s: there are no continuation lines; write all of it in this one",
			     key);
		line_lost(p, p->word);
	} else if (p->section != NULL) {
		key_take(p, key, text);
	}
	return 1;
}

static void key_missed(struct parser *p)
{
	if (p->expects_key) {
		parser_error(p, "expected 'key = value'%s",
			     p->indented ? "; there are no continuation lines" : "");
		line_lost(p, p->word);
	}
	p->expects_key = false;
}

/* What is no text: a CR is where it ends a line. NULL: there is none of it. */
static const char *control_find(const char *line)
{
	for (; *line != '\0'; line++)
		if (iscntrl((unsigned char)*line) && *line != '\t' && strcmp(line, "\n") != 0 &&
		    strcmp(line, "\r\n") != 0 && strcmp(line, "\r") != 0)
			return line;
	return NULL;
}

/* Whether a line, of len bytes, cannot be handed on whole. */
static bool line_refuse(const struct parser *p, const char *line, size_t len, int size)
{
	const char *control = control_find(line);

	if (strlen(line) != len)
		parser_error(p, "the line holds a NUL byte");
	else if (len + 3 > (size_t)size)
		parser_error(p, "the line is longer than %d bytes", size - 4);
	else if (control != NULL)
		parser_error(p, "the line holds the control character 0x%02x",
			     (unsigned)(unsigned char)*control);
	else
		return false;
	return true;
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

/* Note the first word of line. */
static void word_note(struct parser *p, const char *line)
{
	snprintf(p->word, sizeof(p->word), "%.*s", (int)strcspn(line, " \t=:\r\n"), line);
}

/* What of a line, of len bytes, is for inih: nothing where it is an error, a title, a comment, or
 * what the line before was to go on with, which is part of that mistake. */
static const char *line_look(struct parser *p, char *line, size_t len, int size)
{
	bool continues = p->continues;

	p->continues = false;
	word_note(p, line);
	if (line_refuse(p, line, len, size)) {
		if (*line == '[')
			title_lost(p);
		else
			line_lost(p, p->word);
	} else if (*line == '[') {
		section_line(p, line);
	} else if (continues) {
		p->continues = goes_on(line);
	} else if (*line != '\0' && *line != ';' && *line != '#') {
		p->expects_key = true;
		semicolons_hide(line);
		return line;
	}
	return "\n";
}

/* Like fgets(3), for inih: the next line without leading blanks, so that an indented key is a
 * key. */
static char *reader_next(char *to, int size, void *stream)
{
	struct parser *p = stream;
	char *line, *start;
	size_t len, blanks;

	key_missed(p);
	line = line_take(p, &len);
	if (line == NULL)
		return NULL;
	start = line + (p->line == 1 && strncmp(line, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0);
	blanks = strspn(start, " \t\r\n");
	p->indented = blanks > 0;
	start += blanks;
	strlcpy(to, line_look(p, start, len - (size_t)(start - line), size), (size_t)size);
	free(line);
	return to;
}

/* ---- all of it ---- */

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
