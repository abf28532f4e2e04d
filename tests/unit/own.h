/* SPDX-License-Identifier: MIT */
/* What the test's own process holds. To be included after cmocka.h. */
#ifndef UNIT_OWN_H
#define UNIT_OWN_H

#include <dirent.h>

/* How many descriptors are open, give or take the same few each time. */
static inline size_t descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

#endif
