/* SPDX-License-Identifier: MIT */
/* Input of which no byte too many can be read unnoticed. After cmocka.h. */
#ifndef UNIT_EDGE_H
#define UNIT_EDGE_H

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EDGE_MAX (256 * 1024) /* bytes */

/* Bytes as input that ends where memory ends. */
static inline char *at_edge(const char *data, size_t len)
{
	static char *edge;
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);

	assert_true(len <= EDGE_MAX);
	if (edge == NULL) {
		edge = mmap(NULL, EDGE_MAX + page, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert_ptr_not_equal(edge, MAP_FAILED);
		edge += EDGE_MAX;
		assert_int_equal(mprotect(edge, page, PROT_NONE), 0);
	}
	memcpy(edge - len, data, len);
	return edge - len;
}

#endif
