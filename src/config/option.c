/* SPDX-License-Identifier: MIT */
#include "config/option.h"

#include <assert.h>
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct unit {
	const char *suffix;
	int64_t factor;
};

static const struct unit plain[] = {{"", 1}, {NULL, 0}};
static const struct unit sizes[] = {
	{"", 1}, {"k", 1 << 10}, {"K", 1 << 10}, {"M", 1 << 20}, {"G", 1 << 30}, {NULL, 0},
};
static const struct unit durations[] = {
	{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {NULL, 0},
};

/* Read digits and a unit; a value that is too large is INT64_MAX. Returns the end of what was read,
 * or NULL. */
static const char *quantity_read(const char *text, const struct unit *units, int64_t *value)
{
	size_t digits = strspn(text, "0123456789"), len;
	int64_t number = strtoll(text, NULL, 10);

	if (digits == 0)
		return NULL;
	text += digits;
	len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
	if (len == 0 && number == 0) {
		*value = 0;
		return text;
	}
	for (; units->suffix != NULL; units++) {
		if (strlen(units->suffix) != len || strncmp(text, units->suffix, len) != 0)
			continue;
		if (__builtin_mul_overflow(number, units->factor, value))
			*value = INT64_MAX;
		return text + len;
	}
	return NULL;
}

static int quantity_parse(const struct option_def *def, const char *text, const struct unit *units,
			  const char *form, int64_t *value, struct reason *reason)
{
	bool negative = text[0] == '-';
	const char *end = quantity_read(text + negative, units, value);
	const char *dots = strstr(def->range, "..");
	int64_t min = 0, max = INT64_MAX - 1;

	if (end == NULL || *end != '\0') {
		return reason_set(reason, "'%.100s' is not %s", text, form);
	}
	if (dots != NULL) {
		quantity_read(def->range, units, &min);
		quantity_read(dots + 2, units, &max);
	}
	if (negative || *value < min || *value > max) {
		return reason_set(reason, "%.100s is out of range %s", text, def->range);
	}
	return 0;
}

static int int_parse(const struct option_def *def, const char *text, void *field,
		     struct reason *reason)
{
	int64_t value;

	if (quantity_parse(def, text, plain, "a number", &value, reason) < 0)
		return -1;
	*(int *)field = (int)value;
	return 0;
}

static int size_parse(const struct option_def *def, const char *text, void *field,
		      struct reason *reason)
{
	int64_t value;

	if (quantity_parse(def, text, sizes, "a size such as 512, 64k or 1M", &value, reason) < 0)
		return -1;
	*(size_t *)field = (size_t)value;
	return 0;
}

static int duration_parse(const struct option_def *def, const char *text, void *field,
			  struct reason *reason)
{
	return quantity_parse(def, text, durations, "a duration such as 500ms, 5s, 2m or 1h", field,
			      reason);
}

static int bool_parse(const struct option_def *def, const char *text, void *field,
		      struct reason *reason)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(text, words[i]) != 0)
			continue;
		*(bool *)field = i % 2;
		return 0;
	}
	return reason_set(reason, "'%.100s' is neither yes nor no", text);
}

void option_choices_print(const struct option_type *type, char text[OPTION_CHOICES_MAX])
{
	text[0] = '\0';
	for (const struct option_word *word = type->choices; word->text != NULL; word++) {
		strlcat(text, text[0] != '\0' ? "|" : "", OPTION_CHOICES_MAX);
		strlcat(text, word->text, OPTION_CHOICES_MAX);
	}
}

int option_word_parse(const struct option_def *def, const char *text, void *field,
		      struct reason *reason)
{
	char choices[OPTION_CHOICES_MAX];

	for (const struct option_word *word = def->type->choices; word->text != NULL; word++) {
		if (strcmp(word->text, text) != 0)
			continue;
		*(int *)field = word->value;
		return 0;
	}
	option_choices_print(def->type, choices);
	return reason_set(reason, "'%.100s' is not one of %s", text, choices);
}

