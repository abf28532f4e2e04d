/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_NEAR_H
#define CONFIG_NEAR_H
/* What somebody may have meant. */
#include <stdbool.h>

/* Whether candidate is a near miss of word: at most a third of its letters differ. None is of more
 * than 63 bytes. */
bool word_is_near(const char *word, const char *candidate);

#endif
