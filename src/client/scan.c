/* SPDX-License-Identifier: MIT */
#include "client/scan.h"

#include <string.h>

#define PAGE_MAX (8 << 20) /* bytes of one reply; COUNT is only a hint to the server */
#define PAGES_MAX 100000   /* each of 1000 names, most of which may not match */

static int page_ask(struct talk *t, const struct scan *s, const char *glob)
{
	const char *argv[] = {"SCAN", s->cursor, "COUNT", "1000", "MATCH", glob, NULL};

	if (glob == NULL)
		argv[4] = NULL;
	return talk_ask(t, argv);
}

/* Take the beginning of a reply, up to the event that announces the names: the next cursor stands
 * before them. */
static int cursor_take(struct talk *t, struct scan *s, struct reply_event *names)
{
	struct reply_event e;

	if (talk_reply(t, &e) < 0)
		return -1;
	if (e.type != REPLY_ARRAY || e.number != 2)
		return talk_unexpected(t, &e, "a cursor and a list of names");
	if (talk_next_string(t, s->cursor, sizeof(s->cursor), "a cursor") < 0 ||
	    talk_next(t, names) < 0)
		return -1;
	return names->type == REPLY_ARRAY ? 0 : talk_unexpected(t, names, "a list of names");
}

int scan_page(struct talk *t, struct scan *s, const char *glob,
	      int (*take)(void *arg, const char *name), void *arg)
{
	struct reply_event names;
	char name[SCAN_NAME_MAX];
	struct scan before = *s;

	talk_allow(t, PAGE_MAX);
	if (page_ask(t, s, glob) < 0 || cursor_take(t, s, &names) < 0)
		return -1;
	for (int64_t i = 0; i < names.number; i++)
		if (talk_next_string(t, name, sizeof(name), "a name") < 0 || take(arg, name) < 0)
			return -1;
	if (!scan_ended(s) && (++s->pages == PAGES_MAX || strcmp(s->cursor, before.cursor) == 0))
		return talk_broke(t, "the server's names have no end");
	return 0;
}

bool scan_ended(const struct scan *s)
{
	return strcmp(s->cursor, "0") == 0;
}
