/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "client/prompt.h"

#include "client/io.h"
#include "client/keys.h"
#include "client/rows.h"
#include "core/buf.h"

#include <bsd/string.h>
#include <errno.h>
#include <locale.h>
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
#define LINE_MAX_BYTES (1U << 20) /* typed without a newline, which then count as a line */
#define HISTORY_LINES 1000
#define WORD_BREAK " \t"

static struct {
	void (*on_line)(void *arg, const char *line, size_t len);
	void *arg;
	bool started;         /* between prompt_start() and prompt_stop() */
	bool shown;           /* on the screen, if visible */
	bool visible;         /* standard output is a terminal as well */
	bool editing;         /* libedit has the terminal */
	bool line_taken;      /* on_edited() was called: libedit has let go of the terminal */
	bool marking;         /* the terminal marks what is pasted */
	locale_t locale;      /* that libedit works in; never freed, as libedit may be at work */
	struct keys keys;     /* with libedit */
	struct buf typed;     /* without libedit: bytes that are no whole line yet */
	struct termios modes; /* of the terminal, before the first prompt */
} prompt;

static void screen_write(const char *text)
{
	/* A terminal that cannot be written to is noticed where the replies are written. */
	if (prompt.visible && write(STDOUT_FILENO, text, strlen(text)) < 0)
		return;
}

