/* SPDX-License-Identifier: MIT */
#include "services/parameter.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <fcntl.h>
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
 * few hundred where the expression makes each step go through most of the value. Honest expressions
 * need up to ten steps for each byte. */
#define MATCH_STEPS 50000           /* for one argument */
#define MATCH_STEPS_REQUEST 1000000 /* for all arguments of a request */
#define MATCH_DEPTH 5000            /* steps that are remembered, to be taken back */
#define MATCH_HEAP_KIB 2048         /* memory of the remembered steps */

/* ---- as configured ---- */

static int range_parse(struct parameter *p, struct reason *reason)
{
	const char *dots = strstr(p->text, ".."), *error;
	char min[24];

	if (dots == NULL || (size_t)(dots - p->text) >= sizeof(min))
		return reason_set(reason, "write int MIN..MAX");
	memcpy(min, p->text, (size_t)(dots - p->text));
	min[dots - p->text] = '\0';
	p->min = strtonum(min, INT64_MIN, INT64_MAX, &error);
	if (error == NULL)
		p->max = strtonum(dots + 2, p->min, INT64_MAX, &error);
	return error == NULL ? 0 : reason_set(reason, "write int MIN..MAX");
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
	pcre2_set_newline(matcher.compile, PCRE2_NEWLINE_LF); /* "." is anything else, everywhere */
	pcre2_set_depth_limit(matcher.match, MATCH_DEPTH);
	pcre2_set_heap_limit(matcher.match, MATCH_HEAP_KIB);
	return 0;
}

/* Advice on mistakes that habits of other kinds of patterns lead to. */
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

/* Refuse an expression that no value can meet: one that matches only values longer than are taken,
 * or only values that value_refuse() takes for options. Returns 0, or -1 with the reason. */
static int regex_unmet(const struct parameter *p, struct reason *reason)
{
	uint32_t least = 0, has_first = 0, first = 0;

	pcre2_pattern_info(p->regex, PCRE2_INFO_MINLENGTH, &least);
	pcre2_pattern_info(p->regex, PCRE2_INFO_FIRSTCODETYPE, &has_first);
	pcre2_pattern_info(p->regex, PCRE2_INFO_FIRSTCODEUNIT, &first);
	if (least > REGEX_VALUE_MAX)
		return reason_set(reason, "matches from %u bytes on, and takes %d", least,
				  REGEX_VALUE_MAX);
	if (has_first == 1 && first == '-' && p->text[0] != '-')
		return reason_set(reason, "matches only what begins with '-', which is refused "
					  "unless the pattern itself begins with it");
	return 0;
}

/* Compile an expression. Both ends are anchored by options, so that no way to write the expression
 * gets around that: not an alternative, (?m), \Z before a newline or (*ACCEPT). Verbs like
 * (*LIMIT_MATCH=) can only lower a limit, and (?C) calls nobody. The code is interpreted:
 * MemoryDenyWriteExecute= of the unit forbids what pcre2_jit_compile(3) makes, and that would heed
 * no limit of depth or heap. */
static int regex_parse(struct parameter *p, struct reason *reason)
{
	PCRE2_UCHAR error[128];
	size_t offset;
	int code, shown;

	if (matcher_open() < 0)
		return reason_set(reason, "out of memory");
	p->regex = pcre2_compile((PCRE2_SPTR)p->text, PCRE2_ZERO_TERMINATED, REGEX_OPTIONS, &code,
				 &offset, matcher.compile);
	if (p->regex != NULL)
		return regex_unmet(p, reason);
	pcre2_get_error_message(code, error, sizeof(error));
	shown = offset < 20 ? (int)offset : 20;
	return reason_set(reason, "after '%.*s' (byte %zu): %s%s", shown, p->text + offset - shown,
			  offset, (char *)error, regex_hint(code));
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static int enum_check(const struct parameter *p, struct reason *reason)
{
	const char *text = p->text;

	if (text[0] == '|' || strstr(text, "||") || strchr(text, 0)[-1] == '|')
		return reason_set(reason, "write enum a|b|c, without an empty word");
	for (size_t i = 1; text[i - 1] != '\0' && text[i] != '\0'; i++)
		if (text[i] == '|' && (is_blank(text[i - 1]) || is_blank(text[i + 1])))
			return reason_set(reason, "a blank beside | would belong to the word; "
						  "write enum a|b|c");
	return 0;
}

static int folder_check(const struct parameter *p, struct reason *reason)
{
	if (p->text[0] != '/')
		return reason_set(reason, "the folder is not an absolute path");
	if (strlen(p->text) > PATH_BYTES_MAX)
		return reason_set(reason, "the folder's path is longer than %d bytes",
				  PATH_BYTES_MAX);
	return 0;
}

/* Returns 0, or -1 with the reason. */
static int type_parse(struct parameter *p, const char *text, struct reason *reason)
{
	static const char *const types[] = {"int", "enum", "regex", "path"};
	size_t len = strcspn(text, " \t"), type = 0;

	while (type < 4 && (strlen(types[type]) != len || strncmp(types[type], text, len) != 0))
		type++;
	p->type = (enum parameter_type)type;
	p->text = option_unquote(text + len + strspn(text + len, " \t"), reason);
	if (p->text == NULL)
		return -1;
	if (type == 4 || *p->text == '\0')
		return reason_set(reason,
				  "write int MIN..MAX, enum a|b|c, regex PATTERN or path FOLDER");
	if (p->type == PARAMETER_INT)
		return range_parse(p, reason);
	if (p->type == PARAMETER_REGEX)
		return regex_parse(p, reason);
	return p->type == PARAMETER_ENUM ? enum_check(p, reason) : folder_check(p, reason);
}

int parameter_parse(struct parameter *p, const struct option_pair *pair, struct reason *reason)
{
	*p = (struct parameter){.name = pair->name};
	if (type_parse(p, pair->value, reason) == 0)
		return 0;
	free(p->text);
	p->text = NULL;
	return -1;
}

void parameter_free(struct parameter *p)
{
	pcre2_code_free(p->regex);
	free(p->text);
}

/* The part of each depends on the number of expressions, not on what other values have cost:
 * whether a value is taken does not depend on the others. */
void parameters_share_steps(struct parameter *parameters, size_t count)
{
	uint32_t regexes = 0, steps = MATCH_STEPS;

	for (size_t i = 0; i < count; i++)
		regexes += parameters[i].type == PARAMETER_REGEX;
	if (regexes > MATCH_STEPS_REQUEST / MATCH_STEPS)
		steps = MATCH_STEPS_REQUEST / regexes;
	for (size_t i = 0; i < count; i++)
		parameters[i].match_steps = steps;
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

/* Whether a path leads below a folder, and not to the folder itself, as "." would, and has no ".."
 * in it. */
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

/* Returns NULL where p may have the value; else the middle of a message. A value that begins with
 * '-' would be an option of the program: only a type that names it allows it. */
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

int parameter_check(const struct parameter *p, const struct slice *slice, struct reason *reason)
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
	return reason_set(reason, "%s: '%s' %s %s", p->name, slice_print(slice, text), refusal,
			  p->text);
}
