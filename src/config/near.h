/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_NEAR_H
#define CONFIG_NEAR_H
/* What somebody may have meant. */
#include <stdbool.h>

/* Whether word may be a slip of candidate: wrong letters are at most a third of the letters that
 * candidate has. Words of more than 63 bytes are none. */
bool word_is_near(const char *word, const char *candidate);

#endif
