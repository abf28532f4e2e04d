/* SPDX-License-Identifier: MIT */
#include "core/index.h"

#include <search.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/deadline.h"

struct indexed {
	void *value;
	char key[];
};

static int keys_compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static struct indexed *indexed_of(char *key)
{
	return container_of(key, struct indexed, key);
}

int index_add(struct index *ix, const char *key, void *value)
{
	size_t size = strlen(key) + 1;
	struct indexed *indexed = malloc(sizeof(*indexed) + size);
	char **node;

	if (indexed == NULL)
		return -1;
	indexed->value = value;
	memcpy(indexed->key, key, size);
	node = tsearch(indexed->key, &ix->root, keys_compare);
	if (node == NULL || *node != indexed->key)
		free(indexed);
	return node != NULL ? 0 : -1;
}

void *index_find(const struct index *ix, const char *key)
{
	char **node = tfind(key, &ix->root, keys_compare);

	return node != NULL ? indexed_of(*node)->value : NULL;
}

void index_remove(struct index *ix, const char *key)
{
	char **node = tfind(key, &ix->root, keys_compare);
	struct indexed *indexed = indexed_of(*node);

	tdelete(key, &ix->root, keys_compare);
	free(indexed);
}

static void key_free(void *key)
{
	free(indexed_of(key));
}

void index_free(struct index *ix)
{
	tdestroy(ix->root, key_free);
	ix->root = NULL;
}
