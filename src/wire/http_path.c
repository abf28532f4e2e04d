/* SPDX-License-Identifier: MIT */
/* The path of a request: RFC 3986, 2.1 and 5.2.4. */
#include <string.h>

#include "wire/http.h"

/* Write target to path with escapes decoded. Returns how many bytes, or -1 where an escape is
 * wrong, or of a NUL. */
static ssize_t decode(const struct slice *target, char *path)
{
	const char *at = target->data, *end = at + target->len;
	size_t len = 0;
	int byte;

	for (; at < end; at++) {
		if (*at != '%') {
			path[len++] = *at;
			continue;
		}
		byte = end - at < 3 ? -1 : hex_byte(at + 1);
		if (byte <= 0)
			return -1;
		path[len++] = (char)byte;
		at += 2;
	}
	return (ssize_t)len;
}

static bool segment_is(const char *segment, size_t len, const char *dots)
{
	return len == strlen(dots) && memcmp(segment, dots, len) == 0;
}

/* Resolve path in place. Each segment is written with the slash before it, the last one followed
 * by a slash where it is no name. */
static ssize_t resolve(char *path, size_t len)
{
	size_t to = 0, at = 0, end;
	bool name = false;

	for (; at < len; at = end) {
		const char *segment = path + ++at, *slash = memchr(segment, '/', len - at);
		size_t segment_len;

		end = slash != NULL ? (size_t)(slash - path) : len;
		segment_len = end - at;
		name = segment_len > 0 && !segment_is(segment, segment_len, ".") &&
		       !segment_is(segment, segment_len, "..");
		if (name) {
			path[to] = '/';
			memmove(path + to + 1, segment, segment_len);
			to += segment_len + 1;
		} else if (segment_is(segment, segment_len, "..")) {
			if (to == 0)
				return -1;
			while (path[--to] != '/')
				;
		}
	}
	if (!name)
		path[to++] = '/';
	return (ssize_t)to;
}

ssize_t http_path(const struct slice *target, char *path)
{
	ssize_t len = decode(target, path);

	if (len < 0)
		return -1;
	return resolve(path, (size_t)len);
}
