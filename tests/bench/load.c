/* SPDX-License-Identifier: MIT */
/*
 * The load generator of the benchmark: one thread around epoll(7), on a core of its own. Five
 * kinds of client, which may run together, each with as many connections as it is told:
 *
 *	idle     says one thing, has its answer, and is silent from then on
 *	hot      has so many requests in flight, always; an answer makes place for the next
 *	bulk     sends as fast as it goes, and counts what comes back
 *	connect  connects, asks once, closes, and begins again
 *	stalled  sends until nobody takes any more, and reads nothing
 *
 * --rate has so many requests a second come from idle ones, at random times, each from a random
 * one; the next is due whether or not the last was answered. The result is one line of JSON; times
 * are from before send(2) to after recv(2) of the whole answer, this program's own queue included.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_PER_TURN 128
#define OPENING_MAX 64       /* connections of a kind that are being opened at a time */
#define RECEIVE_BYTES 262144 /* at a time */
#define STALL_NS 30000000000 /* a server that does nothing for so long is broken */
#define STALLED_LOOKS 30     /* so often in a row nothing moved and nobody works on it */
#define STALLED_PAUSE_NS 10000000

/* Counts of nanoseconds. STEPS for each power of two, so that a value is right to 1.6 %. */
#define STEPS 64
struct histogram {
	uint64_t count, max_ns;
	uint64_t steps[STEPS * 60];
};

/* What is said, again and again, and what comes back. */
struct message {
	char *data;   /* owned: so many copies that all requests in flight are one send(2) */
	size_t bytes; /* of data */
	size_t send_bytes, expect_bytes; /* of one request, of its answer */
};

struct client {
	struct kind *kind;
	int fd;
	uint32_t wants; /* the events asked of epoll(7); 0: not registered */
	uint64_t owed_bytes, sent_bytes, got_bytes;
	uint64_t asked, answered;
	uint64_t *asked_ns; /* owned, a ring of kind->inflight */
};

struct load;

struct kind {
	const struct message *message;
	unsigned inflight;              /* 0: as much as it takes, without a notion of requests */
	struct client *clients;         /* owned */
	unsigned count, opened, talked; /* talked: have had a first answer */
	struct histogram times;
	void (*answered)(struct load *load, struct client *c); /* one request more; or NULL */
};

struct load {
	int epoll_fd;
	struct sockaddr_storage server;
	socklen_t server_len;
	unsigned pid;             /* the server's; 0: not known */
	unsigned sources, opened; /* 127.0.0.1 and up, in turn: more ports than one address has */
	struct message small, large;
	struct kind idle, hot, bulk, connect, stalled;
	uint64_t now_ns;
	bool running;    /* whoever is answered asks again */
	double rate;     /* requests of idle ones, a second */
	uint64_t due_ns; /* when the next of them is */
	uint64_t exchanges, bulk_bytes;
	char first_answer[32];
	double seconds, warmup_seconds;
	char *receive; /* owned */
};

/* ---- numbers ---- */

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static void histogram_add(struct histogram *h, uint64_t ns)
{
	unsigned shift = ns < STEPS ? 0 : 57 - (unsigned)__builtin_clzll(ns);

	h->count++;
	h->steps[shift * STEPS + (ns >> shift)]++;
	if (ns > h->max_ns)
		h->max_ns = ns;
}

/* Microseconds that a share of all stayed under. */
static double histogram_quantile(const struct histogram *h, double share)
{
	uint64_t left = (uint64_t)((double)h->count * share);
	size_t i = 0;

	while (i < STEPS * 60 - 1 && h->steps[i] <= left)
		left -= h->steps[i++];
	if (i < 2 * STEPS)
		return (double)i / 1e3;
	return ((double)(i % STEPS + STEPS) + 0.5) * (double)(1ull << (i / STEPS - 1)) / 1e3;
}

/* Seconds of processor time that a process has had, and that its first thread has waited for a
 * processor that somebody else had; 0 is this process. */
struct cpu {
	double used, waited;
};

static struct cpu cpu_read(unsigned pid)
{
	struct cpu cpu = {0};
	struct timespec ts = {0};
	char path[64] = "/proc/self/schedstat";
	clockid_t clock;
	FILE *file;

