/* SPDX-License-Identifier: MIT */
#include "client/ping.h"

#include "client/address.h"
#include "client/icmp.h"
#include "client/io.h"
#include "core/clock.h"

#include <err.h>
#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#define NS_PER_MS 1000000
#define TAKE_MAX 64        /* events that are taken before the next request is looked at */
#define IPV4_HEADER_LEN 20 /* bytes */
#define IPV6_HEADER_LEN 40

enum {
	EXIT_ANSWERED = 0,
	EXIT_NO_ANSWER = 1,
	EXIT_NOT_DONE = 2,
};

struct request {
	int64_t sent_ns; /* on the monotonic clock */
	bool over;       /* answered, or an error came back */
};

struct ping {
	opt_int count;                  /* of requests; by the command line, as the next two */
	opt_duration interval, timeout; /* between two requests, and after the last */
	int family;                     /* AF_UNSPEC: either */
	const char *host;
	struct icmp icmp;
	struct request *requests;                     /* count of them, by sequence - 1; owned */
	int64_t begun_ns;                             /* on the monotonic clock */
	int sent, over, answered, errors, duplicates; /* how many */
	double min_ms, max_ms, sum_ms, squares;       /* of round trips */
};

enum {
	OPTION_COUNT,
	OPTION_INTERVAL,
	OPTION_TIMEOUT,
	OPTION_IPV4,
	OPTION_IPV6,
};

const struct cli_option ping_options[] = {
	{"count", 'c', "COUNT", "send so many requests, at most 65535 (4)"},
	{"interval", 'i', "DURATION", "one after so long, from 10ms on (1s)"},
	{"timeout", 't', "DURATION", "wait so long after the last (1s)"},
	{"ipv4", '4', NULL, "use only IPv4"},
	{"ipv6", '6', NULL, "use only IPv6"},
	{NULL, '\0', NULL, NULL},
};

static const struct option_def values[] = {
	[OPTION_COUNT] = {"count", &option_int, offsetof(struct ping, count), NULL, "1..65535", 0,
			  NULL},
	[OPTION_INTERVAL] = {"interval", &option_duration, offsetof(struct ping, interval), NULL,
			     "10ms..1h", 0, NULL},
	[OPTION_TIMEOUT] = {"timeout", &option_duration, offsetof(struct ping, timeout), NULL,
			    "1ms..1h", 0, NULL},
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
	interrupted = 1;
}

/* From here on SIGINT is taken while ppoll(2) waits, and only then; *waiting: the signals to block
 * there. */
static void interrupt_catch(sigset_t *waiting)
{
	struct sigaction action = {.sa_handler = on_interrupt};
	sigset_t interrupt;

	sigemptyset(&interrupt);
	sigaddset(&interrupt, SIGINT);
	sigprocmask(SIG_BLOCK, &interrupt, waiting);
	sigdelset(waiting, SIGINT);
	sigaction(SIGINT, &action, NULL);
}

static double ms(int64_t ns)
{
	return (double)ns / NS_PER_MS;
}

static void request_send(struct ping *p)
{
	struct request *r = &p->requests[p->sent++];

	r->sent_ns = clock_ns();
	if (icmp_send(&p->icmp, (uint16_t)p->sent) == 0)
		return;
	warn("icmp_seq=%d not sent", p->sent);
	r->over = true;
	p->over++;
	p->errors++;
}

static void round_trip_add(struct ping *p, double trip_ms)
{
	if (p->answered == 0 || trip_ms < p->min_ms)
		p->min_ms = trip_ms;
	if (trip_ms > p->max_ms)
		p->max_ms = trip_ms;
	p->sum_ms += trip_ms;
	p->squares += trip_ms * trip_ms;
	p->answered++;
}

