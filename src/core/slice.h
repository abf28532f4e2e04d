/* SPDX-License-Identifier: MIT */
#ifndef CORE_SLICE_H
#define CORE_SLICE_H
/* Bytes that belong to somebody else, such as a word of a request while the request is answered. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
	const char *data; /* borrowed */
	size_t len;
};

/* Write the first bytes of a slice to text[SLICE_TEXT_MAX] for people, with a '?' for each byte
 * that cannot be printed, and a NUL. Returns text. */
#define SLICE_TEXT_MAX 65
const char *slice_print(const struct slice *s, char *text);

/* Whether a slice is this word, in capitals or small letters. */
bool slice_is(const struct slice *s, const char *word);

/* Take a slice as a decimal number, to *value. Returns false where the slice is none, or does not
 * fit. */
bool slice_integer(const struct slice *s, int64_t *value);

/* The byte that two hexadecimal digits stand for, in capitals or small letters; -1: they are none.
 */
int hex_byte(const char digits[2]);

/* The bytes of count slices together. */
size_t slices_len(const struct slice *slices, size_t count);

/* Copy count slices with the bytes that they borrow. Returns one allocation, for whoever asked to
 * free, or NULL with ENOMEM. */
struct slice *slices_copy(const struct slice *slices, size_t count)
	__attribute__((warn_unused_result));

#endif
