/* SPDX-License-Identifier: MIT */
#include "client/exchange.h"

#include <err.h>
#include <errno.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/io.h"

#define QUEUE_MAX (64U * 1024) /* bytes; a queue this long gets no more */
#define CHUNK_MAX (64U * 1024) /* bytes; one read */
#define DATAGRAM_MAX 65507U    /* bytes; what UDP over IPv4 can carry, RFC 768 */

static const char output[] = "standard output";

void exchange_free(struct exchange *x)
{
	close(x->fd);
	buf_free(&x->to_server);
	buf_free(&x->from_server);
}

/* ---- ends ---- */

void exchange_broke(struct exchange *x, const char *subject, int error)
{
	if (x->error_subject == NULL) {
		x->error_subject = subject;
		x->error = error;
	}
}

static void stop_sending(struct exchange *x)
{
	x->input_eof = x->sent_eof = true;
	buf_free(&x->to_server);
}

void exchange_stop(struct exchange *x)
{
	stop_sending(x);
	x->server_eof = true;
}

void exchange_end_input(struct exchange *x)
{
	x->input_eof = true;
	x->moved_ms = io_clock_ms();
}

int exchange_explain(const struct exchange *x)
{
	errno = x->error;
	if (x->error_subject == output)
		io_write_failed(output);
	else if (x->error_subject != NULL)
		warn("%s", x->error_subject);
	return x->error_subject != NULL ? -1 : 0;
}

/* ---- interest ---- */

bool exchange_takes_input(const struct exchange *x)
{
	size_t waiting = buf_len(&x->to_server);

	if (x->input_eof)
		return false;
	return x->datagram ? waiting == 0 : waiting < QUEUE_MAX;
}

bool exchange_takes_replies(const struct exchange *x)
{
	return !x->server_eof && buf_len(&x->from_server) < QUEUE_MAX;
}

static short server_events(const struct exchange *x)
{
	short events = 0;

	if (exchange_takes_replies(x))
		events |= POLLIN;
	if (buf_len(&x->to_server) > 0)
		events |= POLLOUT;
	return events;
}

void exchange_interest(const struct exchange *x, bool input, struct pollfd fds[EXCHANGE_FDS])
{
	bool has_output = buf_len(&x->from_server) > 0;
	short events = server_events(x);
	/* With no events, poll(2) still reports a reset. That matters while there is input to come,
	 * but would make us spin where only the output is slow. */
	bool watch = events != 0 || (x->server_eof && !x->sent_eof);

	fds[EXCHANGE_INPUT] = (struct pollfd){input ? STDIN_FILENO : -1, POLLIN, 0};
	fds[EXCHANGE_SERVER] = (struct pollfd){watch ? x->fd : -1, events, 0};
	fds[EXCHANGE_OUTPUT] = (struct pollfd){has_output ? STDOUT_FILENO : -1, POLLOUT, 0};
}

/* ---- to the server ---- */

void exchange_read_input(struct exchange *x)
{
	size_t max = x->datagram ? DATAGRAM_MAX : CHUNK_MAX;
	char *room = buf_reserve(&x->to_server, max);
	ssize_t len = room != NULL ? read(STDIN_FILENO, room, max) : -1;

	if (len > 0) {
		buf_commit(&x->to_server, (size_t)len);
		x->moved_ms = io_clock_ms();
		return;
	}
	if (len < 0 && room != NULL && io_try_again(errno))
		return;
	if (len < 0)
		exchange_broke(x, "standard input", errno);
	exchange_end_input(x);
}

void exchange_send(struct exchange *x)
{
	ssize_t len = send(x->fd, buf_data(&x->to_server), buf_len(&x->to_server), MSG_NOSIGNAL);

	if (len >= 0) {
		buf_consume(&x->to_server, (size_t)len);
		x->moved_ms = io_clock_ms();
		return;
	}
	if (io_try_again(errno))
		return;
	exchange_broke(x, "cannot send", errno);
	stop_sending(x);
	/* What the server said before still waits in the socket: have it read to its end. */
	if (x->datagram)
		x->server_eof = true;
	else
		shutdown(x->fd, SHUT_RDWR);
}

void exchange_end_sending(struct exchange *x)
{
	if (x->sent_eof || !x->input_eof || buf_len(&x->to_server) > 0)
		return;
	x->sent_eof = true;
	if (!x->datagram)
		shutdown(x->fd, SHUT_WR); /* if that fails, so does the next recv(2) */
}

/* ---- from the server ---- */

ssize_t exchange_receive(struct exchange *x, const char **data)
{
	char *room = buf_reserve(&x->from_server, CHUNK_MAX);
	ssize_t len = room != NULL ? recv(x->fd, room, CHUNK_MAX, 0) : -1;

	if (len > 0)
		buf_commit(&x->from_server, (size_t)len);
	*data = room;
	return len;
}

void exchange_server_gone(struct exchange *x)
{
	int error = 0;
	socklen_t len = sizeof(error);

	getsockopt(x->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error != 0)
		exchange_broke(x, "connection broke", error);
	exchange_stop(x);
}

/* Standard output is shared with other processes, so it is not made non-blocking. A pipe that
 * poll(2) calls writable takes PIPE_BUF bytes without blocking. */
void exchange_write(struct exchange *x)
{
	size_t max = buf_len(&x->from_server);
	ssize_t len =
		write(STDOUT_FILENO, buf_data(&x->from_server), max < PIPE_BUF ? max : PIPE_BUF);

	if (len < 0 && io_try_again(errno))
		return;
	if (len < 0) {
		exchange_broke(x, output, errno);
		buf_free(&x->from_server);
		exchange_stop(x);
		return;
	}
	if (len > 0)
		x->mid_line = buf_data(&x->from_server)[len - 1] != '\n';
	buf_consume(&x->from_server, (size_t)len);
}

void exchange_end_line(struct exchange *x)
{
	if (!x->mid_line)
		return;
	x->mid_line = false;
	if (write(STDOUT_FILENO, "\n", 1) < 0)
		exchange_broke(x, output, errno);
}
