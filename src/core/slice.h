/* SPDX-License-Identifier: MIT */
#ifndef CORE_SLICE_H
#define CORE_SLICE_H
/* Bytes that belong to somebody else: a word of a request, for the time that it is answered. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
	const char *data; /* borrowed */
	size_t len;
};

/* Write the first bytes of a slice for people, what cannot be printed as '?'. Returns text. */
#define SLICE_TEXT_MAX 65
const char *slice_print(const struct slice *s, char *text);

/* Whether a slice is this word, in any case. */
bool slice_is(const struct slice *s, const char *word);

/* Take a decimal number. Returns false where it is none, or more than an int64_t holds. */
bool slice_integer(const struct slice *s, int64_t *value);

/* Bytes of all count of them. */
size_t slices_len(const struct slice *slices, size_t count);

/* A copy of count slices with all that they borrow. Returns one allocation, the caller's, or NULL
 * with ENOMEM. */
struct slice *slices_copy(const struct slice *slices, size_t count)
	__attribute__((warn_unused_result));

#endif