	if (clock_getcpuclockid((pid_t)pid, &clock) == 0 && clock_gettime(clock, &ts) == 0)
		cpu.used = (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
	if (pid > 0)
		snprintf(path, sizeof(path), "/proc/%u/schedstat", pid);
	file = fopen(path, "re");
	if (file != NULL && fscanf(file, "%*u %lf", &cpu.waited) == 1)
		cpu.waited /= 1e9;
	if (file != NULL)
		fclose(file);
	return cpu;
}

/* Whether the server waits for something else than the processor, proc(5), or is not known. */
static bool server_sleeps(const struct load *load)
{
	char path[64], state = 'S';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%u/stat", load->pid);
	file = load->pid > 0 ? fopen(path, "re") : NULL;
	if (file == NULL)
		return true;
	if (fscanf(file, "%*u (%*[^)]) %c", &state) != 1)
		state = 'S';
	fclose(file);
	return state == 'S';
}

static void print_cpu(const char *name, struct cpu from, struct cpu to, double seconds)
{
	printf("\"%s_cpu\": %.6f, \"%s_waited\": %.6f, ", name, (to.used - from.used) / seconds,
	       name, (to.waited - from.waited) / seconds);
}

/* ---- a client ---- */

static void client_want(struct load *load, struct client *c, uint32_t wants)
{
	struct epoll_event event = {.events = wants, .data.ptr = c};
	int op = c->wants == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;

	if (wants != c->wants && epoll_ctl(load->epoll_fd, op, c->fd, &event) < 0)
		err(1, "epoll_ctl");
	c->wants = wants;
}

/* Bulk goes out a message at a time, so that it leaves the others their turn. */
static void client_send(struct load *load, struct client *c)
{
	const struct message *m = c->kind->message;
	size_t at, len;
	ssize_t n;

	do {
		at = c->sent_bytes % m->bytes;
		len = m->bytes - at < c->owed_bytes ? m->bytes - at : c->owed_bytes;
		n = send(c->fd, m->data + at, len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			err(1, "send");
		c->sent_bytes += n > 0 ? (uint64_t)n : 0;
		c->owed_bytes -= n > 0 ? (uint64_t)n : 0;
	} while (c->kind->inflight > 0 && n > 0 && (size_t)n == len && c->owed_bytes > 0);
	client_want(load, c, EPOLLIN | (c->owed_bytes > 0 ? EPOLLOUT : 0));
}

/* One request more is owed; client_send() sends all that is. */
static void client_ask(const struct load *load, struct client *c)
{
	c->owed_bytes += c->kind->message->send_bytes;
	c->asked_ns[c->asked++ % c->kind->inflight] = load->now_ns;
}

static void client_set_tcp(struct load *load, const struct client *c)
{
	struct sockaddr_in source = {.sin_family = AF_INET};
	const int on = 1;

	source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + load->opened++ % load->sources);
	setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (bind(c->fd, (const struct sockaddr *)&source, sizeof(source)) < 0)
		err(1, "bind");
}

/* Little buffers, and segments as over Ethernet: with loopback's of 64 KiB the kernel would keep
 * more than a megabyte for each, and reach tcp_mem, see tcp(7). */
static void client_set_stalled(const struct client *c)
{
	const int segment = 1448, buffer_bytes = 8192;

	setsockopt(c->fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment));
	setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof(buffer_bytes));
	setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof(buffer_bytes));
}

