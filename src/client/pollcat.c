/* SPDX-License-Identifier: MIT */
/*
 * pollcat: talk to a server by hand or through a pipe. One poll(2) loop moves bytes from
 * standard input to the server and from the server to standard output, each way through a
 * queue with a bound: a side that is not taken from is not read either.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "client/complete.h"
#include "client/console.h"
#include "client/dial.h"
#include "client/io.h"
#include "client/prompt.h"
#include "client/subcommand.h"
#include "core/buf.h"
#include "net/addr.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define QUEUE_MAX (64U * 1024) /* bytes; a queue this long gets no more */
#define CHUNK_MAX (64U * 1024) /* bytes; one read */
#define DATAGRAM_MAX 65507U    /* bytes; what UDP over IPv4 can carry, RFC 768 */
#define QUIET_MS 1000          /* after the last datagram, until the server counts as done */
#define SPACE " \t\r\n\v\f"

struct client {
	int fd;
	bool datagram;
	bool interactive;          /* a person types */
	bool newline;              /* typed lines are sent with one */
	struct console *console;   /* --resp, or NULL */
	struct buf to_server;      /* datagram: at most one */
	struct buf from_server;    /* not yet on standard output */
	bool input_eof;            /* standard input has ended */
	bool sent_eof;             /* and the server knows */
	bool server_eof;           /* nothing more will come */
	bool mid_line;             /* output ended without a newline */
	const char *error_subject; /* what broke first, or NULL */
	int error;                 /* its errno */
	int64_t quiet_at_ms;       /* datagram: when the server counts as done */
};

enum {
	POLL_INPUT,
	POLL_SERVER,
	POLL_OUTPUT,
	POLL_COUNT,
};

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

/* Take one chunk of standard input as it is; of a datagram socket, the next datagram. */
static void input_read(struct client *c)
{
	size_t max = c->datagram ? DATAGRAM_MAX : CHUNK_MAX;
	char *room = buf_reserve(&c->to_server, max);
	ssize_t len = room != NULL ? read(STDIN_FILENO, room, max) : -1;

	if (len > 0) {
		buf_commit(&c->to_server, (size_t)len);
		return;
	}
	if (len < 0 && room != NULL && try_again(errno))
		return;
	if (len < 0)
		client_broke(c, "standard input", errno);
	c->input_eof = true;
}

/* Returns 0, or -1 with errno. */
static int line_send(struct client *c, const char *line, size_t len)
{
	if (c->console != NULL)
		return console_line(line, &c->to_server, &c->from_server);
	if (buf_add(&c->to_server, line, len) < 0)
		return -1;
	return c->newline ? buf_add(&c->to_server, "\n", 1) : 0;
}

/* A line typed at the prompt; NULL is the end. */
static void input_line(void *arg, const char *line)
{
	struct client *c = arg;
	size_t len;

	if (line == NULL) {
		c->input_eof = true;
		prompt_stop();
		return;
	}
	line += strspn(line, SPACE);
	len = strlen(line);
	while (len > 0 && strchr(SPACE, line[len - 1]) != NULL)
		len--;
	if (len == 0)
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
		input_line(c, NULL); /* the terminal is gone, and libedit would not say */
	else
		prompt_read();
}

