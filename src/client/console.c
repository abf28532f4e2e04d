/* SPDX-License-Identifier: MIT */
#include "client/console.h"

#include "client/request.h"
#include "client/words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int complain(const char *reason, struct buf *output)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "not sent: %s\n", reason);

	return buf_add(output, text, (size_t)len);
}

static const char *unfinished(const struct words *w)
{
	return w->unfinished == '\\'  ? "nothing after the last backslash"
	       : w->unfinished == '"' ? "a \" lacks its second"
				      : "a ' lacks its second";
}

int console_line(const char *line, size_t len, struct buf *to_server, struct buf *output)
{
	struct words w;
	int result = 0;

	if (memchr(line, '\0', len) != NULL)
		return complain("a NUL cannot be part of a word", output);
	if (words_split(&w, line, len) < 0)
		return -1;
	if (w.unfinished != '\0')
		result = complain(unfinished(&w), output);
	else if (w.argc > 0)
		result = request_add(to_server, (const char *const *)w.argv);
	words_free(&w);
	return result;
}

int console_take(struct console *c, const char *data, size_t len, struct buf *output)
{
	struct reply_event e;
	size_t taken;

	for (; len > 0; data += taken, len -= taken) {
		taken = reply_next(&c->reply, data, len, &e);
		if (e.type == REPLY_BAD) {
			errno = EPROTO;
			return -1;
		}
		if (print_event(&c->print, &e, output) < 0)
			return -1;
	}
	return 0;
}
