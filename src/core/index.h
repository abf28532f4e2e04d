/* SPDX-License-Identifier: MIT */
#ifndef CORE_INDEX_H
#define CORE_INDEX_H
/* Values found by a text, in a time that hardly grows with their number; a tree, tsearch(3).
 * Zeroed, an index is empty. */

struct index {
	void *root; /* of tsearch(3); NULL: no values */
};

/* Have value, borrowed, found by key, which is copied. A value that key has already stays, and the
 * new one is not found. Returns 0, or -1 with ENOMEM. */
int index_add(struct index *ix, const char *key, void *value) __attribute__((warn_unused_result));
/* Returns the value of key, or NULL. */
void *index_find(const struct index *ix, const char *key);
/* Forget key, which must have a value. */
void index_remove(struct index *ix, const char *key);
/* Forget all keys; the values stay their owners'. */
void index_free(struct index *ix);

#endif