static void on_answer(struct ping *p, struct request *r, const struct icmp_event *event,
		      double trip_ms)
{
	printf("%d bytes from %s: icmp_seq=%d", ICMP_MESSAGE_LEN, event->from, event->sequence);
	if (event->ttl >= 0)
		printf(" ttl=%d", event->ttl);
	printf(trip_ms < 1 ? " time=%.3f ms" : " time=%.2f ms", trip_ms);
	puts(r->over ? " (DUP!)" : "");
	if (r->over)
		p->duplicates++;
	else
		round_trip_add(p, trip_ms);
}

static void on_error(struct ping *p, const struct icmp_event *event)
{
	if (event->from[0] != '\0')
		printf("From %s icmp_seq=%d %s\n", event->from, event->sequence, event->error);
	else
		printf("icmp_seq=%d %s\n", event->sequence, event->error);
	p->errors++;
}

static void event_handle(struct ping *p, const struct icmp_event *event)
{
	struct request *r;

	if (event->sequence < 1 || event->sequence > p->sent)
		return;
	r = &p->requests[event->sequence - 1];
	if (event->error == NULL)
		on_answer(p, r, event, ms(clock_ns() - r->sent_ns));
	else
		on_error(p, event);
	if (!r->over)
		p->over++;
	r->over = true;
}

/* When the next request is due, or after the last one, the end. */
static int64_t due_ns(const struct ping *p)
{
	int64_t after_ms = p->sent < p->count ? p->interval : p->timeout;

	return p->requests[p->sent - 1].sent_ns + after_ms * NS_PER_MS;
}

/* Wait for replies once, until due_ns() at most. Returns 0; or -1 where there is nothing more to
 * wait for before the next request, or the end. */
static int wait_for_replies(struct ping *p, const sigset_t *waiting)
{
	int64_t left_ns = due_ns(p) - clock_ns();
	struct timespec left = {left_ns / (1000 * NS_PER_MS), left_ns % (1000 * NS_PER_MS)};
	struct icmp_event event;

	if (left_ns <= 0)
		return -1;
	if (ppoll(&(struct pollfd){p->icmp.fd, POLLIN, 0}, 1, &left, waiting) <= 0)
		return interrupted ? -1 : 0;
	for (int i = 0; i < TAKE_MAX && icmp_take(&p->icmp, &event); i++)
		event_handle(p, &event);
	return p->sent == p->count && p->over == p->sent ? -1 : 0;
}

static void exchange(struct ping *p)
{
	sigset_t waiting;

	interrupt_catch(&waiting);
	p->begun_ns = clock_ns();
	while (p->sent < p->count && !interrupted) {
		request_send(p);
		while (wait_for_replies(p, &waiting) == 0)
			;
	}
}

static void summary_print(const struct ping *p)
{
	double mean_ms = p->answered > 0 ? p->sum_ms / p->answered : 0;
	double variance = p->answered > 0 ? p->squares / p->answered - mean_ms * mean_ms : 0;

	printf("\n--- %s ping statistics ---\n", p->host);
	printf("%d packets transmitted, %d received", p->sent, p->answered);
	if (p->duplicates > 0)
		printf(", +%d duplicates", p->duplicates);
	if (p->errors > 0)
		printf(", +%d errors", p->errors);
	printf(", %.6g%% packet loss, time %.0fms\n",
	       100.0 * (p->sent - p->answered) / (p->sent > 0 ? p->sent : 1),
	       ms(clock_ns() - p->begun_ns));
	if (p->answered > 0)
		printf("rtt min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms\n", p->min_ms, mean_ms,
		       p->max_ms, variance > 0 ? sqrt(variance) : 0);
}

/* Returns 0, or -1 with the reason said. */
static int ping_open(struct ping *p, const struct addr *a)
{
	if (icmp_open(&p->icmp, &a->sa, a->len) == 0)
		return 0;
	if (errno != EPERM)
		warn("cannot ping %s", p->host);
	else
		warnx("this user may not ping: allow it to the group with sysctl "
		      "net.ipv4.ping_group_range, or give pollcat the capability cap_net_raw");
	return -1;
}

