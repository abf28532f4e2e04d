/* SPDX-License-Identifier: MIT */
#include "client/complete.h"

#include "client/io.h"
#include "client/scan.h"
#include "client/words.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>
#include <wctype.h>

#define PATIENCE_MS 2000   /* for the server: a person waits, and cannot type meanwhile */
#define FOUND_MAX 1000     /* words */
#define PAGES_MAX 20       /* of names of files */
#define WORD_MAX 256       /* bytes of a verb's or a command's name */
#define LIST_MAX (1 << 20) /* bytes of the list of all verbs, or commands */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Whether all characters of text can be shown. Looks at characters, not at bytes: in UTF-8 there
 * are control characters of two bytes. */
static bool is_printable(const char *text)
{
	mbstate_t state = {0};
	wchar_t wide;
	size_t len;

	for (; *text != '\0'; text += len) {
		len = mbrtowc(&wide, text, strlen(text), &state);
		if (len > strlen(text) || !iswprint((wint_t)wide))
			return false;
	}
	return true;
}

/* Keep a word, if the prefix can become it. Returns 0, or -1 when there are enough, or no memory.
 */
static int keep(void *arg, const char *word)
{
	struct complete *c = arg;
	char *copy;

	if (strncmp(word, c->prefix, strlen(c->prefix)) != 0 || !is_printable(word))
		return 0;
	if (c->count == FOUND_MAX)
		return -1;
	copy = c->quoted ? words_quote(word) : strdup(word);
	if (copy == NULL)
		return -1;
	c->found[c->count++] = copy;
	return 0;
}

/* Keep a verb. Verbs are the same in upper and lower case: they are shown as the person began. */
static int keep_verb(void *arg, const char *word)
{
	struct complete *c = arg;
	bool lower = islower((unsigned char)c->prefix[0]);
	char text[WORD_MAX] = "";

	for (size_t i = 0; word[i] != '\0' && i < sizeof(text) - 1; i++)
		text[i] = (char)(lower ? tolower((unsigned char)word[i])
				       : toupper((unsigned char)word[i]));
	return keep(c, text);
}

/* Take one row of a list: an array that begins with a name. */
static int row_take(struct complete *c, int (*keep_name)(void *arg, const char *word))
{
	struct reply_event row;
	char name[WORD_MAX];

	if (talk_next(&c->talk, &row) < 0)
		return -1;
	if (row.type != REPLY_ARRAY || row.number == 0)
		return talk_unexpected(&c->talk, &row, "a row of a list");
	if (talk_next_string(&c->talk, name, sizeof(name), "a name") < 0)
		return -1;
	if (talk_skip_values(&c->talk, row.number - 1) < 0)
		return -1;
	return keep_name(c, name);
}

static int list_take(struct complete *c, const char *verb,
		     int (*keep_name)(void *arg, const char *word))
{
	struct reply_event e;

	talk_allow(&c->talk, LIST_MAX);
	if (talk_ask(&c->talk, (const char *const[]){verb, NULL}) < 0 ||
	    talk_next(&c->talk, &e) < 0)
		return -1;
	if (e.type != REPLY_ARRAY)
		return talk_skip(&c->talk, &e); /* an error: the server has no such verb */
	for (int64_t i = 0; i < e.number; i++)
		if (row_take(c, keep_name) < 0)
			return -1;
	return 0;
}

static int verbs_take(struct complete *c)
{
	return list_take(c, "COMMAND", keep_verb);
}

static int commands_take(struct complete *c)
{
	return list_take(c, "COMMANDS", keep);
}

static int files_take(struct complete *c)
{
	struct scan scan = SCAN_START;
	char glob[2 * PATH_MAX + 2], *out = glob;
	int result = 0;

	for (const char *p = c->prefix; *p != '\0' && p < c->prefix + PATH_MAX; p++) {
		if (strchr("*?[]\\", *p) != NULL)
			*out++ = '\\';
		*out++ = *p;
	}
	memcpy(out, "*", 2);
	for (int i = 0; i < PAGES_MAX && result == 0 && (i == 0 || !scan_ended(&scan)); i++)
		result = scan_page(&c->talk, &scan, glob, keep, c);
	return result;
}

/* What the arguments of a verb can be. */
static const struct {
	const char *verb;
	size_t arguments; /* how many are of this kind */
	int (*take)(struct complete *c);
} sources[] = {
	{"RUN", 1, commands_take},        {"STREAM", 1, commands_take}, {"START", 1, commands_take},
	{"PIPE", 1, commands_take},       {"GET", 1, files_take},       {"GETRANGE", 1, files_take},
	{"STAT", 1, files_take},          {"SHA256", 1, files_take},    {"STRLEN", 1, files_take},
	{"EXISTS", SIZE_MAX, files_take},
};

/* Ask for what the word with this index may become. */
static int take(struct complete *c, const char *verb, size_t index)
{
	if (index == 0)
		return verbs_take(c);
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		if (strcasecmp(sources[i].verb, verb) == 0 && index <= sources[i].arguments)
			return sources[i].take(c);
	return 0;
}

static void found_clear(struct complete *c)
{
	while (c->count > 0)
		free(c->found[--c->count]);
}

/* Ask over the connection, or make it. One that was there may have been closed for being idle,
 * hence a second try. */
static void ask(struct complete *c, const char *verb, size_t index, int64_t give_up_ms)
{
	bool again = c->talk.fd >= 0;

	c->talk.give_up_ms = give_up_ms;
	if (!again && talk_open(&c->talk) < 0) {
		talk_reset(&c->talk);
		return;
	}
	if (take(c, verb, index) == 0)
		return;
	talk_reset(&c->talk);
	if (!again || c->count == FOUND_MAX)
		return;
	found_clear(c);
	ask(c, verb, index, give_up_ms);
}

/* Sort the words found, and keep each but once. */
static void found_settle(struct complete *c)
{
	size_t kept = 0;

	qsort(c->found, c->count, sizeof(c->found[0]), by_text);
	for (size_t i = 0; i < c->count; i++) {
		if (kept > 0 && strcmp(c->found[kept - 1], c->found[i]) == 0)
			free(c->found[i]);
		else
			c->found[kept++] = c->found[i];
	}
	c->count = kept;
	c->found[kept] = NULL;
}

char **complete_word(struct complete *c, const char *verb, size_t index, const char *prefix)
{
	c->found = calloc(FOUND_MAX + 1, sizeof(c->found[0]));
	c->count = 0;
	if (c->found == NULL)
		return NULL;
	c->prefix = prefix;
	ask(c, verb, index, io_clock_ms() + PATIENCE_MS);
	found_settle(c);
	if (c->count > 0)
		return c->found;
	free(c->found);
	return NULL;
}

char **complete_find(struct complete *c, const char *line, size_t start, size_t end)
{
	struct words w;
	char **found = NULL;
	size_t index;

	if (words_split(&w, line, end) < 0)
		return NULL;
	index = w.argc - w.in_word;
	c->quoted = true;
	/* Within quotes, libedit would replace another word than is meant. */
	if (w.unfinished == '\0' && (!w.in_word || w.last_start == start))
		found = complete_word(c, w.argv[0], index, w.in_word ? w.argv[index] : "");
	words_free(&w);
	return found;
}

void complete_init(struct complete *c, const struct addr_spec *server)
{
	*c = (struct complete){0};
	talk_init(&c->talk, server);
	c->talk.quiet = true;
}

void complete_free(struct complete *c)
{
	talk_close(&c->talk);
}
