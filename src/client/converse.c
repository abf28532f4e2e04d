/* SPDX-License-Identifier: MIT */
#include "client/converse.h"

#include "client/complete.h"
#include "client/console.h"
#include "client/dial.h"
#include "client/io.h"
#include "client/prompt.h"
#include "client/subcommand.h"
#include "core/buf.h"

#include <err.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QUEUE_MAX (64U * 1024) /* bytes; a queue this long gets no more */
#define CHUNK_MAX (64U * 1024) /* bytes; one read */
#define DATAGRAM_MAX 65507U    /* bytes; what UDP over IPv4 can carry, RFC 768 */
#define QUIET_MS 1000          /* after the last datagram, until the server counts as done */
#define UNANSWERED_MS 1000     /* after a line, until a person is told what may be wrong */
#define SPACE " \t\r\n\v\f"

struct client {
	int fd;
	bool datagram;
	bool interactive;          /* a person types */
	bool newline;              /* typed lines are sent with one, and whole */
	struct console *console;   /* --resp, or NULL */
	struct buf to_server;      /* datagram: at most one */
	struct buf from_server;    /* not yet on standard output */
	bool input_eof;            /* standard input has ended */
	bool sent_eof;             /* and the server knows */
	bool server_eof;           /* nothing more will come */
	bool mid_line;             /* output ended without a newline */
	const char *error_subject; /* what broke first, or NULL */
	int error;                 /* its errno */
	int64_t timeout_ms;        /* 0: none */
	int64_t moved_ms;          /* when a byte went either way last, came in, or no more will */
	bool answered;             /* something came */
	bool asked;                /* a line was typed */
	bool greeted;              /* something came before that, which of resp never does */
	int64_t unanswered_ms;     /* when a line is without a reply for too long; 0: none is */
	bool advised;              /* the person was told once */
	const char *advice;        /* to be told when the prompt is due, or NULL */
};

enum {
	POLL_INPUT,
	POLL_SERVER,
	POLL_OUTPUT,
	POLL_COUNT,
};

static const char output[] = "standard output";

static bool try_again(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* Only the first reason is kept: those after it follow from it. */
static void client_broke(struct client *c, const char *subject, int error)
{
	if (c->error_subject == NULL) {
		c->error_subject = subject;
		c->error = error;
	}
}

static void client_stop_sending(struct client *c)
{
	c->input_eof = c->sent_eof = true;
	buf_free(&c->to_server);
}

static void client_stop(struct client *c)
{
	client_stop_sending(c);
	c->server_eof = true;
}

/* From here on it is the server's turn. */
static void input_ended(struct client *c)
{
	c->input_eof = true;
	c->moved_ms = io_clock_ms();
}

/* Take one chunk of standard input as it is; of a datagram socket, the next datagram. */
static void input_read(struct client *c)
{
	size_t max = c->datagram ? DATAGRAM_MAX : CHUNK_MAX;
	char *room = buf_reserve(&c->to_server, max);
	ssize_t len = room != NULL ? read(STDIN_FILENO, room, max) : -1;

	if (len > 0) {
		buf_commit(&c->to_server, (size_t)len);
		c->moved_ms = io_clock_ms();
		return;
	}
	if (len < 0 && room != NULL && try_again(errno))
		return;
	if (len < 0)
		client_broke(c, "standard input", errno);
	input_ended(c);
}

/* Returns 0, or -1 with errno. */
static int line_send(struct client *c, const char *line, size_t len)
{
	if (c->console != NULL)
		return console_line(line, len, &c->to_server, &c->from_server);
	if (buf_add(&c->to_server, line, len) < 0)
		return -1;
	c->moved_ms = io_clock_ms();
	if (c->newline)
		return buf_add(&c->to_server, "\n", 1);
	if (c->unanswered_ms == 0)
		c->unanswered_ms = io_clock_ms() + UNANSWERED_MS;
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

	c->asked = true;
	if (line == NULL) {
		input_ended(c);
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
		client_broke(c, "standard input", errno);
		client_stop(c);
	}
}

static void on_input(struct client *c, short revents)
{
	if (!c->interactive)
		input_read(c);
	else if (revents & (POLLHUP | POLLERR))
		input_line(c, NULL, 0); /* the terminal is gone, and libedit would not say */
	else
		prompt_read();
}

static void server_send(struct client *c)
{
	ssize_t len = send(c->fd, buf_data(&c->to_server), buf_len(&c->to_server), MSG_NOSIGNAL);

	if (len >= 0) {
		buf_consume(&c->to_server, (size_t)len);
		c->moved_ms = io_clock_ms();
		return;
	}
	if (try_again(errno))
		return;
	client_broke(c, "cannot send", errno);
	client_stop_sending(c);
	/* What the server said before still waits in the socket: have it read to its end. */
	if (c->datagram)
		c->server_eof = true;
	else
		shutdown(c->fd, SHUT_RDWR);
}

/* At a terminal, a server that speaks resp to who does not is worth a word. */
static void reply_recognise(struct client *c, const char *data, size_t len)
{
	c->unanswered_ms = 0;
	c->greeted |= !c->asked;
	if (c->advised || c->greeted || !c->interactive || c->datagram ||
	    !reply_is_likely(data, len))
		return;
	c->advised = true;
	c->advice = "the server seems to speak resp: with -R, typed lines are requests";
}

/* Receive what is printed as it is. Returns as recv(2). */
static ssize_t receive_raw(struct client *c)
{
	char *room = buf_reserve(&c->from_server, CHUNK_MAX);
	ssize_t len = room != NULL ? recv(c->fd, room, CHUNK_MAX, 0) : -1;

	if (len > 0) {
		buf_commit(&c->from_server, (size_t)len);
		reply_recognise(c, room, (size_t)len);
	}
	return len;
}

/* Receive what is printed as text. Returns as recv(2). */
static ssize_t receive_replies(struct client *c)
{
	char bytes[CHUNK_MAX];
	ssize_t len = recv(c->fd, bytes, sizeof(bytes), 0);

	if (len > 0 && console_take(c->console, bytes, (size_t)len, &c->from_server) < 0)
		return -1;
	return len;
}

/* What it means that receiving failed. */
static const char *receive_subject(const struct client *c, int error)
{
	if (error == EPROTO)
		return "reply not understood, if the protocol is not resp leave out -R";
	if (error == ECONNREFUSED && c->datagram)
		return "the host answers, but nothing listens on the port";
	return "connection broke";
}

static void server_receive(struct client *c)
{
	ssize_t len = c->console != NULL ? receive_replies(c) : receive_raw(c);

	if (len < 0 && try_again(errno))
		return;
	if (len < 0) {
		client_broke(c, receive_subject(c, errno), errno);
		client_stop(c);
		return;
	}
	c->moved_ms = io_clock_ms();
	c->answered = true; /* an empty datagram is a reply as well */
	if (len == 0 && !c->datagram)
		c->server_eof = true;
}

/* The server had ended its own side before; now it takes nothing more either. */
static void server_gone(struct client *c)
{
	int error = 0;
	socklen_t len = sizeof(error);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error != 0)
		client_broke(c, "connection broke", error);
	client_stop(c);
}

