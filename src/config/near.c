/* SPDX-License-Identifier: MIT */
#include "config/near.h"

#include <stddef.h>
#include <string.h>

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

#define WORD_MAX 63 /* bytes; a longer word is near no other */

/* How many letters are wrong, in words of up to WORD_MAX bytes: Levenshtein's distance, where two
 * letters that have changed places are one slip. Of the matrix, three rows are kept at a time. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1], len = strlen(b), i = 1;

	for (size_t j = 0; j <= len; j++)
		rows[0][j] = j;
	for (; a[i - 1] != '\0'; i++) {
		const size_t *above = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];
		size_t *row = rows[i % 3];

		row[0] = i;
		for (size_t j = 1; j <= len; j++) {
			row[j] = above[j - 1] + (a[i - 1] != b[j - 1]);
			row[j] = least(row[j], least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return rows[(i - 1) % 3][len];
}

bool word_is_near(const char *word, const char *candidate)
{
	size_t len = strlen(candidate);

	return strlen(word) <= WORD_MAX && len <= WORD_MAX && distance(word, candidate) * 3 <= len;
}
