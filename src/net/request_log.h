/* SPDX-License-Identifier: MIT */
#ifndef NET_REQUEST_LOG_H
#define NET_REQUEST_LOG_H
/*
 * A line of the log for each request, on listeners with log_requests. It is written once the reply
 * is whole, so what it tells of the request is kept until then; there is one at a time. What a task
 * takes belongs to the request that the task answers.
 */
#include "net/call.h"
#include "net/table.h"

#define REQUEST_LOG_VERB 32  /* bytes */
#define REQUEST_LOG_NAME 512 /* bytes */
#define REQUEST_LOG_TEXT 256 /* bytes */

struct request_log {
	bool pending; /* it is not written yet */
	struct outcome outcome;
	uint64_t said; /* bytes, before the reply */
	int64_t began_ns;
	size_t verb_len, name_len;
	char verb[REQUEST_LOG_VERB], name[REQUEST_LOG_NAME]; /* combined: name is the whole line */
	/* ---- combined ---- */
	size_t referer_len, agent_len;
	char referer[REQUEST_LOG_TEXT], agent[REQUEST_LOG_TEXT];
};

/* Have the service answer a request of which there will be a line. Returns as a service does. */
int request_answer_logged(struct conn *c, struct call *call);

/* Have the service answer a request. Returns as a service does. */
static inline int request_answer(struct conn *c, struct call *call)
{
	const struct listener_conf *conf = c->listener->conf;

	return conf->log_requests ? request_answer_logged(c, call) : conf->service->request(call);
}

/* The reply is whole; broken: it will not be, as the connection ends. */
void request_log_end(struct conn *c, bool broken);

#endif