static void on_server(struct client *c, short revents)
{
	if (!c->server_eof && (revents & (POLLIN | POLLHUP | POLLERR)) &&
	    buf_len(&c->from_server) < QUEUE_MAX)
		server_receive(c);
	if (buf_len(&c->to_server) > 0 && (revents & (POLLOUT | POLLHUP | POLLERR)))
		server_send(c);
}

/* Standard output is shared with other processes, so it is not made non-blocking; PIPE_BUF
 * bytes are what a pipe that poll(2) calls writable takes without blocking. */
static void output_write(struct client *c)
{
	size_t max = buf_len(&c->from_server);
	ssize_t len;

	prompt_hide();
	len = write(STDOUT_FILENO, buf_data(&c->from_server), max < PIPE_BUF ? max : PIPE_BUF);
	if (len < 0 && try_again(errno))
		return;
	if (len < 0) {
		client_broke(c, output, errno);
		buf_free(&c->from_server);
		client_stop(c);
		return;
	}
	if (len > 0)
		c->mid_line = buf_data(&c->from_server)[len - 1] != '\n';
	buf_consume(&c->from_server, (size_t)len);
}

/* A prompt, or the shell's, begins on a line of its own. */
static void output_end_line(struct client *c)
{
	if (!c->interactive || !c->mid_line || !isatty(STDOUT_FILENO))
		return;
	c->mid_line = false;
	if (write(STDOUT_FILENO, "\n", 1) < 0)
		client_broke(c, output, errno);
}

/* Tell the server of the end of input, once all of it is sent. */
static void end_sending(struct client *c)
{
	if (c->sent_eof || !c->input_eof || buf_len(&c->to_server) > 0)
		return;
	c->sent_eof = true;
	if (!c->datagram)
		shutdown(c->fd, SHUT_WR); /* if that fails, so does the next recv(2) */
}

/* A server may end its side and still read: a pipe's input is carried to its end even then. A
 * person is rather told. */
static bool client_done(const struct client *c)
{
	return c->server_eof && buf_len(&c->from_server) == 0 && (c->sent_eof || c->interactive);
}

static bool wants_input(const struct client *c)
{
	size_t waiting = buf_len(&c->to_server);

	if (c->input_eof || (c->interactive && !prompt_shown()))
		return false;
	return c->datagram ? waiting == 0 : waiting < QUEUE_MAX;
}

static short server_events(const struct client *c)
{
	short events = 0;

	if (!c->server_eof && buf_len(&c->from_server) < QUEUE_MAX)
		events |= POLLIN;
	if (buf_len(&c->to_server) > 0)
		events |= POLLOUT;
	return events;
}