/* Ping an address. Returns the exit status. */
static int ping(struct ping *p, const struct addr *a)
{
	bool v4 = a->sa.sa_family == AF_INET;
	char text[sizeof(((struct icmp_event *)0)->from)] = "?";

	p->requests = calloc((size_t)p->count, sizeof(*p->requests));
	if (p->requests == NULL) {
		warn("requests");
		return EXIT_NOT_DONE;
	}
	if (ping_open(p, a) < 0)
		return EXIT_NOT_DONE;
	getnameinfo(&a->sa, a->len, text, sizeof(text), NULL, 0, NI_NUMERICHOST);
	setvbuf(stdout, NULL, _IOLBF, 0); /* each line as it comes, to a pipe as well */
	signal(SIGPIPE, SIG_DFL);         /* and no more lines where nobody reads */
	printf("PING %s (%s) %d(%d) bytes of data.\n", p->host, text, ICMP_DATA_LEN,
	       ICMP_MESSAGE_LEN + (v4 ? IPV4_HEADER_LEN : IPV6_HEADER_LEN));
	exchange(p);
	summary_print(p);
	icmp_close(&p->icmp);
	if (io_flush() < 0)
		return EXIT_NOT_DONE;
	return p->answered > 0 ? EXIT_ANSWERED : EXIT_NO_ANSWER;
}

/* Returns the first address of the family that is asked for, or NULL. */
static const struct addr *addr_choose(const struct ping *p, const struct addr *addrs, int count)
{
	for (int i = 0; i < count; i++)
		if (p->family == AF_UNSPEC || p->family == addrs[i].sa.sa_family)
			return &addrs[i];
	return NULL;
}

/* Find out what the operand means, and ping that. Returns the exit status. */
static int ping_host(struct ping *p, const char *operand)
{
	struct addr_spec spec = {.transport = TRANSPORT_UDP, .port = "0"};
	struct reason reason;
	const struct addr *a;
	struct addr *addrs;
	int count, status = EXIT_NOT_DONE;

	if (address_host(operand, spec.host, sizeof(spec.host), &reason) < 0 ||
	    (count = addr_resolve(&spec, &addrs, &reason)) < 0) {
		warnx("%s", reason.text);
		return EXIT_NOT_DONE;
	}
	p->host = spec.host;
	a = addr_choose(p, addrs, count);
	if (a != NULL)
		status = ping(p, a);
	else
		warnx("host '%s' has no %s address", spec.host,
		      p->family == AF_INET ? "IPv4" : "IPv6");
	free(p->requests);
	free(addrs);
	return status;
}

static int explain(int option)
{
	if (option != CLI_HELP) {
		warnx("usage: pollcat ping [OPTION...] HOST; --help tells more");
		return EXIT_NOT_DONE;
	}
	puts("usage: pollcat ping [OPTION...] HOST\n\n"
	     "Send echo requests to a host and tell the round trips.\n"
	     "HOST is a name, an IPv4 or IPv6 address, or an ADDRESS as pollcat takes it.\n");
	cli_help(ping_options, stdout);
	return io_flush() < 0 ? EXIT_NOT_DONE : EXIT_SUCCESS;
}

int ping_run(struct cli *cli, int64_t timeout_ms)
{
	struct ping p = {.count = 4, .interval = 1000, .timeout = 1000};
	const char *argument;
	int option;

	if (timeout_ms > 0)
		p.timeout = timeout_ms;
	while ((option = cli_next(cli, &argument)) >= 0) {
		if (option == OPTION_IPV4)
			p.family = AF_INET;
		else if (option == OPTION_IPV6)
			p.family = AF_INET6;
		else if (cli_value(&values[option], &p, argument) < 0)
			return EXIT_NOT_DONE;
	}
	if (option != CLI_END || cli_count(cli) != 1)
		return explain(option);
	return ping_host(&p, cli_operands(cli)[0]);
}