static void client_connect(struct load *load, struct client *c)
{
	c->fd = socket(load->server.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		err(1, "socket");
	if (load->server.ss_family == AF_INET)
		client_set_tcp(load, c);
	if (c->kind == &load->stalled)
		client_set_stalled(c);
	if (connect(c->fd, (const struct sockaddr *)&load->server, load->server_len) < 0 &&
	    errno != EINPROGRESS)
		err(1, "connect");
}

static void client_open(struct load *load, struct client *c)
{
	*c = (struct client){.kind = c->kind, .asked_ns = c->asked_ns};
	client_connect(load, c);
	load->now_ns = clock_ns();
	for (unsigned i = 0; i < c->kind->inflight; i++)
		client_ask(load, c);
	if (c->kind->inflight == 0)
		c->owed_bytes = UINT64_MAX / 2;
	client_send(load, c);
}

/* A first answer. Who connects again and again has many of these. */
static void kind_talked(struct kind *kind)
{
	if (kind->talked < kind->opened)
		kind->talked++;
}

/* The answers that are complete now. An answered client may be another after it. */
static void client_count(struct load *load, struct client *c)
{
	uint64_t complete = c->got_bytes / c->kind->message->expect_bytes - c->answered;

	if (complete > c->asked - c->answered)
		errx(1, "the server says more than it was asked");
	while (complete-- > 0) {
		histogram_add(&c->kind->times,
			      load->now_ns - c->asked_ns[c->answered++ % c->kind->inflight]);
		load->exchanges++;
		if (c->answered == 1)
			kind_talked(c->kind);
		if (c->kind->answered != NULL)
			c->kind->answered(load, c);
	}
}

static void client_count_bulk(struct load *load, const struct client *c, size_t bytes)
{
	load->bulk_bytes += bytes;
	if (c->got_bytes == bytes)
		kind_talked(c->kind);
}

static void client_receive(struct load *load, struct client *c)
{
	ssize_t n = recv(c->fd, load->receive, RECEIVE_BYTES, 0);
	size_t room = sizeof(load->first_answer) - 1;

	if (n < 0 && errno == EAGAIN)
		return;
	if (n < 0)
		err(1, "recv");
	if (n == 0)
		errx(1, "the server hung up");
	if (load->first_answer[0] == '\0')
		memcpy(load->first_answer, load->receive, (size_t)n < room ? (size_t)n : room);
	load->now_ns = clock_ns();
	c->got_bytes += (size_t)n;
	if (c->kind->inflight > 0)
		client_count(load, c);
	else
		client_count_bulk(load, c, (size_t)n);
}

static void client_ready(struct load *load, struct client *c, uint32_t events)
{
	if (events & EPOLLERR)
		errx(1, "a connection failed");
	if (events & (EPOLLIN | EPOLLHUP))
		client_receive(load, c);
	if (c->owed_bytes > 0)
		client_send(load, c);
}

/* ---- what the kinds do with an answer ---- */

static void hot_answered(struct load *load, struct client *c)
{
	if (load->running)
		client_ask(load, c);
}

static void connect_answered(struct load *load, struct client *c)
{
	close(c->fd);
	if (load->running)
		client_open(load, c);
}

/* ---- the run ---- */

/* A random idle one that waits for no answer; NULL: all of them do. */
static struct client *idle_choose(const struct load *load)
{
	unsigned first = (unsigned)random() % load->idle.count;
	struct client *c;

	for (unsigned i = 0; i < load->idle.count; i++) {
		c = &load->idle.clients[(first + i) % load->idle.count];
		if (c->asked == c->answered)
			return c;
	}
	return NULL;
}

/* As many as are due. */
static void idle_ask(struct load *load)
{
	struct client *c;

	while (load->due_ns <= load->now_ns) {
		c = idle_choose(load);
		if (c != NULL) {
			client_ask(load, c);
			client_send(load, c);
		}
		load->due_ns += (uint64_t)((double)random() / RAND_MAX * 2e9 / load->rate);
	}
}

static void turn(struct load *load, uint64_t until_ns)
{
	struct epoll_event events[EVENTS_PER_TURN];
	struct timespec wait;
	int n;

	if (load->due_ns < until_ns)
		until_ns = load->due_ns;
	until_ns -= load->now_ns < until_ns ? load->now_ns : until_ns;
	wait = (struct timespec){(time_t)(until_ns / 1000000000), (long)(until_ns % 1000000000)};
	n = epoll_pwait2(load->epoll_fd, events, EVENTS_PER_TURN, &wait, NULL);
	if (n < 0 && errno != EINTR)
		err(1, "epoll_pwait2");
	load->now_ns = clock_ns();
	for (int i = 0; i < n; i++)
		client_ready(load, events[i].data.ptr, events[i].events);
	idle_ask(load);
}

static void run_for(struct load *load, double seconds)
{
	uint64_t until_ns = clock_ns() + (uint64_t)(seconds * 1e9);

	while ((load->now_ns = clock_ns()) < until_ns)
		turn(load, until_ns);
}

/* Whether somebody who asks has not been answered in this measurement: he would have no figures. */
static bool figures_missing(const struct load *load)
{
	return (load->hot.count > 0 && load->hot.times.count == 0) ||
	       (load->connect.count > 0 && load->connect.times.count == 0) ||
	       (load->bulk.count > 0 && load->bulk_bytes == 0) ||
	       (load->rate > 0 && load->idle.times.count == 0);
}

/* Longer where the server is so slow. */
static void run_until_figures(struct load *load)
{
	uint64_t until_ns = clock_ns() + STALL_NS;

	while (figures_missing(load)) {
		load->now_ns = clock_ns();
		if (load->now_ns >= until_ns)
			errx(1, "no answer came");
		turn(load, until_ns);
	}
}

/* A few at a time; returns when each of them has had an answer: until then a server may still
 * be starting a process for it. */
static void open_all(struct load *load, struct kind *kind)
{
	uint64_t until_ns = clock_ns() + STALL_NS;
	unsigned talked;

	while (kind->talked < kind->count) {
		load->now_ns = clock_ns();
		if (load->now_ns >= until_ns)
			errx(1, "%u of %u connections were answered", kind->talked, kind->opened);
		while (kind->opened < kind->count && kind->opened - kind->talked < OPENING_MAX)
			client_open(load, &kind->clients[kind->opened++]);
		talked = kind->talked;
		turn(load, until_ns);
		if (kind->talked > talked)
			until_ns = load->now_ns + STALL_NS;
	}
}

/* Sends on. Returns whether nothing goes any more, and an answer lies unread. */
static bool client_stalls(const struct client *c)
{
	int unread_bytes = 0;

	if (send(c->fd, c->kind->message->data, c->kind->message->bytes, MSG_NOSIGNAL) >= 0)
		return false;
	if (errno != EAGAIN)
		err(1, "a stalled connection");
	return ioctl(c->fd, FIONREAD, &unread_bytes) == 0 && unread_bytes > 0;
}

static bool all_stall(const struct load *load)
{
	unsigned count = 0;

	for (unsigned i = 0; i < load->stalled.count; i++)
		count += client_stalls(&load->stalled.clients[i]);
	return count == load->stalled.count;
}

static void open_stalled(struct load *load)
{
	const struct timespec pause = {0, STALLED_PAUSE_NS};
	uint64_t until_ns = clock_ns() + STALL_NS;

	for (unsigned i = 0; i < load->stalled.count; i++)
		client_connect(load, &load->stalled.clients[i]);
	for (unsigned looks = 0; load->stalled.count > 0 && looks < STALLED_LOOKS;) {
		if (clock_ns() >= until_ns)
			errx(1, "no stalled connections: the server takes what they send");
		looks = all_stall(load) && server_sleeps(load) ? looks + 1 : 0;
		nanosleep(&pause, NULL);
	}
}

/* What was sent and has not come back. */
static uint64_t bulk_missing(const struct load *load)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < load->bulk.count; i++)
		bytes += load->bulk.clients[i].sent_bytes - load->bulk.clients[i].got_bytes;
	return bytes;
}

