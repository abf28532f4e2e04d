/* SPDX-License-Identifier: MIT */
#include "config/reader.h"

#include <stdlib.h>
#include <string.h>

int reader_file(struct parser *p, const char *path)
{
	struct settings_files *files = &p->settings->files;
	struct settings_file *items = reallocarray(files->items, files->count + 1, sizeof(*items));
	char *copy = strdup(path);

	if (items != NULL)
		files->items = items;
	if (items == NULL || copy == NULL) {
		free(copy);
		return -1;
	}
	items[files->count++] = (struct settings_file){.path = copy};
	parser_begin(p, copy);
	return 0;
}

struct settings *reader_end(struct parser *p)
{
	struct settings *s = p->settings;

	parser_end(p);
	p->settings = NULL;
	index_free(&s->by_name);
	if (s->files.count > 0 && s->root->file == NULL)
		s->root->file = s->files.items[0].path;
	s->schema->check(s);
	if (!s->errors.incomplete)
		return s;
	settings_unref(s);
	return NULL;
}

void reader_warn(struct settings *s)
{
	s->schema->warn(s);
}
