/* SPDX-License-Identifier: MIT */
#include "client/converse.h"

#include "client/advice.h"
#include "client/complete.h"
#include "client/console.h"
#include "client/dial.h"
#include "client/exchange.h"
#include "client/io.h"
#include "client/prompt.h"
#include "client/subcommand.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_MAX (64U * 1024) /* bytes of replies that are read at once */
#define QUIET_MS 1000            /* after the last datagram, until the server counts as done */
#define SPACE " \t\r\n\v\f"

struct client {
	struct exchange x;
	bool interactive;        /* a person types */
	bool newline;            /* typed lines are sent with a newline, and whole */
	struct console *console; /* --resp, or NULL */
	int64_t timeout_ms;      /* of the server's silence; 0: none */
	bool answered;           /* the server has sent something */
	struct advice advice;    /* for a person, without --resp */
};

/* Queue a typed line. Returns 0, or -1 with errno. */
static int line_send(struct client *c, const char *line, size_t len)
{
	if (c->console != NULL)
		return console_line(line, len, &c->x.to_server, &c->x.from_server);
	if (buf_add(&c->x.to_server, line, len) < 0)
		return -1;
	c->x.moved_ms = io_clock_ms();
	if (c->newline)
		return buf_add(&c->x.to_server, "\n", 1);
	advice_sent(&c->advice, c->x.moved_ms);
	return 0;
}

static bool is_space(char c)
{
	return c != '\0' && strchr(SPACE, c) != NULL;
}

/* A line typed at the prompt; NULL is the end. */
static void input_line(void *arg, const char *line, size_t len)
{
	struct client *c = arg;

	advice_asked(&c->advice);
	if (line == NULL) {
		exchange_end_input(&c->x);
		prompt_stop();
		return;
	}
	for (; !c->newline && len > 0 && is_space(line[0]); line++)
		len--;
	while (!c->newline && len > 0 && is_space(line[len - 1]))
		len--;
	if (len == 0 && !c->newline)
		return;
	if (line_send(c, line, len) < 0) {
		exchange_broke(&c->x, "standard input", errno);
		exchange_stop(&c->x);
	}
}

static void on_input(struct client *c, short revents)
{
	if (!c->interactive)
		exchange_read_input(&c->x);
	else if (revents & (POLLHUP | POLLERR))
		input_line(c, NULL, 0); /* the terminal is gone, and libedit would not say */
	else
		prompt_read();
}

/* Receive bytes that are printed as they are. Returns as recv(2). */
static ssize_t receive_raw(struct client *c)
{
	const char *data;
	ssize_t len = exchange_receive(&c->x, &data);

	if (len > 0)
		advice_replied(&c->advice, data, (size_t)len);
	return len;
}

/* Receive replies that are printed as text. Returns as recv(2). */
static ssize_t receive_replies(struct client *c)
{
	char bytes[RECEIVE_MAX];
	ssize_t len = recv(c->x.fd, bytes, sizeof(bytes), 0);

	if (len > 0 && console_take(c->console, bytes, (size_t)len, &c->x.from_server) < 0)
		return -1;
	return len;
}

/* What a person is told where receiving has failed with an errno. */
static const char *receive_subject(const struct client *c, int error)
{
	if (error == EPROTO)
		return "reply not understood, if the protocol is not resp leave out -R";
	if (error == ECONNREFUSED && c->x.datagram)
		return "the host answers, but nothing listens on the port";
	return "connection broke";
}

static void server_receive(struct client *c)
{
	ssize_t len = c->console != NULL ? receive_replies(c) : receive_raw(c);

	if (len < 0 && io_try_again(errno))
		return;
	if (len < 0) {
		exchange_broke(&c->x, receive_subject(c, errno), errno);
		exchange_stop(&c->x);
		return;
	}
	c->x.moved_ms = io_clock_ms();
	c->answered = true; /* an empty datagram is a reply as well */
	if (len == 0 && !c->x.datagram)
		c->x.server_eof = true;
}

static void on_server(struct client *c, short revents)
{
	if (exchange_takes_replies(&c->x) && (revents & (POLLIN | POLLHUP | POLLERR)))
		server_receive(c);
	if (buf_len(&c->x.to_server) > 0 && (revents & (POLLOUT | POLLHUP | POLLERR)))
		exchange_send(&c->x);
}

/* End the line of output, if it is not ended: a prompt, ours or the shell's, begins a line. */
static void output_end_line(struct client *c)
{
	if (c->interactive && isatty(STDOUT_FILENO))
		exchange_end_line(&c->x);
}

/* Whether nothing is left to do. A server may end its side and still read: a pipe's input is
 * carried to its end even then; a person is told instead. */
static bool client_done(const struct client *c)
{
	return c->x.server_eof && buf_len(&c->x.from_server) == 0 &&
	       (c->x.sent_eof || c->interactive);
}

static bool wants_input(const struct client *c)
{
	return (!c->interactive || prompt_shown()) && exchange_takes_input(&c->x);
}

/* How long the server may be silent now, in milliseconds; 0: as long as it likes. Silence counts
 * where it is the server's turn to take or to say something, and all that it sent has been written;
 * until then we may not have listened. */