/* Every byte must come back; there is time for that after the measurement. */
static void bulk_finish(struct load *load)
{
	uint64_t until_ns = clock_ns() + STALL_NS;

	for (unsigned i = 0; i < load->bulk.count; i++) {
		load->bulk.clients[i].owed_bytes = 0;
		client_want(load, &load->bulk.clients[i], EPOLLIN);
	}
	while (bulk_missing(load) > 0 && (load->now_ns = clock_ns()) < until_ns)
		turn(load, until_ns);
	if (bulk_missing(load) > 0)
		errx(1, "%" PRIu64 " bytes did not come back", bulk_missing(load));
}

static void print_times(const char *name, const struct histogram *h, double seconds)
{
	if (h->count == 0)
		return;
	printf(", \"%s\": {\"count\": %" PRIu64 ", \"rate\": %.1f, \"median_us\": %.2f"
	       ", \"p99_us\": %.2f, \"max_us\": %.2f}",
	       name, h->count, (double)h->count / seconds, histogram_quantile(h, 0.5),
	       histogram_quantile(h, 0.99), (double)h->max_ns / 1e3);
}

static void print_text(const char *name, const char *text)
{
	printf(", \"%s\": \"", name);
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text == '"' || *text == '\\' || *text == 127)
			printf("\\u%04x", (unsigned char)*text);
		else
			putchar(*text);
	putchar('"');
}