static int mode_parse(const struct option_def *def, const char *text, void *field,
		      struct reason *reason)
{
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	if (!isdigit((unsigned char)text[0]) || *end != '\0' || mode > 0777) {
		return reason_set(reason, "'%.100s' is not an octal mode such as 0660", text);
	}
	*(unsigned *)field = (unsigned)mode;
	return 0;
}

static int text_parse(const struct option_def *def, const char *text, void *field,
		      struct reason *reason)
{
	char *copy = strdup(text);

	if (copy == NULL) {
		return reason_set(reason, "out of memory");
	}
	*(char **)field = copy;
	return 0;
}

static void text_free(void *field)
{
	free(*(char **)field);
}

static int path_parse(const struct option_def *def, const char *text, void *field,
		      struct reason *reason)
{
	size_t max = def->range[0] != '\0' ? strtoul(def->range, NULL, 10) : PATH_MAX - 1;

	if (text[0] == '/' && strlen(text) <= max)
		return text_parse(def, text, field, reason);
	return reason_set(reason, "'%.100s' is not an absolute path of at most %zu bytes", text,
			  max);
}

static int list_parse(const struct option_def *def, const char *text, void *field,
		      struct reason *reason)
{
	return option_items(field, text, reason);
}

static void list_free(void *field)
{
	option_list_free(field);
}

/* A map has no value of its own, only the pairs that option_map_add() adds. */
static int map_parse(const struct option_def *def, const char *text, void *field,
		     struct reason *reason)
{
	return reason_set(reason, "is written %s.NAME", def->name);
}

static void map_free(void *field)
{
	struct option_map *map = field;

	for (size_t i = 0; i < map->count; i++) {
		free(map->items[i].name);
		free(map->items[i].value);
		free(map->items[i].from.text);
	}
	free(map->items);
	*map = (struct option_map){0};
}

const struct option_type option_bool = {.name = "bool", .parse = bool_parse};
const struct option_type option_int = {.name = "int", .parse = int_parse};
const struct option_type option_mode = {.name = "mode", .parse = mode_parse};
const struct option_type option_size = {.name = "size", .parse = size_parse};
const struct option_type option_duration = {.name = "duration", .parse = duration_parse};
const struct option_type option_text = {
	.name = "text", .parse = text_parse, .free = text_free, .size = sizeof(char *)};
const struct option_type option_path = {
	.name = "path", .parse = path_parse, .free = text_free, .size = sizeof(char *)};
const struct option_type option_words = {
	.name = "words",
	.parse = text_parse,
	.free = text_free,
	.size = sizeof(char *),
	.words = true,
};
const struct option_type option_list = {
	.name = "list",
	.parse = list_parse,
	.free = list_free,
	.size = sizeof(struct option_list),
	.words = true,
};
const struct option_type option_map = {
	.name = "map", .parse = map_parse, .free = map_free, .size = sizeof(struct option_map)};

/* ---- quotes ---- */

static bool is_quote(char c)
{
	return c == '"' || c == '\'';
}

char *option_unquote(const char *text, struct reason *reason)
{
	const char *end = is_quote(text[0]) ? strchr(text + 1, text[0]) : NULL;
	char *copy;

	if (is_quote(text[0]) && end == NULL) {
		reason_set(reason, "a quote is not closed");
		return NULL;
	}
	if (is_quote(text[0]) && end[1] != '\0') {
		reason_set(reason, "its quotes end before it does; put %c around all of it",
			   text[0] == '"' ? '\'' : '"');
		return NULL;
	}
	copy = end != NULL ? strndup(text + 1, (size_t)(end - text - 1)) : strdup(text);
	if (copy == NULL)
		reason_set(reason, "out of memory");
	return copy;
}

/* Take one word of *text, which moves on, to `to`, without its quotes. Returns 0, or -1 for an
 * unbalanced quote. */
static int word_take(const char **text, char *to)
{
	const char *from = *text;
	char quote = '\0';

	for (; *from != '\0' && (quote != '\0' || (*from != ' ' && *from != '\t')); from++) {
		if (quote == '\0' && is_quote(*from))
			quote = *from;
		else if (*from == quote)
			quote = '\0';
		else
			*to++ = *from;
	}
	*to = '\0';
	*text = from;
	return quote == '\0' ? 0 : -1;
}

