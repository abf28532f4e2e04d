/* SPDX-License-Identifier: MIT */
#include "services/template.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/beneath.h"

#define VALUE_MAX 4096       /* bytes of one argument of a caller */
#define REGEX_MAX 4096       /* bytes of an expression; regex_hint() names it */
#define REGEX_VALUE_MAX 1024 /* bytes of an argument that is matched */
#define REGEX_OPTIONS                                                                  \
	(PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_UTF | \
	 PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C)

/* What matching may cost, whatever the values are. A step of pcre2_match(3) takes some 15 ns, or a
 * few hundred where the expression makes each go through most of the value. Honest expressions
 * need up to ten steps for each byte. */
#define MATCH_STEPS 50000           /* for one argument */
#define MATCH_STEPS_REQUEST 1000000 /* for all arguments of a request */
#define MATCH_DEPTH 5000            /* steps that are remembered, to be taken back */
#define MATCH_HEAP_KIB 2048         /* memory of the remembered steps */

#define PATH_BYTES_MAX (PATH_MAX - 1) /* bytes of a path that the kernel takes */

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"

/* ---- pieces of words ---- */

struct piece {
	struct slice text; /* as it is, or the name of a parameter */
	bool is_parameter;
};

/* Take the next piece of a word. {{ stands for a brace; a brace that begins no name is one. */
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

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
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

/* ---- parameters, as configured ---- */

static const char *range_parse(struct parameter *p)
{
	const char *dots = strstr(p->text, ".."), *error;
	char min[24];

	if (dots == NULL || (size_t)(dots - p->text) >= sizeof(min))
		return "write int MIN..MAX";
	memcpy(min, p->text, (size_t)(dots - p->text));
	min[dots - p->text] = '\0';
	p->min = strtonum(min, INT64_MIN, INT64_MAX, &error);
	if (error == NULL)
		p->max = strtonum(dots + 2, p->min, INT64_MAX, &error);
	return error == NULL ? NULL : "write int MIN..MAX";
}

/* What compiling and matching share, for the life of the process: a request allocates nothing. */
static struct {
	pcre2_compile_context *compile;
	pcre2_match_context *match;
	pcre2_match_data *data; /* keeps the heap of the largest match: up to MATCH_HEAP_KIB */
} matcher;

/* Returns 0, or -1 with ENOMEM. */
static int matcher_open(void)
{
	if (matcher.data != NULL)
		return 0;
	matcher.compile = pcre2_compile_context_create(NULL);
	matcher.match = pcre2_match_context_create(NULL);
	matcher.data = pcre2_match_data_create(1, NULL);
	if (matcher.compile == NULL || matcher.match == NULL || matcher.data == NULL) {
		pcre2_compile_context_free(matcher.compile);
		pcre2_match_context_free(matcher.match);
		pcre2_match_data_free(matcher.data);
		matcher.data = NULL; /* nothing is there yet */
		errno = ENOMEM;
		return -1;
	}
	pcre2_set_max_pattern_length(matcher.compile, REGEX_MAX);
	pcre2_set_newline(matcher.compile, PCRE2_NEWLINE_LF); /* what "." is not, on any system */
	pcre2_set_depth_limit(matcher.match, MATCH_DEPTH);
	pcre2_set_heap_limit(matcher.match, MATCH_HEAP_KIB);
	return 0;
}

/* What helps with the mistakes that other kinds of patterns lead to. */
static const char *regex_hint(int code)
{
	switch (code) {
	case PCRE2_ERROR_QUANTIFIER_INVALID:
		return "; .* is any text";
	case PCRE2_ERROR_POSIX_CLASS_NOT_IN_CLASS:
		return "; write [[:alpha:]]";
	case PCRE2_ERROR_PATTERN_STRING_TOO_LONG:
		return ", 4096 bytes";
	case PCRE2_ERROR_UTF_IS_DISABLED:
	case PCRE2_ERROR_UCP_IS_DISABLED:
		return "; values are bytes";
	default:
		return "";
	}
}

/* What is compiled may still be met by no value that is taken: by those of more bytes only, or by
 * those only that value_refuse() takes for options. Returns NULL, or the reason. */
static const char *regex_unmet(const struct parameter *p, char *reason)
{
	uint32_t least = 0, has_first = 0, first = 0;

	pcre2_pattern_info(p->regex, PCRE2_INFO_MINLENGTH, &least);
	pcre2_pattern_info(p->regex, PCRE2_INFO_FIRSTCODETYPE, &has_first);
	pcre2_pattern_info(p->regex, PCRE2_INFO_FIRSTCODEUNIT, &first);
	if (least > REGEX_VALUE_MAX) {
		snprintf(reason, OPTION_REASON_MAX, "matches from %u bytes on, and takes %d", least,
			 REGEX_VALUE_MAX);
		return reason;
	}
	if (has_first == 1 && first == '-' && p->text[0] != '-')
		return "matches only what begins with '-', which is refused unless the pattern "
		       "itself begins with it";
	return NULL;
}

