/* SPDX-License-Identifier: MIT */
#include "core/option.h"

#include <bsd/stdlib.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
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

/* Digits and a unit. Returns the end of what was read, or NULL. */
static const char *quantity_read(const char *text, const struct unit *units, int64_t *value)
{
	size_t digits = strspn(text, "0123456789"), len;
	int64_t number = strtoll(text, NULL, 10);

	if (digits == 0 || digits > 15)
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
			return NULL;
		return text + len;
	}
	return NULL;
}

static int quantity_parse(const struct option_def *def, const char *text, const struct unit *units,
			  const char *form, int64_t *value, char *reason)
{
	const char *end = quantity_read(text, units, value), *dots = strstr(def->range, "..");
	int64_t min = 0, max = INT64_MAX;

	if (end == NULL || *end != '\0') {
		snprintf(reason, OPTION_REASON_MAX, "'%s' is not %s", text, form);
		return -1;
	}
	if (dots != NULL) {
		quantity_read(def->range, units, &min);
		quantity_read(dots + 2, units, &max);
	}
	if (*value < min || *value > max) {
		snprintf(reason, OPTION_REASON_MAX, "%s is out of range %s", text, def->range);
		return -1;
	}
	return 0;
}

static int int_parse(const struct option_def *def, const char *text, void *field, char *reason)
{
	int64_t value;

	if (quantity_parse(def, text, plain, "a number", &value, reason) < 0)
		return -1;
	*(int *)field = (int)value;
	return 0;
}

static int size_parse(const struct option_def *def, const char *text, void *field, char *reason)
{
	int64_t value;

	if (quantity_parse(def, text, sizes, "a size such as 512, 64k or 1M", &value, reason) < 0)
		return -1;
	*(size_t *)field = (size_t)value;
	return 0;
}

static int duration_parse(const struct option_def *def, const char *text, void *field, char *reason)
{
	return quantity_parse(def, text, durations, "a duration such as 500ms, 5s, 2m or 1h", field,
			      reason);
}

static int bool_parse(const struct option_def *def, const char *text, void *field, char *reason)
{
	static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasecmp(text, words[i]) != 0)
			continue;
		*(bool *)field = i % 2;
		return 0;
	}
	snprintf(reason, OPTION_REASON_MAX, "'%s' is neither yes nor no", text);
	return -1;
}

static int word_parse(const struct option_def *def, const char *text, void *field, char *reason)
{
	const char *word = def->range;
	int index = 0;

	for (;; index++) {
		size_t len = strcspn(word, "|");

		if (strlen(text) == len && strncmp(word, text, len) == 0) {
			*(int *)field = index;
			return 0;
		}
		if (word[len] == '\0')
			break;
		word += len + 1;
	}
	snprintf(reason, OPTION_REASON_MAX, "'%s' is not one of %s", text, def->range);
	return -1;
}

static int mode_parse(const struct option_def *def, const char *text, void *field, char *reason)
{
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	if (!isdigit((unsigned char)text[0]) || *end != '\0' || mode > 0777) {
		snprintf(reason, OPTION_REASON_MAX, "'%s' is not an octal mode such as 0660", text);
		return -1;
	}
	*(unsigned *)field = (unsigned)mode;
	return 0;
}

static int text_parse(const struct option_def *def, const char *text, void *field, char *reason)
{
	char *copy = strdup(text);

	if (copy == NULL) {
		snprintf(reason, OPTION_REASON_MAX, "out of memory");
		return -1;
	}
	*(char **)field = copy;
	return 0;
}

static void text_free(void *field)
{
	free(*(char **)field);
}

static int list_parse(const struct option_def *def, const char *text, void *field, char *reason)
{
	if (option_split(field, text) == 0)
		return 0;
	snprintf(reason, OPTION_REASON_MAX, "out of memory");
	return -1;
}

static void list_free(void *field)
{
	option_list_free(field);
}

/* A map has no value of its own, only what option_map_add() adds. */
static int map_parse(const struct option_def *def, const char *text, void *field, char *reason)
{
	snprintf(reason, OPTION_REASON_MAX, "is written %s.NAME", def->name);
	return -1;
}

static void map_free(void *field)
{
	struct option_map *map = field;

	for (size_t i = 0; i < map->count; i++) {
		free(map->items[i].name);
		free(map->items[i].from.text);
	}
	free(map->items);
	*map = (struct option_map){0};
}

const struct option_type option_bool = {"bool", bool_parse, NULL, 0};
const struct option_type option_int = {"int", int_parse, NULL, 0};
const struct option_type option_word = {"word", word_parse, NULL, 0};
const struct option_type option_mode = {"mode", mode_parse, NULL, 0};
const struct option_type option_size = {"size", size_parse, NULL, 0};
const struct option_type option_duration = {"duration", duration_parse, NULL, 0};
const struct option_type option_text = {"text", text_parse, text_free, sizeof(char *)};
const struct option_type option_list = {"list", list_parse, list_free, sizeof(struct option_list)};
const struct option_type option_map = {"map", map_parse, map_free, sizeof(struct option_map)};

int option_split(struct option_list *list, const char *text)
{
	static const char blanks[] = " \t";

	*list = (struct option_list){0};
	for (text += strspn(text, blanks); *text != '\0'; text += strspn(text, blanks)) {
		size_t len = strcspn(text, blanks);

		if (option_list_add(list, strndup(text, len)) < 0) {
			option_list_free(list);
			return -1;
		}
		text += len;
	}
	return 0;
}

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

int option_map_add(struct option_map *map, const char *name, const char *text, const char *file,
		   int line)
{
	struct option_pair *items = reallocarray(map->items, map->count + 1, sizeof(*items));
	struct option_pair pair = {strdup(name), {strdup(text), file, line}};

	if (items != NULL)
		map->items = items;
	if (items == NULL || pair.name == NULL || pair.from.text == NULL) {
		free(pair.name);
		free(pair.from.text);
		return -1;
	}
	items[map->count++] = pair;
	return 0;
}

int option_set(const struct option_def *def, void *conf, const char *text, char *reason)
{
	char *field = (char *)conf + def->offset;
	_Alignas(max_align_t) char before[OPTION_FIELD_MAX];

	if (def->type->free == NULL)
		return def->type->parse(def, text, field, reason);
	memcpy(before, field, def->type->size);
	memset(field, 0, def->type->size);
	if (def->type->parse(def, text, field, reason) < 0) {
		def->type->free(field); /* what there was of it */
		memcpy(field, before, def->type->size);
		return -1;
	}
	def->type->free(before);
	return 0;
}

void option_free(const struct option_def *defs, size_t count, void *conf)
{
	for (size_t i = 0; i < count; i++)
		if (defs[i].type->free != NULL)
			defs[i].type->free((char *)conf + defs[i].offset);
}

/* Levenshtein's distance, one row at a time. */
static size_t distance(const char *a, const char *b)
{
	size_t row[64], len = strlen(b);

	if (len >= 64 || strlen(a) >= 64)
		return 64;
	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= len; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[len];
}

bool option_is_near(const char *word, const char *candidate)
{
	return distance(word, candidate) * 3 <= strlen(candidate);
}
