/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_PROMPT_H
#define CLIENT_PROMPT_H
/*
 * The prompt of a person at a terminal, for use within a poll loop. With libedit there are editing
 * and history, without libedit the terminal's own line discipline. A process has one prompt, as it
 * has one standard input. Other output is written between prompt_hide() and prompt_show().
 */
#include <stdbool.h>
#include <stddef.h>

/* Draw the prompt. on_line(arg) gets each line without its newline: len bytes of any value and a
 * NUL, borrowed for the call; and NULL once, at the end of input. */
void prompt_start(void (*on_line)(void *arg, const char *line, size_t len), void *arg);

/* Have Tab complete words; otherwise a tab is text. find(arg) returns what the word line[start,
 * end) may become: an array of strings, NULL last, each from malloc(3) as the array itself, which
 * are taken; or NULL. Call before prompt_start(). Does nothing without libedit. */
void prompt_complete(char **(*find)(void *arg, const char *line, size_t start, size_t end),
		     void *arg);

/* Read what was typed; call when standard input is readable. */
void prompt_read(void);

/* Take the prompt and the unfinished line off the screen, and put them back. Either does
 * nothing the second time. */
void prompt_hide(void);
void prompt_show(void);
/* Whether the prompt is on the screen. */
bool prompt_shown(void);

/* Give the terminal back as it was before prompt_start(). */
void prompt_stop(void);

#endif
