/* SPDX-License-Identifier: MIT */
#ifndef CORE_INDEX_H
#define CORE_INDEX_H
/* Things found by a text, in a time that hardly grows with their number; a tree, tsearch(3). */

struct index {
	void *root; /* NULL: nothing is in it */
};

/* Find value, borrowed, by key, which is copied; what is found by it already stays. Returns 0, or
 * -1 with ENOMEM. */
int index_add(struct index *ix, const char *key, void *value) __attribute__((warn_unused_result));
/* Returns NULL where there is none. */
void *index_find(const struct index *ix, const char *key);
/* There is something for key; it is not found any more. */
void index_remove(struct index *ix, const char *key);
/* What was in it is its owner's. */
void index_free(struct index *ix);

#endif
