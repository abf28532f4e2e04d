/* SPDX-License-Identifier: MIT */
#include "services/media.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "core/index.h"

#define ENDING_MAX 16 /* bytes of what a name ends in, with its NUL; longer ones have no type */
#define BLANKS " \t\r\n"
#define CHARSET "; charset=utf-8"

struct type {
	SLIST_ENTRY(type) entry;
	char text[];
};

struct media {
	struct index endings;
	SLIST_HEAD(, type) types; /* owned */
};

/* As lines of the file. */
static const char *const usual[] = {
	"application/gzip gz tgz",
	"application/json json",
	"application/pdf pdf",
	"application/wasm wasm",
	"application/xml xml",
	"application/zip zip",
	"audio/mpeg mp3",
	"audio/ogg ogg opus",
	"font/woff2 woff2",
	"image/gif gif",
	"image/jpeg jpg jpeg",
	"image/png png",
	"image/svg+xml svg",
	"image/webp webp",
	"image/x-icon ico",
	"text/css css",
	"text/csv csv",
	"text/html html htm",
	"text/javascript js mjs",
	"text/markdown md",
	"text/plain txt log conf ini",
	"video/mp4 mp4",
	"video/webm webm",
};

/* Returns NULL with ENOMEM. */
static struct type *type_add(struct media *m, const char *text)
{
	const char *charset = strncmp(text, "text/", 5) == 0 ? CHARSET : "";
	struct type *type = malloc(sizeof(*type) + strlen(text) + strlen(charset) + 1);

	if (type == NULL)
		return NULL;
	stpcpy(stpcpy(type->text, text), charset);
	SLIST_INSERT_HEAD(&m->types, type, entry);
	return type;
}

/* Take a line "TYPE ENDING...", which is changed; an ending that has a type already keeps that. */
static int line_take(struct media *m, char *line)
{
	char *rest, *text = strtok_r(line, BLANKS, &rest), *ending;
	struct type *type = NULL;

	if (text == NULL || text[0] == '#')
		return 0;
	while ((ending = strtok_r(NULL, BLANKS, &rest)) != NULL) {
		if (type == NULL && (type = type_add(m, text)) == NULL)
			return -1;
		if (index_add(&m->endings, ending, type->text) < 0)
			return -1;
	}
	return 0;
}

static int usual_take(struct media *m)
{
	char line[128];

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
		snprintf(line, sizeof(line), "%s", usual[i]);
		if (line_take(m, line) < 0)
			return -1;
	}
	return 0;
}

static int file_take(struct media *m, FILE *file)
{
	char *line = NULL;
	size_t size = 0;
	int result = 0;

	while (result == 0 && getline(&line, &size, file) >= 0)
		result = line_take(m, line);
	free(line);
	return result;
}

struct media *media_new(const char *path)
{
	struct media *m = calloc(1, sizeof(*m));
	FILE *file = fopen(path, "re");
	int result = -1;

	if (m != NULL)
		result = file != NULL ? file_take(m, file) : usual_take(m);
	if (file != NULL)
		fclose(file);
	if (result == 0)
		return m;
	media_free(m);
	errno = ENOMEM;
	return NULL;
}

void media_free(struct media *m)
{
	struct type *type;

	if (m == NULL)
		return;
	while ((type = SLIST_FIRST(&m->types)) != NULL) {
		SLIST_REMOVE_HEAD(&m->types, entry);
		free(type);
	}
	index_free(&m->endings);
	free(m);
}

const char *media_type(const struct media *m, const char *name)
{
	static const char unknown[] = "application/octet-stream";
	const char *slash = strrchr(name, '/'), *dot = strrchr(name, '.'), *found;
	char ending[ENDING_MAX];
	size_t len = 0;

	if (dot == NULL || (slash != NULL && dot < slash) || strlen(dot + 1) >= sizeof(ending))
		return unknown;
	for (; dot[len + 1] != '\0'; len++)
		ending[len] = (char)tolower((unsigned char)dot[len + 1]);
	ending[len] = '\0';
	found = index_find(&m->endings, ending);
	return found != NULL ? found : unknown;
}
