/* SPDX-License-Identifier: MIT */
#include "services/template.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

/* ---- pieces of words ---- */

struct piece {
	struct slice text; /* the name of a parameter, or text to be taken as it is */
	bool is_parameter;
};

/* Take the next piece of a word, which moves on. {{ stands for a brace, and so does a brace that
 * begins no name. Returns false at the end of the word. */
static bool piece_take(const char **word, struct piece *piece)
{
	const char *at = *word;
	size_t len;

	if (*at == '\0')
		return false;
	len = at[0] == '{' ? strspn(at + 1, NAME_CHARS) : 0;
	piece->is_parameter = len > 0 && at[1 + len] == '}';
	if (piece->is_parameter) {
		piece->text = (struct slice){at + 1, len};
		*word = at + len + 2;
	} else if (at[0] == '{' && at[1] == '{') {
		piece->text = (struct slice){at, 1};
		*word = at + 2;
	} else {
		piece->text = (struct slice){at, 1 + strcspn(at + 1, "{")};
		*word = at + piece->text.len;
	}
	return true;
}

/* Returns the number of the parameter of that name, or -1. */
static int parameter_find(const struct template *t, const struct slice *name)
{
	for (size_t i = 0; i < t->count; i++)
		if (strlen(t->parameters[i].name) == name->len &&
		    memcmp(t->parameters[i].name, name->data, name->len) == 0)
			return (int)i;
	return -1;
}

/* ---- as configured ---- */

static void __attribute__((format(printf, 4, 5)))
exec_error(const struct section *s, size_t exec_key, struct option_list *errors, const char *format,
	   ...)
{
	struct reason reason = {""};
	va_list args;

	va_start(args, format);
	reason_vadd(&reason, format, args);
	va_end(args);
	section_error(errors, s, exec_key, "%s", reason.text);
	s->from[exec_key].wrong = true;
}

/* The error of a place in a word of exec that has no parameter. */
static void place_error(const struct section *s, size_t exec_key, const char *word,
			const struct slice *name, struct option_list *errors)
{
	const char *brace = name->data - 1;

	if (brace > word && brace[-1] == '$')
		exec_error(s, exec_key, errors,
			   "${%.*s} stands for nothing, as there is no shell: write the value "
			   "itself, or {NAME} with arg.NAME for what a caller gives",
			   (int)name->len, name->data);
	else
		exec_error(s, exec_key, errors, "{%.*s} has no arg.%.*s", (int)name->len,
			   name->data, (int)name->len, name->data);
}

static void exec_check(const struct template *t, const struct section *s, size_t exec_key,
		       const struct option_map *types, struct option_list *errors)
{
	bool used[REQUEST_ARGS_MAX] = {false};
	struct piece piece;

	if (t->words.count == 0 || t->words.items[0][0] != '/' || strchr(t->words.items[0], '{'))
		exec_error(s, exec_key, errors, "begins with the absolute path of a program");
	else if (strlen(t->words.items[0]) > PATH_BYTES_MAX)
		exec_error(s, exec_key, errors, "the program's path is longer than %d bytes",
			   PATH_BYTES_MAX);
	for (size_t i = 0; i < t->words.count; i++) {
		for (const char *word = t->words.items[i]; piece_take(&word, &piece);) {
			int index = piece.is_parameter ? parameter_find(t, &piece.text) : -1;

			if (index >= 0)
				used[index] = true;
			else if (piece.is_parameter && !types->incomplete)
				place_error(s, exec_key, t->words.items[i], &piece.text, errors);
		}
	}
	for (size_t i = 0; i < t->count; i++)
		if (!used[i])
			error_add(errors, types->items[i].from.file, types->items[i].from.line,
				  "arg.%s: exec has no {%s}", types->items[i].name,
				  types->items[i].name);
}

static void parameters_parse(struct template *t, const struct option_map *types,
			     struct option_list *errors)
{
	struct reason reason;

	for (; t->count < types->count; t->count++) {
		const struct option_pair *pair = &types->items[t->count];

		if (parameter_parse(&t->parameters[t->count], pair, &reason) < 0)
			error_add(errors, pair->from.file, pair->from.line, "arg.%s: %s",
				  pair->name, reason.text);
	}
}

void template_parse(struct template *t, const struct section *s, size_t exec_key, const char *exec,
		    const struct option_map *types, struct option_list *errors)
{
	struct reason reason;

	*t = (struct template){0};
	if (types->count >= REQUEST_ARGS_MAX) {
		exec_error(s, exec_key, errors, "too many arguments");
		return;
	}
	t->parameters = calloc(types->count + 1, sizeof(*t->parameters));
	if (t->parameters == NULL) {
		exec_error(s, exec_key, errors, "out of memory");
		return;
	}
	parameters_parse(t, types, errors);
	parameters_share_steps(t->parameters, t->count);
	if (exec == NULL)
		return;
	if (option_split(&t->words, exec, &reason) < 0)
		exec_error(s, exec_key, errors, "%s", reason.text);
	else
		exec_check(t, s, exec_key, types, errors);
}

void template_free(struct template *t)
{
	for (size_t i = 0; i < t->count; i++)
		parameter_free(&t->parameters[i]);
	free(t->parameters);
	option_list_free(&t->words);
}

/* ---- for a caller ---- */

/* Write a word, with its places filled, to `to`; NULL: nowhere. Returns its length with the NUL. */
static size_t word_fill(const struct template *t, const char *word, const struct slice *values,
			char *to)
{
	struct piece piece;
	size_t len = 0;

	while (piece_take(&word, &piece)) {
		int index = piece.is_parameter ? parameter_find(t, &piece.text) : -1;
		const struct parameter *p = index >= 0 ? &t->parameters[index] : NULL;
		struct slice part = p != NULL ? values[index] : piece.text;

		if (p != NULL && p->type == PARAMETER_PATH) {
			if (to != NULL)
				sprintf(to + len, "%s/", p->text);
			len += strlen(p->text) + 1;
		}
		if (to != NULL && part.len > 0)
			memcpy(to + len, part.data, part.len);
		len += part.len;
	}
	if (to != NULL)
		to[len] = '\0';
	return len + 1;
}

char **template_fill(const struct template *t, const struct slice *values, struct reason *reason)
{
	size_t size = (t->words.count + 1) * sizeof(char *);
	char **argv, *to;

	for (size_t i = 0; i < t->count; i++) {
		errno = EINVAL;
		if (parameter_check(&t->parameters[i], &values[i], reason) < 0)
			return NULL;
	}
	for (size_t i = 0; i < t->words.count; i++)
		size += word_fill(t, t->words.items[i], values, NULL);
	argv = malloc(size);
	if (argv == NULL) {
		reason_set(reason, "out of memory");
		return NULL;
	}
	to = (char *)(argv + t->words.count + 1);
	for (size_t i = 0; i < t->words.count; i++) {
		argv[i] = to;
		to += word_fill(t, t->words.items[i], values, to);
	}
	argv[t->words.count] = NULL;
	return argv;
}
