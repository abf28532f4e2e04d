/* SPDX-License-Identifier: MIT */
#include "services/shell.h"

#include <bsd/string.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define DIGITS "0123456789"
#define SMALL "abcdefghijklmnopqrstuvwxyz"

struct word {
	char *text;   /* without its quotes */
	char *quotes; /* for each byte of text the quote that it is in, or a blank */
	size_t len;   /* of text and of quotes */
	bool escapes; /* a backslash stands where people mean to escape the next byte */
};

/* ---- words ---- */

/* The bytes that people put a backslash before; quote: within which quote, or a blank: outside. */
static const char *escaped(char quote)
{
	switch (quote) {
	case '"':
		return "\"";
	case '\'':
		return "";
	default:
		return "\"' \t";
	}
}

/* Take the next word of *line, which moves on. Returns false where there is none. */
static bool word_take(const char **line, struct word *word)
{
	const char *from = *line + strspn(*line, " \t");
	char quote = ' ';

	word->len = 0;
	word->escapes = false;
	if (*from == '\0')
		return false;
	for (; *from != '\0' && (quote != ' ' || (*from != ' ' && *from != '\t')); from++) {
		if (*from == '\\' && from[1] != '\0' && strchr(escaped(quote), from[1]) != NULL)
			word->escapes = true;
		if (quote == ' ' && (*from == '"' || *from == '\'')) {
			quote = *from;
		} else if (*from == quote) {
			quote = ' ';
		} else {
			word->text[word->len] = *from;
			word->quotes[word->len++] = quote;
		}
	}
	word->text[word->len] = word->quotes[word->len] = '\0';
	*line = from;
	return true;
}

static bool is_shell(const char *program)
{
	static const char *const shells[] = {"sh",  "bash", "dash",    "ash", "ksh",    "mksh",
					     "zsh", "fish", "busybox", "su",  "runuser"};
	const char *slash = strrchr(program, '/');
	const char *name = slash != NULL ? slash + 1 : program;

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		if (strcmp(name, shells[i]) == 0)
			return true;
	return false;
}

/* Whether a word is an option like -c or -ec of a shell, after which the next word is a script. */
static bool is_script_option(const struct word *word)
{
	return word->len >= 2 && word->text[0] == '-' && word->text[word->len - 1] == 'c' &&
	       word->text[1 + strspn(word->text + 1, SMALL)] == '\0';
}

/* ---- signs ---- */

static bool is_operator(const struct word *word)
{
	size_t first = strspn(word->text, DIGITS), last = word->len - 1;

	if (word->len == 0)
		return false;
	if (word->text[first] != '\0' && strchr("<>", word->text[first]) != NULL &&
	    word->quotes[first] == ' ')
		return true;
	if (strchr("|&;", word->text[0]) != NULL && word->quotes[0] == ' ')
		return true;
	return strchr("&;", word->text[last]) != NULL && word->quotes[last] == ' ';
}

/* The length of a macro of Nagios at text, $NAME$ in capitals; 0: there is none. */
static size_t macro_len(const char *text)
{
	size_t len = text[0] == '$' ? strspn(text + 1, CAPITALS DIGITS) : 0;
	bool is_name = len >= 3 && strspn(text + 1, DIGITS) == 0;

	return is_name && text[1 + len] == '$' ? len + 2 : 0;
}

static bool is_variable(const char *text)
{
	if (text[0] == '`')
		return true;
	return text[0] == '$' && text[1] != '\0' && strchr("({" CAPITALS SMALL, text[1]) != NULL;
}

static bool has_variable(const struct word *word)
{
	size_t i = 0;

	while (i < word->len) {
		size_t macro = macro_len(word->text + i);

		if (macro == 0 && word->quotes[i] != '\'' && is_variable(word->text + i))
			return true;
		i += macro > 0 ? macro : 1;
	}
	return false;
}

static bool has_macro(const struct word *word)
{
	for (size_t i = 0; i < word->len; i++)
		if (macro_len(word->text + i) > 0)
			return true;
	return false;
}

static bool is_pattern(const struct word *word)
{
	if (word->text[0] == '~')
		return word->quotes[0] == ' ' && (word->len == 1 || word->text[1] == '/');
	for (size_t i = 0; word->text[0] == '/' && i < word->len; i++)
		if (word->text[i] == '*' && word->quotes[i] == ' ')
			return true;
	return false;
}

static bool has_escape(const struct word *word)
{
	return word->escapes;
}

/* Note the signs of a word. A script has its own, but its quotes are taken off here as those of any
 * word: only escapes in it are noted. */
static void word_look(const struct word *word, bool is_script,
		      char signs[SHELL_SIGNS][SHELL_TEXT_MAX])
{
	static bool (*const looks[SHELL_SIGNS])(const struct word *word) = {
		[SHELL_OPERATOR] = is_operator, [SHELL_VARIABLE] = has_variable,
		[SHELL_MACRO] = has_macro,      [SHELL_PATTERN] = is_pattern,
		[SHELL_ESCAPE] = has_escape,
	};

	for (size_t i = 0; i < SHELL_SIGNS; i++)
		if (signs[i][0] == '\0' && (!is_script || i == SHELL_ESCAPE) && looks[i](word))
			strlcpy(signs[i], word->text, SHELL_TEXT_MAX);
}

void shell_signs(const char *line, char signs[SHELL_SIGNS][SHELL_TEXT_MAX])
{
	size_t size = strlen(line) + 1;
	struct word word = {.text = malloc(size), .quotes = malloc(size)};
	bool in_shell = false, is_script = false;

	memset(signs, 0, SHELL_SIGNS * SHELL_TEXT_MAX);
	while (word.text != NULL && word.quotes != NULL && word_take(&line, &word)) {
		word_look(&word, is_script, signs);
		is_script = in_shell && is_script_option(&word);
		in_shell = in_shell || is_shell(word.text);
	}
	free(word.text);
	free(word.quotes);
}