static void client_interest(const struct client *c, struct pollfd *fds)
{
	short events = server_events(c);
	/* Asking for nothing still reports a reset, which matters while there is input to come,
	 * but would spin while it is only the output that is slow. */
	bool watch = events != 0 || (c->server_eof && !c->sent_eof);

	fds[POLL_INPUT] = (struct pollfd){wants_input(c) ? STDIN_FILENO : -1, POLLIN, 0};
	fds[POLL_SERVER] = (struct pollfd){watch ? c->fd : -1, events, 0};
	fds[POLL_OUTPUT] =
		(struct pollfd){buf_len(&c->from_server) > 0 ? STDOUT_FILENO : -1, POLLOUT, 0};
}

/* How long the server may be silent now, in milliseconds; 0: as long as it likes. That counts where
 * it is its turn to take or to say something, and once all it sent is written, for until then it
 * may not have been listened to. */
static int64_t silence_max_ms(const struct client *c)
{
	bool its_turn = c->input_eof || buf_len(&c->to_server) > 0;

	if (!its_turn || buf_len(&c->from_server) > 0)
		return 0;
	return c->datagram && c->sent_eof && c->timeout_ms == 0 ? QUIET_MS : c->timeout_ms;
}

/* When the next thing is due without an event, as io_clock_ms(); 0: nothing. */
static int64_t due_ms(const struct client *c)
{
	int64_t silence_ms = silence_max_ms(c);

	if (silence_ms > 0)
		return c->moved_ms + silence_ms;
	return c->interactive && !c->datagram && !c->input_eof && !c->advised ? c->unanswered_ms
									      : 0;
}

/* It is due. */
static void on_silence(struct client *c)
{
	if (silence_max_ms(c) == 0) {
		c->advised = true;
		c->advice = "no reply: if the server waits for the end of a line, use -n; "
			    "if it speaks resp, -R";
		prompt_hide();
		return;
	}
	c->moved_ms = io_clock_ms();
	if (c->timeout_ms > 0 && !(c->datagram && c->answered)) {
		client_broke(c, "no answer", ETIMEDOUT);
		client_stop(c);
	}
	c->server_eof = true; /* no more datagrams are waited for */
}

static void client_turn(struct client *c)
{
	struct pollfd fds[POLL_COUNT];
	int64_t due = due_ms(c);
	int ready;

	client_interest(c, fds);
	ready = poll(fds, POLL_COUNT, io_patience_ms(due));
	if (ready < 0 && errno != EINTR) {
		client_broke(c, "poll", errno);
		client_stop(c);
	}
	if (ready == 0 && io_patience_ms(due) == 0)
		on_silence(c);
	if (ready <= 0)
		return;
	if (fds[POLL_SERVER].revents && fds[POLL_SERVER].events != 0)
		on_server(c, fds[POLL_SERVER].revents);
	else if (fds[POLL_SERVER].revents && !fds[POLL_INPUT].revents)
		server_gone(c); /* with input at hand, sending it tells whether any is lost */
	if (fds[POLL_OUTPUT].revents)
		output_write(c);
	/* A reply that just took the prompt off the screen goes before what is typed next. */
	if (fds[POLL_INPUT].revents && wants_input(c))
		on_input(c, fds[POLL_INPUT].revents);
}

/* A reply that came in part is not cut in two by a prompt. */
static bool prompt_is_due(const struct client *c)
{
	return c->interactive && !prompt_shown() &&
	       (c->console == NULL || reply_idle(&c->console->reply));
}

static void advice_say(struct client *c)
{
	if (c->advice != NULL)
		warnx("%s", c->advice);
	c->advice = NULL;
}

static void client_run(struct client *c)
{
	if (c->interactive)
		prompt_start(input_line, c);
	while (!client_done(c)) {
		client_turn(c);
		end_sending(c);
		if (buf_len(&c->from_server) > 0 || client_done(c))
			continue;
		if (prompt_is_due(c)) {
			output_end_line(c);
			advice_say(c);
			prompt_show();
		}
	}
}

/* Returns the exit status. */
static int client_finish(struct client *c)
{
	prompt_hide();
	output_end_line(c);
	prompt_stop();
	if (c->error_subject == NULL)
		dial_reset_on_exit(c->fd, false);
	close(c->fd);
	buf_free(&c->to_server);
	buf_free(&c->from_server);
	errno = c->error;
	if (c->error_subject == output)
		io_write_failed(output);
	else if (c->error_subject != NULL)
		warn("%s", c->error_subject);
	if (c->error_subject != NULL)
		return EXIT_BROKEN;
	if (c->interactive && !c->sent_eof)
		warnx("the server closed the connection");
	return EXIT_SUCCESS;
}

/* Returns the exit status. */
static int client_converse(const struct addr_spec *spec, struct client *c)
{
	char reason[DIAL_REASON_MAX];

	c->interactive = isatty(STDIN_FILENO);
	c->datagram = spec->transport == TRANSPORT_UDP;
	c->fd = dial(spec, c->timeout_ms > 0 ? io_clock_ms() + c->timeout_ms : 0, reason);
	if (c->fd < 0) {
		warnx("%s", reason);
		return EXIT_BROKEN;
	}
	dial_reset_on_exit(c->fd, c->console != NULL);
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