static int64_t silence_max_ms(const struct client *c)
{
	bool its_turn = c->x.input_eof || buf_len(&c->x.to_server) > 0;

	if (!its_turn || buf_len(&c->x.from_server) > 0)
		return 0;
	return c->x.datagram && c->x.sent_eof && c->timeout_ms == 0 ? QUIET_MS : c->timeout_ms;
}

/* When on_silence() is due without an event, as io_clock_ms(); 0: never. */
static int64_t due_ms(const struct client *c)
{
	int64_t silence_ms = silence_max_ms(c);

	if (silence_ms > 0)
		return c->x.moved_ms + silence_ms;
	return c->x.input_eof ? 0 : advice_due_ms(&c->advice);
}

/* The server has been silent for too long: give up, or advise a person. */
static void on_silence(struct client *c)
{
	if (silence_max_ms(c) == 0) {
		advice_unanswered(&c->advice);
		prompt_hide();
		return;
	}
	c->x.moved_ms = io_clock_ms();
	if (c->timeout_ms > 0 && !(c->x.datagram && c->answered)) {
		exchange_broke(&c->x, "no answer", ETIMEDOUT);
		exchange_stop(&c->x);
	}
	c->x.server_eof = true; /* no more datagrams are waited for */
}

static void client_turn(struct client *c)
{
	struct pollfd fds[EXCHANGE_FDS];
	int64_t due = due_ms(c);
	int ready;

	exchange_interest(&c->x, wants_input(c), fds);
	ready = poll(fds, EXCHANGE_FDS, io_patience_ms(due));
	if (ready < 0 && errno != EINTR) {
		exchange_broke(&c->x, "poll", errno);
		exchange_stop(&c->x);
	}
	if (ready == 0 && io_patience_ms(due) == 0)
		on_silence(c);
	if (ready <= 0)
		return;
	/* Where the server is gone and there is input, sending that tells whether any is lost. */
	if (fds[EXCHANGE_SERVER].revents && fds[EXCHANGE_SERVER].events != 0)
		on_server(c, fds[EXCHANGE_SERVER].revents);
	else if (fds[EXCHANGE_SERVER].revents && !fds[EXCHANGE_INPUT].revents)
		exchange_server_gone(&c->x);
	if (fds[EXCHANGE_OUTPUT].revents) {
		prompt_hide();
		exchange_write(&c->x);
	}
	/* A reply that just took the prompt off the screen goes before what is typed next. */
	if (fds[EXCHANGE_INPUT].revents && wants_input(c))
		on_input(c, fds[EXCHANGE_INPUT].revents);
}

/* Whether to show the prompt again: not within a reply that has come in part. */
static bool prompt_is_due(const struct client *c)
{
	return c->interactive && !prompt_shown() &&
	       (c->console == NULL || reply_idle(&c->console->reply));
}

static void client_run(struct client *c)
{
	if (c->interactive)
		prompt_start(input_line, c);
	while (!client_done(c)) {
		client_turn(c);
		exchange_end_sending(&c->x);
		if (buf_len(&c->x.from_server) > 0 || client_done(c))
			continue;
		if (prompt_is_due(c)) {
			output_end_line(c);
			advice_say(&c->advice);
			prompt_show();
		}
	}
}

/* End the conversation. Returns the exit status. */
static int client_finish(struct client *c)
{
	prompt_hide();
	output_end_line(c);
	prompt_stop();
	if (c->x.error_subject == NULL)
		dial_reset_on_exit(c->x.fd, false);
	exchange_free(&c->x);
	if (exchange_explain(&c->x) < 0)
		return EXIT_BROKEN;
	if (c->interactive && !c->x.sent_eof)
		warnx("the server closed the connection");
	return EXIT_SUCCESS;
}

/* Connect, and have the conversation. Returns the exit status. */
static int client_converse(const struct addr_spec *spec, struct client *c)
{
	struct reason reason;

	c->interactive = isatty(STDIN_FILENO);
	c->x.datagram = spec->transport == TRANSPORT_UDP;
	c->x.fd = dial(spec, c->timeout_ms > 0 ? io_clock_ms() + c->timeout_ms : 0, &reason);
	if (c->x.fd < 0) {
		warnx("%s", reason.text);
		return EXIT_BROKEN;
	}
	dial_reset_on_exit(c->x.fd, c->console != NULL);
	c->advice.given = !c->interactive || c->x.datagram; /* nobody needs advice */
	client_run(c);
	return client_finish(c);
}

int converse(const struct addr_spec *spec, bool newline, int64_t timeout_ms)
{
	return client_converse(spec,
			       &(struct client){.newline = newline, .timeout_ms = timeout_ms});
}

static char **find_words(void *arg, const char *line, size_t start, size_t end)
{
	return complete_find(arg, line, start, end);
}

int converse_in_requests(const struct addr_spec *spec, int64_t timeout_ms)
{
	struct console console = {.print.readable = isatty(STDOUT_FILENO)};
	struct client c = {.console = &console, .timeout_ms = timeout_ms};
	struct complete complete;
	int status;

	if (spec->transport == TRANSPORT_UDP) {
		warnx("--resp: udp carries no requests, use tcp: or unix:");
		return EXIT_USAGE;
	}
	if (!isatty(STDIN_FILENO)) {
		warnx("--resp needs a terminal: use the subcommand call");
		return EXIT_USAGE;
	}
	complete_init(&complete, spec);
	prompt_complete(find_words, &complete);
	status = client_converse(spec, &c);
	complete_free(&complete);
	return status;
}