int option_split(struct option_list *list, const char *text, struct reason *reason)
{
	char *word = malloc(strlen(text) + 1);
	int result = word != NULL ? 0 : -1;

	*list = (struct option_list){0};
	reason_set(reason, "out of memory");
	for (text += strspn(text, " \t"); result == 0 && *text != '\0';
	     text += strspn(text, " \t")) {
		result = word_take(&text, word);
		if (result < 0)
			reason_set(reason, "a quote is not closed");
		else
			result = option_list_add(list, strdup(word));
	}
	free(word);
	if (result < 0)
		option_list_free(list);
	return result;
}

int option_items(struct option_list *list, const char *text, struct reason *reason)
{
	if (option_split(list, text, reason) < 0)
		return -1;
	if (list->count == 0)
		reason_set(reason, "the list is empty");
	for (size_t i = 0; i < list->count; i++) {
		const char *item = list->items[i];

		if (item[0] != ',' && (item[0] == '\0' || strchr(item, '\0')[-1] != ','))
			continue;
		reason_set(reason, "'%.100s': " OPTION_COMMAS, item);
		option_list_free(list);
	}
	return list->count > 0 ? 0 : -1;
}

/* ---- lists and maps ---- */

int option_list_add(struct option_list *list, char *item)
{
	char **items = reallocarray(list->items, list->count + 1, sizeof(*items));

	if (items != NULL)
		list->items = items;
	if (items == NULL || item == NULL) {
		free(item);
		list->incomplete = true;
		return -1;
	}
	items[list->count++] = item;
	return 0;
}

void option_list_free(struct option_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct option_list){0};
}

const struct option_pair *option_map_find(const struct option_map *map, const char *name)
{
	for (size_t i = 0; i < map->count; i++)
		if (strcmp(map->items[i].name, name) == 0)
			return &map->items[i];
	return NULL;
}

int option_map_add(struct option_map *map, const char *name, const struct option_source *from,
		   struct reason *reason)
{
	struct option_pair *items = reallocarray(map->items, map->count + 1, sizeof(*items));
	struct option_pair pair = {.name = strdup(name), .from = *from};

	if (items != NULL)
		map->items = items;
	pair.from.text = strdup(from->text);
	reason_set(reason, "out of memory");
	if (items != NULL && pair.name != NULL && pair.from.text != NULL)
		pair.value = option_unquote(from->text, reason);
	if (pair.value == NULL) {
		free(pair.name);
		free(pair.from.text);
		return -1;
	}
	items[map->count++] = pair;
	return 0;
}

/* ---- values ---- */

/* Parse text into a field, and only then free what the field had before. */
static int field_set(const struct option_def *def, char *field, const char *text,
		     struct reason *reason)
{
	_Alignas(max_align_t) char before[OPTION_FIELD_MAX];

	if (def->type->free == NULL)
		return def->type->parse(def, text, field, reason);
	assert(def->type->size <= sizeof(before));
	memcpy(before, field, def->type->size);
	memset(field, 0, def->type->size);
	if (def->type->parse(def, text, field, reason) < 0) {
		def->type->free(field); /* what parse() has left */
		memcpy(field, before, def->type->size);
		return -1;
	}
	def->type->free(before);
	return 0;
}

int option_set(const struct option_def *def, void *conf, const char *text, struct reason *reason)
{
	char *field = (char *)conf + def->offset, *unquoted;
	int result;

	if (def->type->words)
		return field_set(def, field, text, reason);
	unquoted = option_unquote(text, reason);
	if (unquoted == NULL)
		return -1;
	result = field_set(def, field, unquoted, reason);
	free(unquoted);
	return result;
}

void option_free(const struct option_def *defs, size_t count, void *conf)
{
	for (size_t i = 0; i < count; i++)
		if (defs[i].type->free != NULL)
			defs[i].type->free((char *)conf + defs[i].offset);
}
