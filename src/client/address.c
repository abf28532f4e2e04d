/* SPDX-License-Identifier: MIT */
#include "client/address.h"

#include "client/subcommand.h"

#include <arpa/inet.h>
#include <bsd/string.h>
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LEN 48   /* bytes; inih cuts longer titles */
#define FILE_PATH_MAX 512 /* bytes; with a longer path, there is no file of names */
#define SPACE " \t\r\n\v\f"

/* A short name that is looked up, and the file of names while it is read. */
struct lookup {
	const char *name;       /* borrowed, as the next two */
	struct addr_spec *spec; /* what the name means */
	struct reason *reason;
	char path[FILE_PATH_MAX];
	FILE *file;
	int line;
	int wrong_line; /* the line that reason is about, the first that is wrong; 0: none */
	int error;      /* errno: why there is no file to read; 0: there is one */
	bool found;     /* name has been found, and spec is set */
	void (*named)(void *arg, const char *name, const char *address); /* NULL: nobody asks */
	void *arg;
};

static void __attribute__((format(printf, 2, 3))) wrong(struct lookup *l, const char *format, ...)
{
	va_list args;

	if (l->wrong_line != 0)
		return;
	l->wrong_line = l->line;
	reason_set(l->reason, "%s:%d: ", l->path, l->line);
	va_start(args, format);
	reason_vadd(l->reason, format, args);
	va_end(args);
}

/* Parse an address, where a transport is left out that of TCP. */
static int text_parse(struct addr_spec *spec, const char *text, struct reason *reason)
{
	static const char *const prefixes[] = {"tcp:", "udp:", "unix:"};
	char tcp[ADDR_TEXT_MAX + 1];

	for (unsigned i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(text, prefixes[i], strlen(prefixes[i])) == 0)
			return addr_spec_parse(spec, text, reason);
	snprintf(tcp, sizeof(tcp), "tcp:%s", text); /* cut off, it is still refused as too long */
	return addr_spec_parse(spec, tcp, reason);
}

/* The path of the file of names, as the XDG Base Directory Specification has it. Returns 0, or -1
 * if the environment does not tell. */
static int path_find(char *path, size_t size)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int len;

	if (config != NULL && config[0] == '/')
		len = snprintf(path, size, "%s/pollcat", config);
	else if (home != NULL && home[0] == '/')
		len = snprintf(path, size, "%s/.config/pollcat", home);
	else
		return -1;
	return len > 0 && (size_t)len < size ? 0 : -1;
}

/* As fgets(3), for inih: the next line without leading blanks, so that an indented key is a key. A
 * line that cannot be handed on whole is an error. */
static char *line_next(char *to, int size, void *stream)
{
	struct lookup *l = stream;
	size_t len = 0;
	int c = 0;

	while (c != '\n' && len + 1 < (size_t)size && (c = getc(l->file)) != EOF)
		to[len++] = (char)c;
	to[len] = '\0';
	if (len == 0)
		return NULL;
	l->line++;
	if (strlen(to) != len) {
		wrong(l, "the line holds a NUL byte");
		return NULL;
	}
	if (c != '\n' && c != EOF) {
		wrong(l, "the line is longer than %d bytes", size - 2);
		return NULL;
	}
	memmove(to, to + strspn(to, SPACE), len + 1 - strspn(to, SPACE));
	if (to[0] == '[' && strcspn(to + 1, "]") > NAME_MAX_LEN) {
		wrong(l, "a name has at most %d bytes", NAME_MAX_LEN);
		return NULL;
	}
	return to;
}

/* Check a title, at the first key below it. */
static void name_check(struct lookup *l, const char *name)
{
	if (name[0] == '\0')
		wrong(l, "stands before the first [NAME]");
	else if (name[strcspn(name, ":" SPACE)] != '\0')
		wrong(l, "[%s]: a name has no ':' and no blank", name);
	else if (strcmp(name, "ping") == 0 || subcommand_find(name) != NULL)
		wrong(l, "[%s]: that is the name of a subcommand", name);
}