/* Both ends are anchored by options, so that no way to write the expression gets around it: not
 * an alternative, (?m), \Z before a newline or (*ACCEPT). Verbs like (*LIMIT_MATCH=) can only
 * lower a limit, and (?C) calls nobody. It is interpreted: MemoryDenyWriteExecute= of the unit
 * forbids what pcre2_jit_compile(3) makes, which would heed no limit of depth or heap either. */
static const char *regex_parse(struct parameter *p, char *reason)
{
	PCRE2_UCHAR error[128];
	size_t offset;
	int code, shown;

	if (matcher_open() < 0)
		return "out of memory";
	p->regex = pcre2_compile((PCRE2_SPTR)p->text, PCRE2_ZERO_TERMINATED, REGEX_OPTIONS, &code,
				 &offset, matcher.compile);
	if (p->regex != NULL)
		return regex_unmet(p, reason);
	pcre2_get_error_message(code, error, sizeof(error));
	shown = offset < 20 ? (int)offset : 20;
	snprintf(reason, OPTION_REASON_MAX, "after '%.*s' (byte %zu): %s%s", shown,
		 p->text + offset - shown, offset, (char *)error, regex_hint(code));
	return reason;
}

static const char *enum_check(const struct parameter *p)
{
	const char *text = p->text;

	if (text[0] == '|' || strstr(text, "||") || strchr(text, 0)[-1] == '|')
		return "write enum a|b|c, without an empty word";
	for (size_t i = 1; text[i - 1] != '\0' && text[i] != '\0'; i++)
		if (text[i] == '|' && (is_blank(text[i - 1]) || is_blank(text[i + 1])))
			return "a blank beside | would belong to the word; write enum a|b|c";
	return NULL;
}

static const char *folder_check(const struct parameter *p)
{
	if (p->text[0] != '/')
		return "the folder is not an absolute path";
	return strlen(p->text) > PATH_BYTES_MAX ? "the folder's path is longer than 4095 bytes"
						: NULL;
}

/* Returns NULL, or why the text is no type; it may be in reason. */
static const char *parameter_parse(struct parameter *p, const struct option_pair *pair,
				   char *reason)
{
	static const char *const types[] = {"int", "enum", "regex", "path"};
	const char *text = pair->value;
	size_t len = strcspn(text, " \t"), type = 0;

	while (type < 4 && (strlen(types[type]) != len || strncmp(types[type], text, len) != 0))
		type++;
	p->name = pair->name;
	p->type = (enum parameter_type)type;
	p->text = option_unquote(text + len + strspn(text + len, " \t"), reason);
	if (p->text == NULL)
		return reason;
	if (type == 4 || *p->text == '\0')
		return "write int MIN..MAX, enum a|b|c, regex PATTERN or path FOLDER";
	if (p->type == PARAMETER_INT)
		return range_parse(p);
	if (p->type == PARAMETER_REGEX)
		return regex_parse(p, reason);
	return p->type == PARAMETER_ENUM ? enum_check(p) : folder_check(p);
}

static void __attribute__((format(printf, 4, 5)))
exec_error(const struct section *s, size_t exec_key, struct option_list *errors, const char *format,
	   ...)
{
	char reason[OPTION_REASON_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	section_error(errors, s, exec_key, "%s", reason);
	s->from[exec_key].wrong = true;
}

/* A place of exec, in word, that has no parameter. */
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
	char text[OPTION_REASON_MAX];

	for (; t->count < types->count; t->count++) {
		const struct option_pair *pair = &types->items[t->count];
		const char *reason = parameter_parse(&t->parameters[t->count], pair, text);

		if (reason == NULL)
			continue;
		error_add(errors, pair->from.file, pair->from.line, "arg.%s: %s", pair->name,
			  reason);
		free(t->parameters[t->count].text);
		t->parameters[t->count].text = NULL;
	}
}

/* By the number of expressions, not by what earlier values have cost: whether a value is taken
 * does not depend on the others. */
static void match_steps_share(struct template *t)
{
	uint32_t count = 0, steps = MATCH_STEPS;

	for (size_t i = 0; i < t->count; i++)
		count += t->parameters[i].type == PARAMETER_REGEX;
	if (count > MATCH_STEPS_REQUEST / MATCH_STEPS)
		steps = MATCH_STEPS_REQUEST / count;
	for (size_t i = 0; i < t->count; i++)
		t->parameters[i].match_steps = steps;
}

