/* SPDX-License-Identifier: MIT */
#include "client/talk.h"

#include "client/dial.h"
#include "client/escape.h"
#include "client/io.h"
#include "client/request.h"

#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHOWN_MAX 60 /* bytes of a reply that makes no sense */

int talk_broke(struct talk *t, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (t->reason.text[0] == '\0')
		reason_vadd(&t->reason, format, args);
	va_end(args);
	return -1;
}

void talk_init(struct talk *t, const struct addr_spec *server)
{
	memset(t, 0, sizeof(*t));
	t->server = server;
	t->fd = -1;
	t->allowed = TALK_ANY;
}

int talk_open(struct talk *t)
{
	int64_t give_up_ms = t->give_up_ms;
	struct reason reason;

	if (t->timeout_ms > 0)
		give_up_ms = io_clock_ms() + t->timeout_ms;
	t->fd = dial(t->server, give_up_ms, t->quiet ? NULL : &reason);
	if (t->fd < 0)
		return talk_broke(t, "%s", t->quiet ? "not connected" : reason.text);
	dial_reset_on_exit(t->fd, true);
	return 0;
}

bool talk_idle(const struct talk *t)
{
	return t->fd >= 0 && t->reason.text[0] == '\0' && reply_idle(&t->reply);
}

void talk_close(struct talk *t)
{
	if (talk_idle(t))
		dial_reset_on_exit(t->fd, false);
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
	buf_free(&t->out);
}

void talk_reset(struct talk *t)
{
	const struct addr_spec *server = t->server;
	int64_t timeout_ms = t->timeout_ms;
	bool quiet = t->quiet;

	talk_close(t);
	talk_init(t, server);
	t->timeout_ms = timeout_ms;
	t->quiet = quiet;
}

void talk_allow(struct talk *t, int64_t max_bytes)
{
	t->allowed = max_bytes;
}

int talk_ask(struct talk *t, const char *const *argv)
{
	if (request_add(&t->out, argv) < 0)
		return talk_broke(t, "request: %s", strerror(errno));
	return 0;
}

/* Send once. Where that fails, requests are dropped, and no more is said: what the server said
 * before still waits in the socket, and after that recv(2) tells why. */
static void send_some(struct talk *t)
{
	ssize_t len = send(t->fd, buf_data(&t->out), buf_len(&t->out), MSG_NOSIGNAL);

	if (len >= 0)
		buf_consume(&t->out, (size_t)len);
	else if (!io_try_again(errno))
		buf_free(&t->out);
}

static int receive_some(struct talk *t)
{
	ssize_t len = recv(t->fd, t->received, sizeof(t->received), 0);

	if (len < 0 && io_try_again(errno))
		return 0;
	if (len < 0)
		return talk_broke(t, "connection broke: %s", strerror(errno));
	if (len == 0)
		return talk_broke(t, "the server closed the connection");
	t->head = 0;
	t->tail = (size_t)len;
	return 0;
}

void talk_send_input(struct talk *t, const char *verb)
{
	t->input_verb = verb;
}

static int input_read(struct talk *t)
{
	char data[TALK_INPUT_MAX];
	ssize_t len = read(STDIN_FILENO, data, sizeof(data));

	if (len < 0 && io_try_again(errno))
		return 0;
	if (len < 0)
		return talk_broke(t, "standard input: %s", strerror(errno));
	if (request_add_data(&t->out, t->input_verb, data, (size_t)len) < 0)
		return talk_broke(t, "request: %s", strerror(errno));
	if (len == 0)
		t->input_verb = NULL;
	return 0;
}

/* Milliseconds to wait for the server, as a timeout of poll(2). While there may be more input, and
 * all that came is sent, it is not the server's turn, and its silence does not count. */
static int patience(const struct talk *t)
{
	int patience_ms = io_patience_ms(t->give_up_ms);
	bool its_turn = t->input_verb == NULL || buf_len(&t->out) > 0;

	if (!its_turn || t->timeout_ms == 0 || (patience_ms >= 0 && patience_ms < t->timeout_ms))
		return patience_ms;
	return t->timeout_ms < INT_MAX ? (int)t->timeout_ms : INT_MAX;
}

/* Wait once: send, read input, receive, whatever can be done. Returns 0, or -1. */
static int exchange(struct talk *t)
{
	bool reads = t->input_verb != NULL && buf_len(&t->out) < TALK_INPUT_MAX;
	struct pollfd pfds[] = {{t->fd, POLLIN, 0}, {reads ? STDIN_FILENO : -1, POLLIN, 0}};
	int patience_ms = patience(t), ready;

	if (buf_len(&t->out) > 0)
		pfds[0].events |= POLLOUT;
	ready = poll(pfds, 2, patience_ms);
	if (ready < 0 && errno != EINTR)
		return talk_broke(t, "poll: %s", strerror(errno));
	if (ready == 0 || patience_ms == 0) /* also where the server always has something to say */
		return talk_broke(t, "no answer");
	if (ready < 0)
		return 0;
	if (pfds[1].revents != 0 && input_read(t) < 0)
		return -1;
	if (pfds[0].revents & POLLOUT)
		send_some(t);
	return pfds[0].revents & (POLLIN | POLLHUP | POLLERR) ? receive_some(t) : 0;
}

