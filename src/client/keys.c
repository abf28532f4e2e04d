/* SPDX-License-Identifier: MIT */
#include "client/keys.h"

#include "client/io.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#define CARRIER 0xE0000 /* not assigned in Unicode, so never printable */
#define REST_MS 50 /* for the rest of a character or a mark: terminals send all of it at once */
#define MARK_LEN 6 /* bytes */

static const char paste_begin[] = "\033[200~", paste_end[] = "\033[201~";

locale_t keys_locale(void)
{
	mbstate_t state = {0};
	char bytes[MB_LEN_MAX];

	if (wcrtomb(bytes, CARRIER + 0xff, &state) != (size_t)-1)
		return LC_GLOBAL_LOCALE; /* Unicode */
	return newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

/* Read one byte more, and wait for it, patience_ms as for poll(2). Returns whether there is one. */
static bool byte_read(struct keys *k, int patience_ms)
{
	ssize_t len;
	int ready;

	if (k->ended || k->len == sizeof(k->bytes))
		return false;
	do
		ready = poll(&(struct pollfd){k->fd, POLLIN, 0}, 1, patience_ms);
	while (ready < 0 && errno == EINTR);
	if (ready == 0)
		return false;
	len = read(k->fd, k->bytes + k->len, 1);
	if (len < 0 && io_try_again(errno))
		return false;
	k->ended = len <= 0;
	k->len += len > 0;
	return len > 0;
}

static void bytes_drop(struct keys *k, size_t len)
{
	k->len -= len;
	memmove(k->bytes, k->bytes + len, k->len);
}

/* Take a mark of MARK_LEN bytes, if it is next; wait for the rest of one that has begun. Returns
 * whether it was taken. */
static bool mark_take(struct keys *k, const char *mark, bool pasting)
{
	size_t len = 0;

	while (len < MARK_LEN && (len < k->len || byte_read(k, REST_MS)) &&
	       k->bytes[len] == (unsigned char)mark[len])
		len++;
	if (len < MARK_LEN)
		return false;
	bytes_drop(k, MARK_LEN);
	k->pasting = pasting;
	return true;
}

bool keys_ready(struct keys *k)
{
	while (k->len > 0 || byte_read(k, -1)) {
		if (!mark_take(k, paste_begin, true) && !mark_take(k, paste_end, false))
			return true;
		if (k->len == 0)
			return false;
	}
	return false;
}

bool keys_begun(const struct keys *k)
{
	return k->len == 1 && k->bytes[0] == '\033' && !k->pasting;
}

/* Take a character of several bytes; or, where they are none, carry the first byte. */
static int wide_take(struct keys *k)
{
	int byte = k->bytes[0];

	for (size_t len = 1; len <= k->len || byte_read(k, REST_MS); len++) {
		mbstate_t state = {0};
		wchar_t wide;
		size_t used = mbrtowc(&wide, (const char *)k->bytes, len, &state);

		if (used == (size_t)-2)
			continue;
		if (used != len || !iswprint((wint_t)wide))
			break;
		bytes_drop(k, len);
		return (int)wide;
	}
	bytes_drop(k, 1);
	return CARRIER + byte;
}

/* Whether the editor takes a byte for the end of a line, of a text or of the input, even after a
 * quote. */
static bool is_end(int byte)
{
	return byte == '\n' || byte == '\r' || byte == '\0' || byte == 4; /* ^D */
}

/* Whether the editor takes a byte for a command, unless it is quoted. */
static bool is_command(int byte)
{
	return (byte < ' ' && byte != '\n' && byte != '\r') || byte == 0x7f;
}

int keys_next(struct keys *k)
{
	bool quoted = k->quoted;
	int byte;

	while (!keys_ready(k))
		if (k->ended)
			return -1;
	byte = k->bytes[0];
	k->quoted = !quoted && (byte == KEYS_QUOTE || (k->pasting && is_command(byte)));
	if (k->quoted && k->pasting)
		return KEYS_QUOTE;
	if (byte >= 0x80)
		return wide_take(k);
	bytes_drop(k, 1);
	return quoted && is_end(byte) ? CARRIER + byte : byte;
}

size_t keys_bytes(char *text)
{
	size_t left = strlen(text), len;
	char *from = text, *to = text;
	mbstate_t state = {0};
	wchar_t wide;

	for (; left > 0; from += len, left -= len) {
		len = mbrtowc(&wide, from, left, &state);
		if (len == 0 || len > left) { /* none of the locale */
			state = (mbstate_t){0};
			len = 1;
			*to++ = *from;
		} else if (wide >= CARRIER && wide <= CARRIER + 0xff) {
			*to++ = (char)(wide - CARRIER);
		} else {
			memmove(to, from, len);
			to += len;
		}
	}
	*to = '\0';
	return (size_t)(to - text);
}

size_t keys_len(const char *text, size_t count)
{
	size_t len = 0, left = strlen(text), used;
	mbstate_t state = {0};

	for (; count > 0 && left > 0; count--, len += used, left -= used) {
		used = mbrlen(text + len, left, &state);
		if (used == 0 || used > left)
			used = left;
	}
	return len;
}