/* Give the terminal back before a signal ends the process. */
static void on_signal(int number)
{
	/* SA_RESETHAND: raised again, the signal ends the process after this handler. */
	if (prompt.marking)
		screen_write(KEYS_PASTE_OFF);
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

static void line_give(const char *line, size_t len)
{
	prompt.on_line(prompt.arg, line, len);
}

#ifdef HAVE_LIBEDIT
static struct {
	char **(*find)(void *arg, const char *line, size_t start, size_t end);
	void *arg;
	char **next; /* the words found that libedit has not taken yet */
} completion;

/* libedit calls with a line, in prompt.locale; on_line() is called in the locale of the process. */
static void on_edited(char *line)
{
	size_t len = 0;

	prompt.line_taken = true;
	if (line != NULL && line[strspn(line, " \t")] != '\0')
		add_history(line);
	if (line != NULL)
		len = keys_bytes(line);
	uselocale(LC_GLOBAL_LOCALE);
	line_give(line, len);
	uselocale(prompt.locale);
	free(line);
}

static volatile sig_atomic_t resized;

static void on_resize(int number)
{
	resized = 1;
}

/* Take SIGWINCH back from libedit, which sets its own handler when it begins a line, and makes its
 * buffers anew within that handler: neither libedit nor malloc(3) can bear that. */
static void resize_catch(void)
{
	const struct sigaction action = {.sa_handler = on_resize, .sa_flags = SA_RESTART};

	sigaction(SIGWINCH, &action, NULL);
}

/* Tell libedit of a new size of the terminal. Afterwards it does not know what is on the screen. */
static void resize_take(void)
{
	if (!resized)
		return;
	resized = 0;
	rl_resize_terminal();
}

static void editing_begin(void)
{
	rl_callback_handler_install(PROMPT, on_edited);
	resize_catch();
}

static int on_key_wanted(FILE *terminal)
{
	return keys_next(&prompt.keys);
}

/* Returns one of the words found after the other, which is how libedit takes them. */
static char *next_found(const char *text, int state)
{
	return *completion.next != NULL ? *completion.next++ : NULL;
}

/* Returns the bytes that were typed for the first count characters, for free(), and how many; NULL:
 * no memory. */
static char *typed_before(int count, size_t *len)
{
	char *text = strndup(rl_line_buffer, keys_len(rl_line_buffer, (size_t)count));

	if (text != NULL)
		*len = keys_bytes(text);
	return text;
}

/* Returns what the word from character start to end may become. */
static char **words_find(int start, int end)
{
	size_t start_len, end_len;
	char *before = typed_before(start, &start_len), *line = typed_before(end, &end_len);
	char **found = NULL;

	uselocale(LC_GLOBAL_LOCALE);
	if (before != NULL && line != NULL)
		found = completion.find(completion.arg, line, start_len, end_len);
	uselocale(prompt.locale);
	free(before);
	free(line);
	return found;
}

/* libedit calls for a Tab. Where no word is found, nothing is completed: libedit itself would take
 * local files. After a folder no blank is added, as a name goes on there. */
static char **on_tab(const char *text, int start, int end)
{
	char **matches, **found;
	size_t len;

	rl_attempted_completion_over = 1;
	rl_completion_append_character = ' ';
	found = words_find(start, end);
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

/* Whether the terminal can mark what is pasted. One that can do next to nothing would show the
 * request for marks as text. */
static bool can_mark(void)
{
	const char *term = getenv("TERM");

	return term != NULL && strcmp(term, "") != 0 && strcmp(term, "dumb") != 0;
}

/* Returns true if there is a locale to edit in. */
static bool editing_start(void)
{
	prompt.locale = keys_locale();
	if (prompt.locale == (locale_t)0)
		return false;
	uselocale(prompt.locale);
	prompt.keys = (struct keys){.fd = STDIN_FILENO};
	rl_getc_function = on_key_wanted;
	rl_readline_name = "pollcat";
	editing_begin();
	/* Between two lines libedit lets go of the terminal, which would edit what is typed then:
	 * so have the terminal not edit. To be called once libedit has noted its modes. */
	rl_parse_and_bind("setty -x -icanon -echo -iexten");
	if (completion.find == NULL)
		rl_bind_key('\t', rl_insert);
	stifle_history(HISTORY_LINES);
	uselocale(LC_GLOBAL_LOCALE);
	prompt.marking = can_mark();
	if (prompt.marking)
		screen_write(KEYS_PASTE_ON);
	return true;
}

/* After a line, have libedit go on with characters: it would read whole lines, which blocks. And
 * rl_point and rl_end are still those of the line before. */
static void editing_again(void)
{
	editing_begin();
	rl_point = rl_end = 0;
}

/* How many rows below the prompt the first len bytes of the line end. */
static size_t row_after(size_t len)
{
	int rows, columns = 0;

	rl_get_screen_size(&rows, &columns);
	return columns > 0 ? rows_of(rl_line_buffer, len, strlen(PROMPT), (size_t)columns) : 0;
}

static void editing_hide(void)
{
	char text[40] = "\r\033[K";
	size_t row;

	uselocale(prompt.locale);
	resize_take();
	row = row_after((size_t)rl_point);
	if (row > 0)
		snprintf(text, sizeof(text), "\r\033[%zuA\033[J", row);
	else if (row_after((size_t)rl_end) > 0)
		strlcpy(text, "\r\033[J", sizeof(text));
	uselocale(LC_GLOBAL_LOCALE);
	screen_write(text);
}

static void editing_show(void)
{
	uselocale(prompt.locale);
	resize_take();
	rl_forced_update_display();
	uselocale(LC_GLOBAL_LOCALE);
}

/* Give libedit all characters that are at hand; but not a lone ESC, after which libedit would wait
 * for the rest of what a key sends, and the server would wait meanwhile. */
static void editing_read(void)
{
	bool more = true;

	if (resized) {
		editing_hide();
		editing_show();
	}
	uselocale(prompt.locale);
	prompt.keys.ended = false; /* a terminal may go on after its end */
	while (more && keys_ready(&prompt.keys) && !keys_begun(&prompt.keys)) {
		prompt.line_taken = false;
		rl_callback_read_char();
		if (prompt.line_taken && prompt.started)
			editing_again();
		more = prompt.keys.len > 0 && prompt.started;
	}
	uselocale(LC_GLOBAL_LOCALE);
}

static void editing_stop(void)
{
	uselocale(prompt.locale);
	rl_callback_handler_remove();
	uselocale(LC_GLOBAL_LOCALE);
	if (prompt.marking)
		screen_write(KEYS_PASTE_OFF);
	prompt.marking = false;
}
#else
void prompt_complete(char **(*find)(void *arg, const char *line, size_t start, size_t end),
		     void *arg)
{
}

static bool editing_start(void)
{
	return false;
}

static void editing_read(void)
{
}

static void editing_hide(void)
{
}

static void editing_show(void)
{
}

static void editing_stop(void)
{
}
#endif

void prompt_start(void (*on_line)(void *arg, const char *line, size_t len), void *arg)
{
	prompt.on_line = on_line;
	prompt.arg = arg;
	prompt.started = prompt.shown = true;
	prompt.visible = isatty(STDOUT_FILENO);
	if (tcgetattr(STDIN_FILENO, &prompt.modes) == 0)
		signals_catch();
	prompt.editing = prompt.visible && editing_start();
	if (!prompt.editing)
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
		line_give(line, (size_t)(newline - line));
		buf_consume(&prompt.typed, (size_t)(newline - line) + 1);
	}
}

static void plain_read(void)
{
	char *room = buf_reserve(&prompt.typed, BUFSIZ);
	ssize_t len = room != NULL ? read(STDIN_FILENO, room, BUFSIZ) : -1;

	if (len < 0 && room != NULL && io_try_again(errno))
		return;
	if (len > 0)
		buf_commit(&prompt.typed, (size_t)len);
	typed_give(len <= 0);
	if (len <= 0)
		line_give(NULL, 0);
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
	if (prompt.editing)
		editing_hide();
	else
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
