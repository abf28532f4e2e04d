/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_KEYS_H
#define CLIENT_KEYS_H
/*
 * What is typed, as characters for a line editor, which knows only those of its locale, and back.
 * A byte that belongs to no printable character is carried through the editor as one that nobody
 * types: U+E0000 and its value. Between the marks of a bracketed paste all is text: what would be a
 * command is quoted, but for the ends of lines.
 */
#include <limits.h>
#include <locale.h>
#include <stdbool.h>
#include <stddef.h>

#define KEYS_QUOTE 0x16             /* ^V: the next character is taken as it is */
#define KEYS_PASTE_ON "\033[?2004h" /* have the terminal mark what is pasted */
#define KEYS_PASTE_OFF "\033[?2004l"

/* Zeroed but for the descriptor, it is at the start. */
struct keys {
	int fd;
	unsigned char bytes[MB_LEN_MAX]; /* read, and not yet given */
	size_t len;
	bool ended; /* nothing more will come */
	bool pasting;
	bool quoted; /* the last given was the quote */
};

/* The locale for the editor, which every byte passes: LC_GLOBAL_LOCALE, or one for freelocale(3); 0
 * if there is none. */
locale_t keys_locale(void);

/* Read from the descriptor until a character is at hand; a mark alone is none. Returns true if one
 * is. */
bool keys_ready(struct keys *k);

/* True if what is at hand may be but the beginning of what a key sends. */
bool keys_begun(const struct keys *k);

/* Returns the next character, waiting for it; or -1 at the end. */
int keys_next(struct keys *k);

/* Turn an edited text into the bytes that were typed, which are as many or fewer, and may hold
 * NULs. Returns how many; text stays a string. */
size_t keys_bytes(char *text);

/* Returns the bytes of the first count characters of text. */
size_t keys_len(const char *text, size_t count);

#endif
