/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_WRITER_H
#define SERVICES_WRITER_H
/* A long text, written piece by piece to a buffer. Whoever writes looks at the end whether there
 * was memory for all of it. */
#include <stdbool.h>

#include "core/buf.h"

struct writer {
	struct buf *out; /* borrowed */
	bool failed;     /* memory has run out; nothing more is written */
};

void write_text(struct writer *w, const char *text);
/* In decimal; much cheaper than the same by write_format(). */
void write_number(struct writer *w, uint64_t number);
void write_format(struct writer *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Foreign text, in HTML or within a quoted attribute. */
void write_escaped(struct writer *w, const char *text);

#endif
