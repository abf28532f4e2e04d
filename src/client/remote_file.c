/* SPDX-License-Identifier: MIT */
#include "client/remote_file.h"

#include <string.h>

#define KEY_MAX 32           /* bytes */
#define STAT_MAX (64 * 1024) /* bytes of a reply, with what later versions may add */

int remote_file_ask(struct talk *t, const char *name)
{
	return talk_ask(t, (const char *const[]){"STAT", name, NULL});
}

static int take_number(struct talk *t, const struct reply_event *event, int64_t *number)
{
	if (event->type != REPLY_INTEGER)
		return talk_unexpected(t, event, "a number");
	*number = event->number;
	return 0;
}

/* Take a name and its value. Names that are not known are of a later version. */
static int take_pair(struct talk *t, struct remote_file *file)
{
	struct reply_event value;
	char key[KEY_MAX];

	if (talk_next_string(t, key, sizeof(key), "a name of STAT") < 0 || talk_next(t, &value) < 0)
		return -1;
	if (strcmp(key, "size") == 0)
		return take_number(t, &value, &file->size);
	if (strcmp(key, "mtime") == 0)
		return take_number(t, &value, &file->mtime);
	if (strcmp(key, "etag") == 0)
		return talk_string(t, &value, file->etag, sizeof(file->etag), "an etag");
	if (strcmp(key, "id") == 0)
		return talk_string(t, &value, file->id, sizeof(file->id), "an id");
	return talk_skip(t, &value);
}

static int take_pairs(struct talk *t, struct remote_file *file, int64_t count)
{
	file->state = REMOTE_FOUND;
	file->size = -1;
	for (int64_t i = 0; i < count; i += 2)
		if (take_pair(t, file) < 0)
			return -1;
	if (file->size >= 0 && file->etag[0] != '\0')
		return 0;
	return talk_broke(t, "the server says nothing of a file's size or etag: is it a pollard?");
}

int remote_file_take(struct talk *t, struct remote_file *file)
{
	struct reply_event e;

	*file = (struct remote_file){.state = REMOTE_MISSING};
	talk_allow(t, STAT_MAX);
	if (talk_next(t, &e) < 0)
		return -1;
	if (e.type == REPLY_NIL)
		return 0;
	if (e.type == REPLY_ARRAY && e.number % 2 == 0)
		return take_pairs(t, file, e.number);
	if (e.type != REPLY_ERROR)
		return talk_unexpected(t, &e, "what STAT says of a file");
	file->state = REMOTE_REFUSED;
	talk_print_error(t, &e);
	return 0;
}
