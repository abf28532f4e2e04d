/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_PROMPT_H
#define CLIENT_PROMPT_H
/*
 * The prompt of a person at a terminal, for use within a poll loop. With libedit it has
 * editing and history, without it the terminal's own line discipline. A process has one
 * prompt, as it has one standard input. Output of others goes between hide and show.
 */
#include <stdbool.h>
#include <stddef.h>

/* Draw the prompt. on_line gets the bytes of each line without its newline, any bytes and a NUL
 * after them, borrowed for the call; and NULL once at the end of input. */
void prompt_start(void (*on_line)(void *arg, const char *line, size_t len), void *arg);

/* Have Tab complete the word line[start, end), where otherwise it is text: find returns what it may
 * become, an array of strings, NULL last, each from malloc(3) as the array itself, and taken here;
 * or NULL. To be called before prompt_start(); without libedit it does nothing. */
void prompt_complete(char **(*find)(void *arg, const char *line, size_t start, size_t end),
		     void *arg);

/* Take what was typed; call when standard input is readable. */
void prompt_read(void);

/* Take the prompt and the unfinished line off the screen, and put them back. Either does
 * nothing the second time. */
void prompt_hide(void);
void prompt_show(void);
bool prompt_shown(void);

/* Give the terminal back as it was. */
void prompt_stop(void);

#endif