static void server_send(struct client *c)
{
	ssize_t len = send(c->fd, buf_data(&c->to_server), buf_len(&c->to_server), MSG_NOSIGNAL);

	if (len >= 0) {
		buf_consume(&c->to_server, (size_t)len);
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

/* Receive what is printed as it is. Returns as recv(2). */
static ssize_t receive_raw(struct client *c)
{
	char *room = buf_reserve(&c->from_server, CHUNK_MAX);
	ssize_t len = room != NULL ? recv(c->fd, room, CHUNK_MAX, 0) : -1;

	if (len > 0)
		buf_commit(&c->from_server, (size_t)len);
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

static void server_receive(struct client *c)
{
	ssize_t len = c->console != NULL ? receive_replies(c) : receive_raw(c);

	if (len < 0 && try_again(errno))
		return;
	if (len < 0) {
		client_broke(c, errno == EPROTO ? "reply not understood" : "connection broke",
			     errno);
		client_stop(c);
		return;
	}
	if (c->datagram)
		c->quiet_at_ms = io_clock_ms() + QUIET_MS; /* an empty one is a reply as well */
	else if (len == 0)
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
		client_broke(c, "standard output", errno);
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
		client_broke(c, "standard output", errno);
}

/* Tell the server of the end of input, once all of it is sent. */
static void end_sending(struct client *c)
{
	if (c->sent_eof || !c->input_eof || buf_len(&c->to_server) > 0)
		return;
	c->sent_eof = true;
	if (c->datagram)
		c->quiet_at_ms = io_clock_ms() + QUIET_MS;
	else
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

/* Milliseconds for poll(2): a quiet datagram server is waited for only once all it sent is
 * written, for until then it may not have been listened to. */
static int client_timeout_ms(const struct client *c)
{
	int64_t left_ms = c->quiet_at_ms - io_clock_ms();

	if (!c->datagram || !c->sent_eof || buf_len(&c->from_server) > 0)
		return -1;
	return left_ms > 0 ? (int)left_ms : 0;
}

static void client_turn(struct client *c)
{
	struct pollfd fds[POLL_COUNT];
	int ready;

	client_interest(c, fds);
	ready = poll(fds, POLL_COUNT, client_timeout_ms(c));
	if (ready < 0 && errno != EINTR) {
		client_broke(c, "poll", errno);
		client_stop(c);
	}
	if (ready == 0)
		c->server_eof = true;
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
			prompt_show();
		}
	}
}

/* Returns the exit status. */
static int client_finish(struct client *c)
{
	prompt_hide();
	prompt_stop();
	output_end_line(c);
	if (c->error_subject == NULL)
		dial_reset_on_exit(c->fd, false);
	close(c->fd);
	buf_free(&c->to_server);
	buf_free(&c->from_server);
	if (c->error_subject != NULL) {
		warnx("%s: %s", c->error_subject, strerror(c->error));
		return EXIT_BROKEN;
	}
	if (c->interactive && !c->sent_eof)
		warnx("the server closed the connection");
	return EXIT_SUCCESS;
}

/* Returns the exit status. */
static int converse(const struct addr_spec *spec, struct client *c)
{
	char reason[DIAL_REASON_MAX];

	c->interactive = isatty(STDIN_FILENO);
	c->datagram = spec->transport == TRANSPORT_UDP;
	c->fd = dial(spec, 0, reason);
	if (c->fd < 0) {
		warnx("%s", reason);
		return EXIT_BROKEN;
	}
	dial_reset_on_exit(c->fd, c->console != NULL);
	client_run(c);
	return client_finish(c);
}

static char **find_words(void *arg, const char *line, size_t start, size_t end)
{
	return complete_find(arg, line, start, end);
}

/* The prompt of --resp. Returns the exit status. */
static int converse_in_requests(const struct addr_spec *spec)
{
	struct console console = {.print.readable = isatty(STDOUT_FILENO)};
	struct client c = {.console = &console};
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
	status = converse(spec, &c);
	complete_free(&complete);
	return status;
}

/* Without a transport it is TCP. Returns 0, or -1 with the reason in reason[size]. */
static int address_parse(struct addr_spec *spec, const char *text, char *reason, size_t size)
{
	static const char *const prefixes[] = {"tcp:", "udp:", "unix:"};
	char tcp[ADDR_TEXT_MAX + 1];

	for (unsigned i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(text, prefixes[i], strlen(prefixes[i])) == 0)
			return addr_spec_parse(spec, text, reason, size);
	snprintf(tcp, sizeof(tcp), "tcp:%s", text); /* cut off, it is still refused as too long */
	return addr_spec_parse(spec, tcp, reason, size);
}

struct command_line {
	const char *address; /* NULL: none given */
	bool newline;
	bool resp;
	int argc; /* the subcommand and its arguments */
	char **argv;
};

static void help(void)
{
	fputs("usage: pollcat [-nR] ADDRESS [SUBCOMMAND [ARG...]]\n"
	      "\n"
	      "ADDRESS is HOST:PORT, [IPV6]:PORT, tcp:HOST:PORT, udp:HOST:PORT or unix:PATH.\n"
	      "\n"
	      "  -n, --newline  send each typed line with a newline\n"
	      "  -R, --resp     the server's protocol is resp: typed lines are requests\n"
	      "  -h, --help     print this and exit\n"
	      "  -V, --version  print the version and exit\n"
	      "\n"
	      "Subcommands, where the server's protocol is resp:\n"
	      "\n",
	      stdout);
	subcommand_list(stdout);
}

static int misused(void)
{
	fputs("usage: pollcat [-nR] ADDRESS [SUBCOMMAND [ARG...]]; see pollcat --help\n", stderr);
	return EXIT_USAGE;
}

/* A closed standard descriptor would be given to the socket. What stands for output cannot be
 * written to: an answer that goes nowhere is an error. */
static void standard_descriptors_open(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_RDWR : O_RDONLY) < 0)
			exit(EXIT_BROKEN);
}

