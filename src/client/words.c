/* SPDX-License-Identifier: MIT */
#include "client/words.h"

#include <stdlib.h>
#include <string.h>

#define SPACE " \t\r\n\v\f"
#define SPECIAL SPACE "'\"\\"
#define ESCAPED_IN_QUOTES "\"\\$`"

static bool is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* Look at the character line[*i] of a word. Returns true if line[*i] belongs to the word, where *i
 * may have moved past a backslash; false if it was a quote, or a backslash at the end. */
static bool take(struct words *w, const char *line, size_t len, size_t *i)
{
	char c = line[*i], quote = w->unfinished;

	if (c == '\\' && quote != '\'') {
		if (*i + 1 == len) {
			w->unfinished = '\\';
			return false;
		}
		if (quote == '\0' || is_one_of(line[*i + 1], ESCAPED_IN_QUOTES))
			++*i;
		return true;
	}
	if (quote != '\0' ? c == quote : is_one_of(c, "'\"")) {
		w->unfinished = quote != '\0' ? '\0' : c;
		return false;
	}
	return true;
}

static void split(struct words *w, const char *line, size_t len)
{
	char *out = w->text;

	for (size_t i = 0; i < len; i++) {
		if (w->unfinished == '\0' && is_one_of(line[i], SPACE)) {
			if (w->in_word)
				*out++ = '\0';
			w->in_word = false;
			continue;
		}
		if (!w->in_word) {
			w->argv[w->argc++] = out;
			w->last_start = i;
		}
		w->in_word = true;
		if (take(w, line, len, &i))
			*out++ = line[i];
	}
	*out = '\0';
	w->argv[w->argc] = NULL;
}

int words_split(struct words *w, const char *line, size_t len)
{
	*w = (struct words){0};
	w->text = malloc(len + 1);
	w->argv = calloc(len / 2 + 2, sizeof(w->argv[0])); /* words of one character, and NULL */
	if (w->text == NULL || w->argv == NULL) {
		words_free(w);
		return -1;
	}
	split(w, line, len);
	return 0;
}

void words_free(struct words *w)
{
	free(w->text);
	free(w->argv);
	*w = (struct words){0};
}

char *words_quote(const char *word)
{
	char *quoted = malloc(2 * strlen(word) + 3), *out = quoted;

	if (quoted == NULL)
		return NULL;
	for (const char *c = word; *c != '\0'; c++) {
		if (is_one_of(*c, SPECIAL))
			*out++ = '\\';
		*out++ = *c;
	}
	if (out == quoted) {
		*out++ = '\'';
		*out++ = '\'';
	}
	*out = '\0';
	return quoted;
}
