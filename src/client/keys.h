/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_KEYS_H
#define CLIENT_KEYS_H
/*
 * What is typed, as characters for a line editor, which knows only those of its locale, and back. A
 * byte that belongs to no printable character is carried through the editor as a character that
 * nobody types: U+E0000 plus the byte. Between the marks of a bracketed paste all is text: what
 * would be a command is quoted, but for the ends of lines.
 */
#include <limits.h>
#include <locale.h>
#include <stdbool.h>
#include <stddef.h>

#define KEYS_QUOTE 0x16             /* ^V: the next character is taken as it is */
#define KEYS_PASTE_ON "\033[?2004h" /* have the terminal mark what is pasted */
#define KEYS_PASTE_OFF "\033[?2004l"

/* Zeroed but for fd, nothing has been typed. */
struct keys {
	int fd;                          /* the terminal; borrowed */
	unsigned char bytes[MB_LEN_MAX]; /* read, and not yet given */
	size_t len;                      /* of bytes */
	bool ended;                      /* nothing more will come */
	bool pasting;                    /* within a bracketed paste */
	bool quoted;                     /* the character given last was KEYS_QUOTE */
};

/* A locale for the editor in which every byte can be carried through: LC_GLOBAL_LOCALE, or one for
 * freelocale(3); 0 if there is none. */
locale_t keys_locale(void);

/* Read until a character, or its beginning, is at hand; a mark is none. Returns false where nothing
 * is at hand now. */
bool keys_ready(struct keys *k);

/* Whether what is at hand, an ESC alone, may be only the beginning of what a key sends. */
bool keys_begun(const struct keys *k);

/* Returns the next character, and waits for it; or -1 at the end. */
int keys_next(struct keys *k);

/* Turn an edited text into the bytes that were typed, in place: as many bytes or fewer, with a NUL
 * after them. Returns how many; there may be NULs among them. */
size_t keys_bytes(char *text);

/* Returns how many bytes the first count characters of text have. */
size_t keys_len(const char *text, size_t count);

#endif