static void option_take(struct command_line *line, int option)
{
	switch (option) {
	case 'n':
		line->newline = true;
		break;
	case 'R':
		line->resp = true;
		break;
	case 'h':
		help();
		exit(EXIT_SUCCESS);
	case 'V':
		puts("pollcat " PACKAGE_VERSION);
		exit(EXIT_SUCCESS);
	default:
		exit(misused());
	}
}

/* Options may stand behind the address, but what follows a subcommand is its own. */
static void command_line_parse(struct command_line *line, int argc, char **argv)
{
	static const struct option options[] = {
		{"newline", no_argument, NULL, 'n'},
		{"resp", no_argument, NULL, 'R'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	int option;

	/* "-": an operand is given as the option 1, in its place. */
	while ((option = getopt_long(argc, argv, "-nRhV", options, NULL)) != -1) {
		if (option == 1 && line->address != NULL) {
			optind--;
			break;
		}
		if (option == 1)
			line->address = optarg;
		else
			option_take(line, option);
	}
	if (line->address == NULL && optind < argc) /* behind "--" */
		line->address = argv[optind++];
	line->argc = argc - optind;
	line->argv = argv + optind;
}

/* Returns the exit status. */
static int subcommand(const struct command_line *line, const struct addr_spec *spec)
{
	const struct subcommand *s = subcommand_find(line->argv[0]);

	if (s == NULL) {
		warnx("no subcommand '%s'; see pollcat --help", line->argv[0]);
		return EXIT_USAGE;
	}
	if (line->newline || line->resp) {
		warnx("-n and -R are for the prompt; leave them out with %s", s->name);
		return EXIT_USAGE;
	}
	return subcommand_run(s, spec, line->argc, line->argv);
}

int main(int argc, char **argv)
{
	struct command_line line = {0};
	struct addr_spec spec;
	char reason[512];

	standard_descriptors_open();
	signal(SIGPIPE, SIG_IGN);
	setlocale(LC_CTYPE, ""); /* editing needs to know what a character is */
	command_line_parse(&line, argc, argv);
	if (line.address == NULL)
		return misused();
	if (address_parse(&spec, line.address, reason, sizeof(reason)) < 0) {
		warnx("%s", reason);
		return EXIT_USAGE;
	}
	if (line.argc > 0)
		return subcommand(&line, &spec);
	if (line.resp)
		return converse_in_requests(&spec);
	return converse(&spec, &(struct client){.newline = line.newline});
}
