/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_TARGET_H
#define CLIENT_TARGET_H
/* Where the files that are fetched are saved. */
#include <stdbool.h>
#include <stddef.h>

struct target {
	const char *name; /* on the server; borrowed */
	char *path;       /* here; owned. NULL: standard output */
};

/* Whether output, as a person chose it, is standard output; NULL: nothing was chosen. */
bool target_is_standard(const char *output);

/* Choose a path for each of count targets, whose names are there and whose paths are NULL. output
 * is what a person chose: a file, a folder with a slash after it, "-", or NULL. Returns 0, or -1
 * with the reason said. */
int targets_choose(struct target *targets, size_t count, const char *output)
	__attribute__((warn_unused_result));
/* Free the paths of count targets. */
void targets_free(struct target *targets, size_t count);

#endif
