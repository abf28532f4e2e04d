/* SPDX-License-Identifier: MIT */
#include "net/request_log.h"

#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/log.h"
#include "net/verb.h"
#include "wire/http.h"

static size_t copy(char *to, size_t size, const struct slice *s)
{
	size_t len = s->len < size ? s->len : size;

	if (len > 0)
		memcpy(to, s->data, len);
	return len;
}

/* Of a protocol with names the first word is a verb; the second is a name where that verb has one,
 * and may be anything, a password as well, where not. Of one with paths they are method and path.
 */
static void words_keep(struct request_log *log, const struct call *call)
{
	const struct verb *v;

	log->verb_len = log->name_len = 0;
	if (call->offers == NULL)
		return;
	log->verb_len = copy(log->verb, sizeof(log->verb), &call->argv[0]);
	if (call->get != NULL)
		log->name_len = copy(log->name, sizeof(log->name), &call->get->path);
	v = call->get == NULL ? verb_find(call->offers, &call->argv[0]) : NULL;
	if (v == NULL)
		return;
	log->verb_len =
		copy(log->verb, sizeof(log->verb), &(struct slice){v->name, strlen(v->name)});
	if (strncmp(v->usage, "name", 4) == 0 && call->argc > 1)
		log->name_len = copy(log->name, sizeof(log->name), &call->argv[1]);
}

static void get_keep(struct request_log *log, const struct http_get *get)
{
	log->name_len = copy(log->name, sizeof(log->name), &get->line);
	log->referer_len = copy(log->referer, sizeof(log->referer), &get->referer);
	log->agent_len = copy(log->agent, sizeof(log->agent), &get->agent);
}

static uint64_t bytes_said(const struct conn *c)
{
	return c->bytes_out + buf_len(&c->out);
}

/* Without memory it is not logged. */
static void log_begin(struct conn *c, struct call *call)
{
	struct belongings *b = conn_belongings(c);

	if (b != NULL && b->log == NULL)
		b->log = calloc(1, sizeof(*b->log));
	if (b == NULL || b->log == NULL)
		return;
	b->log->pending = true;
	b->log->outcome = (struct outcome){.begun = buf_len(&c->out)};
	b->log->said = bytes_said(c);
	b->log->began_ns = clock_ns();
	if (c->listener->conf->log_format == LOG_FORMAT_COMBINED)
		get_keep(b->log, call->get);
	else
		words_keep(b->log, call);
	call->outcome = &b->log->outcome;
}

static void fields_write(const struct conn *c, const struct request_log *log, const char *outcome)
{
	char peer[PEER_TEXT_MAX];

	log_info("request", log_text("listener", c->listener->conf->section.name),
		 log_text("peer", peer_print(&c->peer, peer)),
		 log_bytes("verb", log->verb_len > 0 ? log->verb : NULL, log->verb_len),
		 log_bytes("name", log->name_len > 0 ? log->name : NULL, log->name_len),
		 log_text("outcome", outcome), log_number("bytes", bytes_said(c) - log->said),
		 log_number("us", (uint64_t)(clock_ns() - log->began_ns) / 1000));
}

/* ---- the combined format, as Apache HTTP Server and nginx write it ---- */

#define LINE_ENCODED 900 /* bytes at most of the request's line between quotes */
#define TEXT_ENCODED 450 /* likewise, of the two others */

/* Write data[0, len) between quotes, "-" where there is none, with escapes as nginx has them; what
 * would be more than max bytes is cut off. Returns the end, at most max + 2 bytes further. */
static char *quoted_put(char *to, size_t max, const char *data, size_t len)
{
	const char *end = to + 1 + max;

	*to++ = '"';
	for (size_t i = 0; i < len && to + 4 <= end; i++) {
		if (data[i] >= ' ' && data[i] <= '~' && data[i] != '"' && data[i] != '\\')
			*to++ = data[i];
		else
			to += sprintf(to, "\\x%02X", (unsigned char)data[i]);
	}
	if (len == 0)
		*to++ = '-';
	*to++ = '"';
	return to;
}

/* The address alone; users on UNIX sockets as they are. */
static void host_print(const struct peer *peer, char text[PEER_TEXT_MAX])
{
	socklen_t len = peer->sa.sa_family == AF_INET6 ? sizeof(peer->in6) : sizeof(peer->in);

	if (peer->sa.sa_family == AF_UNIX ||
	    getnameinfo(&peer->sa, len, text, PEER_TEXT_MAX, NULL, 0, NI_NUMERICHOST) != 0)
		peer_print(peer, text);
}

static void combined_write(const struct conn *c, const struct request_log *log, const char *outcome)
{
	char line[LOG_LINE_MAX], *at = line;
	uint64_t said = bytes_said(c) - log->said;
	char host[PEER_TEXT_MAX], when[64];
	time_t now = time(NULL);
	struct tm tm;

	host_print(&c->peer, host);
	strftime(when, sizeof(when), "%d/%b/%Y:%H:%M:%S %z", localtime_r(&now, &tm));
	at += sprintf(at, "%s - - [%s] ", host, when);
	at = quoted_put(at, LINE_ENCODED, log->name, log->name_len);
	at += sprintf(at, " %s %" PRIu64 " ", outcome, said > log->head ? said - log->head : 0);
	at = quoted_put(at, TEXT_ENCODED, log->referer, log->referer_len);
	*at++ = ' ';
	at = quoted_put(at, TEXT_ENCODED, log->agent, log->agent_len);
	*at = '\0';
	log_write(LOG_INFO, line, &(struct log_field){0});
}

/* ---- the end of a request ---- */

static void line_write(const struct conn *c, const struct request_log *log, const char *outcome)
{
	if (c->listener->conf->log_format == LOG_FORMAT_COMBINED)
		combined_write(c, log, log->outcome.code[0] != '\0' ? log->outcome.code : "499");
	else
		fields_write(c, log, outcome);
}

/* The head is still where it was written: nothing is sent before the service returns. */
static void head_measure(struct request_log *log, const struct buf *out)
{
	const char *head = buf_data(out) + log->outcome.begun;
	size_t len = buf_len(out) - log->outcome.begun;
	const char *end = memmem(head, len, "\r\n\r\n", 4);

	log->head = end != NULL ? (uint64_t)(end + 4 - head) : 0;
}

void request_log_end(struct conn *c, bool broken)
{
	struct request_log *log = c->belongings != NULL ? c->belongings->log : NULL;

	if (log == NULL || !log->pending)
		return;
	log->pending = false;
	if (broken)
		line_write(c, log, "broken");
	else
		line_write(c, log, log->outcome.code[0] != '\0' ? log->outcome.code : "ok");
}

int request_answer(struct conn *c, struct call *call)
{
	const struct listener_conf *conf = c->listener->conf;
	int result;

	if (!conf->log_requests || !log_takes(LOG_INFO))
		return conf->service->request(call);
	log_begin(c, call);
	result = conf->service->request(call);
	call->outcome = NULL;
	if (conf->log_format == LOG_FORMAT_COMBINED && c->belongings != NULL &&
	    c->belongings->log != NULL)
		head_measure(c->belongings->log, &c->out);
	if (result == 0 && c->task == NULL)
		request_log_end(c, false);
	else if (c->belongings != NULL && c->belongings->log != NULL)
		c->belongings->log->outcome.begun = SIZE_MAX; /* output may be sent meanwhile */
	return result;
}