static void measure(struct load *load)
{
	struct cpu own, server = {0};
	uint64_t exchanges;
	double seconds;

	load->running = true;
	open_all(load, &load->hot);
	open_all(load, &load->bulk);
	open_all(load, &load->connect);
	if (load->rate > 0)
		load->due_ns = clock_ns();
	run_for(load, load->warmup_seconds);
	load->bulk_bytes = 0;
	exchanges = load->exchanges;
	load->idle.times = load->hot.times = load->connect.times = (struct histogram){0};
	own = cpu_read(0);
	if (load->pid > 0)
		server = cpu_read(load->pid);
	seconds = (double)clock_ns() / 1e9;
	run_for(load, load->seconds);
	run_until_figures(load);
	seconds = (double)clock_ns() / 1e9 - seconds;
	load->running = false;
	load->due_ns = UINT64_MAX;
	if (!all_stall(load))
		errx(1, "the stalled connections did not stay so");
	putchar('{');
	print_cpu("load", own, cpu_read(0), seconds);
	if (load->pid > 0)
		print_cpu("server", server, cpu_read(load->pid), seconds);
	printf("\"seconds\": %.4f", seconds);
	print_text("first_answer", load->first_answer);
	print_times("hot", &load->hot.times, seconds);
	print_times("cold", &load->idle.times, seconds);
	print_times("connect", &load->connect.times, seconds);
	if (load->bulk.count > 0)
		printf(", \"bulk\": {\"mb_s\": %.2f}", (double)load->bulk_bytes / seconds / 1e6);
	printf(", \"measured\": %" PRIu64, load->exchanges - exchanges);
	bulk_finish(load);
	printf(", \"exchanges\": %" PRIu64 "}\n", load->exchanges);
}

/* Keep the idle ones until whoever started this has looked at the server. */
static void hold(void)
{
	char byte;

	puts("ready");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
}

/* ---- the command line ---- */

/* C escapes, in place. Returns the length. */
static size_t unescape(char *text)
{
	static const char names[] = "rnt0\\\"", values[] = "\r\n\t\0\\\"";
	char *to = text;
	const char *name;

	for (const char *from = text; *from != '\0'; from++) {
		if (*from != '\\') {
			*to++ = *from;
			continue;
		}
		name = from[1] != '\0' ? strchr(names, *++from) : NULL;
		if (name == NULL)
			errx(2, "--send: only \\r \\n \\t \\0 \\\\ and \\\" are known");
		*to++ = values[name - names];
	}
	return (size_t)(to - text);
}

/* text: NULL for letters. */
static void message_set(struct message *m, const char *text, size_t len, unsigned copies)
{
	m->send_bytes = len;
	m->bytes = copies * len;
	m->data = malloc(m->bytes);
	if (m->data == NULL || len == 0)
		errx(2, "no message, or no memory for it");
	for (size_t i = 0; i < m->bytes; i++)
		m->data[i] = text != NULL ? text[i % len] : (char)('a' + i % len % 26);
	if (m->expect_bytes == 0)
		m->expect_bytes = len;
}

static void kind_set(struct kind *kind, const struct message *m, unsigned inflight,
		     void (*answered)(struct load *load, struct client *c))
{
	kind->message = m;
	kind->inflight = inflight;
	kind->answered = answered;
	kind->clients = calloc(kind->count + 1, sizeof(*kind->clients));
	if (kind->clients == NULL)
		err(1, "calloc");
	for (unsigned i = 0; i < kind->count; i++) {
		kind->clients[i].kind = kind;
		kind->clients[i].asked_ns = calloc(inflight + 1, sizeof(uint64_t));
		if (kind->clients[i].asked_ns == NULL)
			err(1, "calloc");
	}
}

static double number(const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end != '\0' || !(value >= 0) || value > 1e9)
		errx(2, "not a number that makes sense: %s", text);
	return value;
}

static const char usage[] =
	"usage: load --port PORT | --unix PATH\n"
	"            [--idle N] [--hot N] [--bulk N] [--connect N] [--stalled N]\n"
	"            [--inflight N] [--size BYTES | --send TEXT [--expect BYTES]]\n"
	"            [--bulk-size BYTES] [--seconds S] [--warmup S] [--pid SERVER] [--sources N]\n"
	"            [--rate N | --hold]\n";

