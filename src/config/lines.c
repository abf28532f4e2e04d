/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "config/lines.h"

#include <bsd/string.h>
#include <ctype.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

/* Stands for a ';' between quotes, which inih would take for the beginning of a comment; a control
 * character, which no line has. */
#define SEMICOLON_HIDDEN '\x1f'

/* Hide each ';' between quotes. A quote opens at the beginning of a word, after '=' or ':', and
 * after another quote; not in "it's". One that is not closed is no quote. */
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

/* Whether text ends in a backslash that no backslash before it escapes. */
static bool goes_on(const char *text)
{
	size_t len = strlen(text), slashes = 0;

	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
		len--;
	while (slashes < len && text[len - 1 - slashes] == '\\')
		slashes++;
	return slashes % 2 == 1;
}

/* Whether inih has found '=' or ':' elsewhere than after a key, as in "exec /bin/x --a=b". */
static bool key_is_none(const struct parser *p, const char *key)
{
	return key[0] == '\0' || (strpbrk(key, " \t") != NULL && parser_knows(p, p->word));
}

/* inih has found "key = value". Returns 1, as inih wants it: go on. */
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
		parser_lost(p, p->word);
	} else {
		parser_key(p, key, text);
	}
	return 1;
}

/* The line before this one should have been a key: where inih has found none, that is an error. */
static void key_missed(struct parser *p)
{
	if (p->expects_key) {
		parser_error(p, "expected 'key = value'%s",
			     p->indented ? "; there are no continuation lines" : "");
		parser_lost(p, p->word);
	}
	p->expects_key = false;
}

/* The first control character in a line; a CR is none where it ends the line. NULL: there is none.
 */
static const char *control_find(const char *line)
{
	for (; *line != '\0'; line++)
		if (iscntrl((unsigned char)*line) && *line != '\t' && strcmp(line, "\n") != 0 &&
		    strcmp(line, "\r\n") != 0 && strcmp(line, "\r") != 0)
			return line;
	return NULL;
}

/* Whether a line, of len bytes, cannot be handed to inih, whose lines have at most size bytes with
 * their NUL; with an error. */
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

/* Returns the next line as a string, for free(), and its length, in bytes that may have NULs among
 * them. NULL: there is none, or no memory for it. */
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

/* Returns what inih gets in place of a line, of len bytes: the line; or an empty one, where the
 * line is an error, a title, a comment, or meant to continue the line before, which was the error.
 */
static const char *line_look(struct parser *p, char *line, size_t len, int size)
{
	bool continues = p->continues;

	p->continues = false;
	word_note(p, line);
	if (line_refuse(p, line, len, size)) {
		if (*line == '[')
			parser_title_lost(p);
		else
			parser_lost(p, p->word);
	} else if (*line == '[') {
		parser_title(p, line);
	} else if (continues) {
		p->continues = goes_on(line);
	} else if (*line != '\0' && *line != ';' && *line != '#') {
		p->expects_key = true;
		semicolons_hide(line);
		return line;
	}
	return "\n";
}

/* As fgets(3), for inih: the next line without leading blanks, so that an indented key is a key. */
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

/* inih cuts lines and long section names, swallows indented keys and gives no line number, so lines
 * go through reader_next(), which counts and checks lines, and takes titles itself. */
void lines_read(struct parser *p, const char *text, size_t len)
{
	p->rest = text;
	p->end = text + len;
#ifdef INIH_LONG_LINES
	ini_use_stack = false;
	ini_max_line = ini_initial_alloc = SETTINGS_LINE_MAX;
#endif
	if (ini_parse_stream(reader_next, p, key_handle, p) == -2)
		error_add(&p->settings->errors, p->file, 0, "out of memory");
}