void template_parse(struct template *t, const struct section *s, size_t exec_key, const char *exec,
		    const struct option_map *types, struct option_list *errors)
{
	char reason[OPTION_REASON_MAX];

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
	match_steps_share(t);
	if (exec == NULL)
		return;
	if (option_split(&t->words, exec, reason) < 0)
		exec_error(s, exec_key, errors, "%s", reason);
	else
		exec_check(t, s, exec_key, types, errors);
}

void template_free(struct template *t)
{
	for (size_t i = 0; i < t->count; i++) {
		pcre2_code_free(t->parameters[i].regex);
		free(t->parameters[i].text);
	}
	free(t->parameters);
	option_list_free(&t->words);
}

/* ---- values, from callers ---- */

static bool int_fits(const struct parameter *p, const char *value)
{
	const char *digits = value + (value[0] == '-'), *error;
	int64_t number;

	if (digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0' ||
	    (digits[0] == '0' && (digits[1] != '\0' || digits != value)))
		return false;
	number = strtonum(value, p->min, p->max, &error);
	return error == NULL && number >= p->min;
}

static bool enum_has(const char *words, const char *value)
{
	size_t len = strlen(value);

	if (strchr(value, '|') != NULL)
		return false;
	for (;; words++) {
		if (strncmp(words, value, len) == 0 && (words[len] == '|' || words[len] == '\0'))
			return true;
		words = strchr(words, '|');
		if (words == NULL)
			return false;
	}
}

/* Not the folder itself, as "." or "sub/..". */
static bool path_is_below(const char *value)
{
	bool below = false;
	size_t len;

	for (; *value != '\0'; value += len + (value[len] == '/')) {
		len = strcspn(value, "/");
		if (len == 2 && value[0] == '.' && value[1] == '.')
			return false;
		below = below || len > 1 || (len == 1 && value[0] != '.');
	}
	return below;
}

static bool path_is_there(const char *folder, const char *value)
{
	int root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = root >= 0 ? beneath_resolve(root, value, O_PATH) : -1;

	if (root >= 0)
		close(root);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static const char *value_match(const struct parameter *p, const char *value)
{
	static char refusal[160];
	PCRE2_UCHAR error[128];
	size_t len = strlen(value);
	int result;

	if (len > REGEX_VALUE_MAX)
		return "is too long for";
	pcre2_set_match_limit(matcher.match, p->match_steps);
	result = pcre2_match(p->regex, (PCRE2_SPTR)value, len, 0, 0, matcher.data, matcher.match);
	if (result >= 0)
		return NULL;
	if (result == PCRE2_ERROR_NOMATCH)
		return "does not match";
	pcre2_get_error_message(result, error, sizeof(error));
	snprintf(refusal, sizeof(refusal), "cannot be matched (%s) with", (char *)error);
	errno = ETIME;
	return refusal;
}

/* What begins with '-' would be an option of the program; only types that name it allow it. */
static const char *value_refuse(const struct parameter *p, const char *value)
{
	bool is_option = value[0] == '-';

	switch (p->type) {
	case PARAMETER_INT:
		return int_fits(p, value) ? NULL : "is not an integer of";
	case PARAMETER_ENUM:
		return enum_has(p->text, value) ? NULL : "is not one of";
	case PARAMETER_REGEX:
		if (is_option && p->text[0] != '-')
			return "begins with '-', unlike";
		return value_match(p, value);
	case PARAMETER_PATH:
		if (is_option)
			return "begins with '-'; give a name below";
		if (!path_is_below(value))
			return "is no name, or has .. in it, of what is below";
		return path_is_there(p->text, value) ? NULL : "is not there below";
	}
	return NULL;
}

static int value_check(const struct parameter *p, const struct slice *slice, char *reason)
{
	char value[VALUE_MAX + 1], text[SLICE_TEXT_MAX];
	const char *refusal = "is too long, or holds a NUL, for";

	if (slice->len <= VALUE_MAX && memchr(slice->data, '\0', slice->len) == NULL) {
		memcpy(value, slice->data, slice->len);
		value[slice->len] = '\0';
		refusal = value_refuse(p, value);
	}
	if (refusal == NULL)
		return 0;
	snprintf(reason, OPTION_REASON_MAX, "%s: '%s' %s %s", p->name, slice_print(slice, text),
		 refusal, p->text);
	return -1;
}

/* Write a word to to, or nowhere where that is NULL. Returns its length with the NUL. */
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

char **template_fill(const struct template *t, const struct slice *values, char *reason)
{
	size_t size = (t->words.count + 1) * sizeof(char *);
	char **argv, *to;

	for (size_t i = 0; i < t->count; i++) {
		errno = EINVAL;
		if (value_check(&t->parameters[i], &values[i], reason) < 0)
			return NULL;
	}
	for (size_t i = 0; i < t->words.count; i++)
		size += word_fill(t, t->words.items[i], values, NULL);
	argv = malloc(size);
	if (argv == NULL) {
		snprintf(reason, OPTION_REASON_MAX, "out of memory");
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
