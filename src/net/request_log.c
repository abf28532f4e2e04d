/* SPDX-License-Identifier: MIT */
#include "net/request_log.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/log.h"
#include "net/verb.h"
#include "wire/http.h"

static size_t copy(char *to, size_t size, const struct slice *s)
{
	size_t len = s->len < size ? s->len : size;

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
	words_keep(b->log, call);
	call->outcome = &b->log->outcome;
}

/* The one place that knows how such a line looks. */
static void line_write(const struct conn *c, const struct request_log *log, const char *outcome)
{
	char peer[PEER_TEXT_MAX];

	log_info("request", log_text("listener", c->listener->conf->section.name),
		 log_text("peer", peer_print(&c->peer, peer)),
		 log_bytes("verb", log->verb_len > 0 ? log->verb : NULL, log->verb_len),
		 log_bytes("name", log->name_len > 0 ? log->name : NULL, log->name_len),
		 log_text("outcome", outcome), log_number("bytes", bytes_said(c) - log->said),
		 log_number("us", (uint64_t)(clock_ns() - log->began_ns) / 1000));
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
	if (result == 0 && c->task == NULL)
		request_log_end(c, false);
	else if (c->belongings != NULL && c->belongings->log != NULL)
		c->belongings->log->outcome.begun = SIZE_MAX; /* output may be sent meanwhile */
	return result;
}
