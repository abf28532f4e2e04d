/* SPDX-License-Identifier: MIT */
#include "client/console.h"

#include "client/request.h"
#include "client/words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int complain(const struct words *w, struct buf *output)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "not sent: %s\n",
			   w->unfinished == '\\'  ? "nothing after the last backslash"
			   : w->unfinished == '"' ? "a \" lacks its second"
						  : "a ' lacks its second");

	return buf_add(output, text, (size_t)len);
}

int console_line(const char *line, struct buf *to_server, struct buf *output)
{
	struct words w;
	int result = 0;

	if (words_split(&w, line, strlen(line)) < 0)
		return -1;
	if (w.unfinished != '\0')
		result = complain(&w, output);
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