int talk_next(struct talk *t, struct reply_event *event)
{
	size_t taken;

	while (t->reason.text[0] == '\0') {
		taken = reply_next(&t->reply, t->received + t->head, t->tail - t->head, event);
		t->head += taken;
		t->allowed -= (int64_t)taken;
		if (event->type == REPLY_BAD)
			return talk_broke(t, "reply not understood: %s", t->reply.reason);
		if (t->allowed < 0)
			return talk_broke(t, "the server says too much at once");
		if (event->type != REPLY_MORE)
			return 0;
		if (exchange(t) < 0)
			return -1;
	}
	return -1;
}

int talk_reply(struct talk *t, struct reply_event *event)
{
	if (talk_next(t, event) < 0)
		return -1;
	if (event->type != REPLY_ERROR)
		return 0;
	talk_print_error(t, event);
	return -1;
}

int talk_skip(struct talk *t, const struct reply_event *event)
{
	struct reply_event e = *event;

	while (!e.ended || e.open > event->depth)
		if (talk_next(t, &e) < 0)
			return -1;
	return 0;
}

int talk_skip_values(struct talk *t, int64_t count)
{
	struct reply_event e;

	for (int64_t i = 0; i < count; i++)
		if (talk_next(t, &e) < 0 || talk_skip(t, &e) < 0)
			return -1;
	return 0;
}

/* Take the body of a bulk, for which text has room. Returns its length, or -1. */
static int string_body(struct talk *t, char *text)
{
	struct reply_event e;
	size_t len = 0;

	for (;;) {
		if (talk_next(t, &e) < 0)
			return -1;
		if (e.type == REPLY_BULK_END)
			return (int)len;
		memcpy(text + len, e.data, e.len);
		len += e.len;
	}
}

int talk_string(struct talk *t, const struct reply_event *event, char *text, size_t size,
		const char *expected)
{
	int len = (int)event->len;

	if (event->type == REPLY_BULK && event->number < (int64_t)size)
		len = string_body(t, text);
	else if (event->type == REPLY_TEXT && event->len < size)
		memcpy(text, event->data, event->len);
	else
		return talk_unexpected(t, event, expected);
	if (len < 0)
		return -1;
	text[len] = '\0';
	return strlen(text) == (size_t)len ? 0
					   : talk_unexpected_string(t, text, (size_t)len, expected);
}

int talk_next_string(struct talk *t, char *text, size_t size, const char *expected)
{
	struct reply_event e;

	return talk_next(t, &e) < 0 ? -1 : talk_string(t, &e, text, size, expected);
}

static int unexpected(struct talk *t, const char *came, const char *expected)
{
	return talk_broke(t, "the server answered %s where %s was expected: is it a pollard?", came,
			  expected);
}

/* Break the conversation, and show the text that came, escaped and cut. */
static int unexpected_text(struct talk *t, const char *kind, const char *text, size_t len,
			   const char *expected)
{
	bool cut = len > SHOWN_MAX;
	char *shown = escape_string(text, cut ? SHOWN_MAX : len);
	char came[64 + 4 * SHOWN_MAX]; /* a byte becomes four at most */

	snprintf(came, sizeof(came), "%s'%s'%s", kind, shown != NULL ? shown : "?",
		 cut ? "..." : "");
	free(shown);
	return unexpected(t, came, expected);
}

/* Break the conversation, and show what has come of the body of a bulk; no more is waited for. */
static int unexpected_bulk(struct talk *t, const struct reply_event *event, const char *expected)
{
	size_t len = t->tail - t->head;
	char kind[48];

	snprintf(kind, sizeof(kind), "%" PRId64 " bytes%s", event->number, len > 0 ? ", " : "");
	if (len == 0)
		return unexpected(t, kind, expected);
	if ((int64_t)len > event->number)
		len = (size_t)event->number;
	return unexpected_text(t, kind, t->received + t->head, len, expected);
}

int talk_unexpected(struct talk *t, const struct reply_event *event, const char *expected)
{
	char came[48];

	switch (event->type) {
	case REPLY_TEXT:
		return unexpected_text(t, "the status ", event->data, event->len, expected);
	case REPLY_ERROR:
		return unexpected_text(t, "the error ", event->data, event->len, expected);
	case REPLY_BULK:
		return unexpected_bulk(t, event, expected);
	case REPLY_INTEGER:
		snprintf(came, sizeof(came), "the number %" PRId64, event->number);
		break;
	case REPLY_ARRAY:
		snprintf(came, sizeof(came), "a list of %" PRId64, event->number);
		break;
	default:
		snprintf(came, sizeof(came), "nil");
	}
	return unexpected(t, came, expected);
}

int talk_unexpected_string(struct talk *t, const char *string, size_t len, const char *expected)
{
	return unexpected_text(t, "", string, len, expected);
}

void talk_print_reason(struct talk *t)
{
	if (t->reason.text[0] != '\0' && !t->reason_said && !t->quiet)
		warnx("%s", t->reason.text);
	t->reason_said = t->reason.text[0] != '\0';
}

void talk_print_error(const struct talk *t, const struct reply_event *event)
{
	char *text;

	if (t->quiet)
		return;
	text = escape_string(event->data, event->len);
	warnx("%s", text != NULL ? text : strerror(errno));
	free(text);
}
