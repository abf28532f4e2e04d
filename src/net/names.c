/* SPDX-License-Identifier: MIT */
#include "net/names.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/option.h"
#include "core/index.h"
#include "net/addr.h"

static struct {
	struct name_list list;
	struct index index; /* of list, by kind and text: key_new() */
	bool closed;        /* the system is not asked */
} names = {.list = STAILQ_HEAD_INITIALIZER(names.list)};

/* ---- answers ---- */

/* The key that a name is found by, for free(); NULL with ENOMEM. */
static char *key_new(enum name_kind kind, const char *text)
{
	char *key;

	return asprintf(&key, "%d %s", (int)kind, text) < 0 ? NULL : key;
}

static void name_free(struct name *name)
{
	free(name->text);
	free(name->error);
	free(name->value);
	free(name);
}

static struct name *name_new(enum name_kind kind, const char *text, const char *error,
			     const void *value, size_t size)
{
	struct name *name = calloc(1, sizeof(*name));

	if (name == NULL)
		return NULL;
	*name = (struct name){.kind = kind, .text = strdup(text), .size = size};
	if (error != NULL)
		name->error = strdup(error);
	else
		name->value = malloc(size);
	if (name->text == NULL || (name->error == NULL && name->value == NULL)) {
		name_free(name);
		return NULL;
	}
	if (name->value != NULL)
		memcpy(name->value, value, size);
	return name;
}

int names_add(enum name_kind kind, const char *text, const char *error, const void *value,
	      size_t size)
{
	struct name *name = name_new(kind, text, error, value, size);
	char *key = key_new(kind, text);
	bool done = name != NULL && key != NULL && index_add(&names.index, key, name) == 0;

	free(key);
	if (done)
		STAILQ_INSERT_TAIL(&names.list, name, entry);
	else if (name != NULL)
		name_free(name);
	return done ? 0 : -1;
}

static const struct name *names_find(enum name_kind kind, const char *text)
{
	char *key = key_new(kind, text);
	const struct name *name = key != NULL ? index_find(&names.index, key) : NULL;

	free(key);
	return name;
}

/* ---- the system ---- */

/* Whether an error of getpwnam(3) says that there is nobody of that name; databases differ. */
static bool is_unknown(int error)
{
	return error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
}

static void refusal_print(struct reason *reason, const char *what, const char *text)
{
	if (is_unknown(errno))
		reason_set(reason, "there is no %s '%s'", what, text);
	else
		reason_set(reason, "%s '%s' cannot be looked up: %s", what, text, strerror(errno));
}

static int user_ask(const char *text)
{
	struct reason reason;
	const struct passwd *user;

	errno = 0;
	user = getpwnam(text);
	if (user != NULL)
		return names_add(NAME_USER, text, NULL, &user->pw_uid, sizeof(user->pw_uid));
	refusal_print(&reason, "user", text);
	return names_add(NAME_USER, text, reason.text, NULL, 0);
}

static int group_ask(const char *text)
{
	struct reason reason;
	const struct group *group;

	errno = 0;
	group = getgrnam(text);
	if (group != NULL)
		return names_add(NAME_GROUP, text, NULL, &group->gr_gid, sizeof(group->gr_gid));
	refusal_print(&reason, "group", text);
	return names_add(NAME_GROUP, text, reason.text, NULL, 0);
}

static int host_ask(const char *text)
{
	struct reason reason;
	struct addr_spec spec;
	struct addr *addrs = NULL;
	int count = -1, result;

	if (addr_spec_parse(&spec, text, &reason) == 0)
		count = addr_resolve(&spec, &addrs, &reason);
	result = names_add(NAME_HOST, text, count < 0 ? reason.text : NULL, addrs,
			   count < 0 ? 0 : (size_t)count * sizeof(*addrs));
	free(addrs);
	return result;
}

const struct name *names_ask(enum name_kind kind, const char *text)
{
	static int (*const ask[])(const char *text) = {user_ask, group_ask, host_ask};
	static char no_answer[] = "has no answer", no_memory[] = "out of memory";
	static const struct name unasked = {.error = no_answer}, lost = {.error = no_memory};
	const struct name *name = names_find(kind, text);

	if (name != NULL)
		return name;
	if (names.closed)
		return &unasked;
	if (ask[kind](text) < 0)
		return &lost;
	name = names_find(kind, text);
	return name != NULL ? name : &lost;
}

/* ---- all names ---- */

void names_close(void)
{
	names.closed = true;
}

const struct name_list *names_all(void)
{
	return &names.list;
}

void names_forget(void)
{
	struct name *name;

	while ((name = STAILQ_FIRST(&names.list)) != NULL) {
		STAILQ_REMOVE_HEAD(&names.list, entry);
		name_free(name);
	}
	index_free(&names.index);
	names.closed = false;
}
