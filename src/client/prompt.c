/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "client/prompt.h"

#include "core/buf.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#ifdef HAVE_LIBEDIT
#include <editline/readline.h>
#endif

#define PROMPT ">: "
#define LINE_MAX_BYTES (1U << 20) /* typed without a newline; more is taken as a line */
#define HISTORY_LINES 1000
#define WORD_BREAK " \t"

static struct {
	void (*on_line)(void *arg, const char *line);
	void *arg;
	bool started, shown, visible; /* visible: standard output is a terminal as well */
	bool editing;                 /* libedit has the terminal */
	bool line_taken;              /* libedit let go of the terminal with this line */
	struct buf typed;
	struct termios modes; /* before the first prompt */
} prompt;

static void screen_write(const char *text)
{
	/* A terminal that cannot be written to is noticed where the replies are written. */
	if (prompt.visible && write(STDOUT_FILENO, text, strlen(text)) < 0)
		return;
}

static void on_signal(int number)
{
	/* SA_RESETHAND: raised again, it ends the process once this handler has returned. */
	tcsetattr(STDIN_FILENO, TCSANOW, &prompt.modes);
	raise(number);
}

static void signals_catch(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &action, NULL);
}

static void line_give(const char *line)
{
	prompt.on_line(prompt.arg, line);
}

#ifdef HAVE_LIBEDIT
static struct {
	char **(*find)(void *arg, const char *line, size_t start, size_t end);
	void *arg;
	char **next; /* of the words found */
} completion;

static void on_edited(char *line)
{
	prompt.line_taken = true;
	if (line != NULL && line[strspn(line, " \t")] != '\0')
		add_history(line);
	line_give(line);
	free(line);
}

/* The words found one by one, which is how libedit takes them. */
static char *next_found(const char *text, int state)
{
	return *completion.next != NULL ? *completion.next++ : NULL;
}

/* No word found leaves none to complete: libedit's own would be local files. A folder is not
 * the end of a name. */
static char **on_tab(const char *text, int start, int end)
{
	char **matches, **found;
	size_t len;

	rl_attempted_completion_over = 1;
	rl_completion_append_character = ' ';
	found = completion.find(completion.arg, rl_line_buffer, (size_t)start, (size_t)end);
	if (found == NULL)
		return NULL;
	len = strlen(found[0]);
	if (found[1] == NULL && found[0][len - 1] == '/')
		rl_completion_append_character = '\0';
	completion.next = found;
	matches = rl_completion_matches(text, next_found);
	free(found);
	return matches;
}

void prompt_complete(char **(*find)(void *arg, const char *line, size_t start, size_t end),
		     void *arg)
{
	completion.find = find;
	completion.arg = arg;
	rl_attempted_completion_function = on_tab;
	rl_basic_word_break_characters = WORD_BREAK;
}

static void editing_start(void)
{
	rl_readline_name = "pollcat";
	rl_callback_handler_install(PROMPT, on_edited);
	stifle_history(HISTORY_LINES);
}

static void editing_read(void)
{
	prompt.line_taken = false;
	rl_callback_read_char();
	/* After a line libedit is back to reading whole lines, which would block. */
	if (prompt.line_taken && prompt.started)
		rl_callback_handler_install(PROMPT, on_edited);
}

static void editing_show(void)
{
	rl_forced_update_display();
}

static void editing_stop(void)
{
	rl_callback_handler_remove();
}
#else
void prompt_complete(char **(*find)(void *arg, const char *line, size_t start, size_t end),
		     void *arg)
{
}

static void editing_start(void)
{
}

static void editing_read(void)
{
}

static void editing_show(void)
{
}

static void editing_stop(void)
{
}
#endif

void prompt_start(void (*on_line)(void *arg, const char *line), void *arg)
{
	prompt.on_line = on_line;
	prompt.arg = arg;
	prompt.started = prompt.shown = true;
	prompt.visible = isatty(STDOUT_FILENO);
#ifdef HAVE_LIBEDIT
	prompt.editing = prompt.visible;
#endif
	if (tcgetattr(STDIN_FILENO, &prompt.modes) == 0)
		signals_catch();
	if (prompt.editing)
		editing_start();
	else
		screen_write(PROMPT);
}

/* Give every whole line of what was typed, and at the end the unfinished one as well. */
static void typed_give(bool end)
{
	char *line, *newline;

	while (buf_len(&prompt.typed) > 0) {
		line = buf_data(&prompt.typed);
		newline = memchr(line, '\n', buf_len(&prompt.typed));
		if (newline == NULL && !end && buf_len(&prompt.typed) < LINE_MAX_BYTES)
			return;
		if (newline == NULL) {
			newline = buf_reserve(&prompt.typed, 1);
			if (newline == NULL)
				return;
			buf_commit(&prompt.typed, 1);
			line = buf_data(&prompt.typed);
		}
		*newline = '\0';
		line_give(line);
		buf_consume(&prompt.typed, (size_t)(newline - line) + 1);
	}
}

static void plain_read(void)
{
	char *room = buf_reserve(&prompt.typed, BUFSIZ);
	ssize_t len = room != NULL ? read(STDIN_FILENO, room, BUFSIZ) : -1;

	if (len < 0 && room != NULL && (errno == EINTR || errno == EAGAIN))
		return;
	if (len > 0)
		buf_commit(&prompt.typed, (size_t)len);
	typed_give(len <= 0);
	if (len <= 0)
		line_give(NULL);
	else if (prompt.started && buf_len(&prompt.typed) == 0)
		screen_write(PROMPT);
}

void prompt_read(void)
{
	if (prompt.editing)
		editing_read();
	else
		plain_read();
}

void prompt_hide(void)
{
	if (!prompt.started || !prompt.shown)
		return;
	prompt.shown = false;
	screen_write("\r\033[K");
}

void prompt_show(void)
{
	if (!prompt.started || prompt.shown)
		return;
	prompt.shown = true;
	if (prompt.editing)
		editing_show();
	else
		screen_write(PROMPT);
}

bool prompt_shown(void)
{
	return prompt.started && prompt.shown;
}

void prompt_stop(void)
{
	if (!prompt.started)
		return;
	prompt.started = false;
	if (prompt.editing)
		editing_stop();
	tcsetattr(STDIN_FILENO, TCSANOW, &prompt.modes);
	if (prompt.shown)
		screen_write("\n");
	buf_free(&prompt.typed);
}