static int key_handle(void *user, const char *name, const char *key, const char *value)
{
	struct lookup *l = user;
	struct reason reason;
	struct addr_spec spec;

	name_check(l, name);
	if (strcmp(key, "address") != 0)
		wrong(l, "%s: unknown key; there is: address", key);
	else if (text_parse(&spec, value, &reason) < 0)
		wrong(l, "address: %s", reason.text);
	if (l->named != NULL && l->wrong_line == 0)
		l->named(l->arg, name, value);
	if (strcmp(name, l->name) != 0 || l->wrong_line != 0)
		return l->wrong_line == 0;
	if (l->found)
		wrong(l, "[%s]: given again", name);
	l->found = true;
	*l->spec = spec;
	return l->wrong_line == 0;
}

/* Read the file of names. Returns 1 with what the name means, 0 if the file does not tell, or -1
 * with the reason. */
static int file_read(struct lookup *l)
{
	int line = ini_parse_stream(line_next, l, key_handle, l);

	if (l->wrong_line != 0 && (line <= 0 || l->wrong_line <= line))
		return -1;
	if (line > 0) {
		return reason_set(l->reason, "%s:%d: expected [NAME] or address = ADDRESS", l->path,
				  line);
	}
	if (line == 0 && !ferror(l->file))
		return l->found;
	return reason_set(l->reason, "%s: %s", l->path, strerror(errno));
}

/* Look the name up. Returns as file_read(). */
static int name_find(struct lookup *l)
{
	int result;

	if (path_find(l->path, sizeof(l->path)) < 0) {
		l->path[0] = '\0';
		return 0;
	}
	l->file = fopen(l->path, "re");
	if (l->file == NULL) {
		l->error = errno;
		return 0;
	}
	result = file_read(l);
	fclose(l->file);
	return result;
}

static void name_unknown(const struct lookup *l)
{
	const char *path = l->path[0] != '\0' ? l->path : "~/.config/pollcat";
	const char *error = l->path[0] == '\0' ? "HOME is not set"
			    : l->error != 0    ? strerror(l->error)
					       : "";

	reason_set(
		l->reason,
		"'%.64s' is no address, write HOST:PORT or unix:PATH; nor is it a name in %s%s%s%s",
		l->name, path, error[0] != '\0' ? " (" : "", error, error[0] != '\0' ? ")" : "");
}

int address_parse(struct addr_spec *spec, const char *text, struct reason *reason)
{
	struct lookup l = {.name = text, .spec = spec, .reason = reason};
	int found;

	if (strchr(text, ':') != NULL)
		return text_parse(spec, text, reason);
	found = name_find(&l);
	if (found == 0)
		name_unknown(&l);
	return found == 1 ? 0 : -1;
}

void address_each(void (*named)(void *arg, const char *name, const char *address), void *arg)
{
	struct reason reason;
	struct addr_spec spec;
	struct lookup l = {
		.name = "", .spec = &spec, .reason = &reason, .named = named, .arg = arg};

	name_find(&l);
}

static bool is_ipv6(const char *text)
{
	struct in6_addr address;
	char copy[INET6_ADDRSTRLEN];

	strlcpy(copy, text, sizeof(copy));
	copy[strcspn(copy, "%")] = '\0'; /* after it stands the interface */
	return inet_pton(AF_INET6, copy, &address) == 1;
}

/* Returns 1 with what the address or name means, 0 if text is a host as it stands, or -1 with the
 * reason. */
static int host_spec_find(const char *text, struct addr_spec *spec, struct reason *reason)
{
	struct lookup l = {.name = text, .spec = spec, .reason = reason};

	if (is_ipv6(text))
		return 0;
	if (strchr(text, ':') == NULL)
		return name_find(&l);
	return text_parse(spec, text, reason) < 0 ? -1 : 1;
}

int address_host(const char *text, char *host, size_t size, struct reason *reason)
{
	struct addr_spec spec;
	int found = host_spec_find(text, &spec, reason);

	if (found < 0)
		return -1;
	if (found == 1 && spec.transport == TRANSPORT_UNIX) {
		return reason_set(reason, "%s: a UNIX socket has no host to ping", spec.text);
	}
	if (strlcpy(host, found == 1 ? spec.host : text, size) < size)
		return 0;
	return reason_set(reason, "the host is too long");
}