struct arguments {
	double port, idle, hot, bulk, connect, stalled, inflight, size, expect, bulk_size;
	double seconds, warmup, pid, sources, rate, hold;
	char *send, *path;
};

static struct arguments arguments_read(int argc, char **argv)
{
	struct arguments a = {
		.inflight = 1, .size = 32, .bulk_size = 65536, .seconds = 1, .sources = 250};
	const struct {
		const char *name;
		double *value;
	} names[] = {
		{"--port", &a.port},       {"--idle", &a.idle},
		{"--hot", &a.hot},         {"--bulk", &a.bulk},
		{"--connect", &a.connect}, {"--inflight", &a.inflight},
		{"--size", &a.size},       {"--expect", &a.expect},
		{"--warmup", &a.warmup},   {"--bulk-size", &a.bulk_size},
		{"--seconds", &a.seconds}, {"--pid", &a.pid},
		{"--sources", &a.sources}, {"--stalled", &a.stalled},
		{"--rate", &a.rate},
	};
	size_t k;

	for (int i = 1; i < argc; i++) {
		for (k = 0; k < sizeof(names) / sizeof(*names); k++)
			if (strcmp(argv[i], names[k].name) == 0)
				break;
		if (strcmp(argv[i], "--hold") == 0)
			a.hold = 1;
		else if (i + 1 < argc && strcmp(argv[i], "--send") == 0)
			a.send = argv[++i];
		else if (i + 1 < argc && strcmp(argv[i], "--unix") == 0)
			a.path = argv[++i];
		else if (i + 1 < argc && k < sizeof(names) / sizeof(*names))
			*names[k].value = number(argv[++i]);
		else
			errx(2, "%s: what is that, or where is its value?\n%s", argv[i], usage);
	}
	return a;
}

/* path: NULL for the port. */
static void server_set(struct load *load, unsigned port, const char *path)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_un un = {.sun_family = AF_UNIX};

	if (path != NULL && strlen(path) >= sizeof(un.sun_path))
		errx(2, "%s: longer than the name of a socket may be", path);
	if (path != NULL)
		strcpy(un.sun_path, path);
	load->server_len = path != NULL ? sizeof(un) : sizeof(in);
	memcpy(&load->server, path != NULL ? (const void *)&un : &in, load->server_len);
}

static void load_init(struct load *load, const struct arguments *a)
{
	server_set(load, (unsigned)a->port, a->path);
	load->pid = (unsigned)a->pid;
	load->sources = (unsigned)a->sources;
	load->seconds = a->seconds;
	load->warmup_seconds = a->warmup;
	load->rate = a->rate;
	load->due_ns = UINT64_MAX;
	load->idle.count = (unsigned)a->idle;
	load->hot.count = (unsigned)a->hot;
	load->bulk.count = (unsigned)a->bulk;
	load->connect.count = (unsigned)a->connect;
	load->stalled.count = (unsigned)a->stalled;
	load->small.expect_bytes = (size_t)a->expect;
	message_set(&load->small, a->send, a->send != NULL ? unescape(a->send) : (size_t)a->size,
		    (unsigned)a->inflight);
	message_set(&load->large, NULL, (size_t)a->bulk_size, 1);
	kind_set(&load->idle, &load->small, 1, NULL);
	kind_set(&load->hot, &load->small, (unsigned)a->inflight, hot_answered);
	kind_set(&load->connect, &load->small, 1, connect_answered);
	kind_set(&load->bulk, &load->large, 0, NULL);
	kind_set(&load->stalled, &load->large, 0, NULL);
	load->receive = malloc(RECEIVE_BYTES);
	load->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (load->receive == NULL || load->epoll_fd < 0)
		err(1, "no memory, or no epoll");
}

int main(int argc, char **argv)
{
	struct arguments a = arguments_read(argc, argv);
	static struct load load;

	if ((a.port == 0) == (a.path == NULL) || a.inflight < 1 || a.sources < 1 ||
	    (a.rate > 0 && a.idle < 1))
		errx(2, "%s", usage);
	load_init(&load, &a);
	open_all(&load, &load.idle);
	open_stalled(&load);
	if (a.hold)
		hold();
	else
		measure(&load);
	return 0;
}
