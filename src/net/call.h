/* SPDX-License-Identifier: MIT */
#ifndef NET_CALL_H
#define NET_CALL_H
/*
 * One request on its way through a service, with what is needed to answer it. A service says, a
 * protocol writes: each say_*() appends one reply, or the beginning or the end of one, and returns
 * 0, or -1 with ENOMEM. Who gets -1 gives up; the connection ends.
 */
#include "net/peer.h"
#include "net/service.h"
#include "wire/http.h"
#include "wire/protocol.h"

struct conn;

struct call {
	const struct slice *argv; /* of a verb: argv[0] is its name */
	int argc;
	const struct http_get *get; /* of a protocol that has documents: what is asked for */
	struct buf *out;            /* where its reply goes */
	const struct protocol *protocol;
	struct framing *framing;
	const struct peer *peer;
	const struct service *const *offers; /* what answers by names; NULL-terminated */
	unsigned *verb; /* where who counts is told which of those it was, see struct listener */
	uint32_t *position; /* the service's own: where it stands in its output */
	struct conn *conn;  /* NULL: a datagram; services that use it refuse those */
};

/* Returns where len bytes go, or NULL with ENOMEM. */
static inline char *say_bytes_space(const struct call *call, size_t len)
{
	return call->protocol->bytes(call->out, call->framing, len);
}

int say_bytes(const struct call *call, const void *data, size_t len)
	__attribute__((warn_unused_result));
/* Text that is no status: bytes up to its NUL. */
int say_text(const struct call *call, const char *text) __attribute__((warn_unused_result));

/* "CODE reason", a code in capitals; cut off at SAY_ERROR_MAX. */
#define SAY_ERROR_MAX 1024 /* bytes */
int say_error(const struct call *call, const char *format, ...)
	__attribute__((format(printf, 2, 3), warn_unused_result));

static inline int say_status(const struct call *call, const char *text)
{
	return call->protocol->status(call->out, text);
}

static inline int say_integer(const struct call *call, int64_t value)
{
	return call->protocol->integer(call->out, value);
}

static inline int say_nil(const struct call *call)
{
	return call->protocol->nil(call->out);
}

/* count replies follow, and are its items; of pairs, count names with a value each. */
int say_list(const struct call *call, size_t count) __attribute__((warn_unused_result));
int say_pairs(const struct call *call, size_t count) __attribute__((warn_unused_result));

/* The same in two pieces, for who does not know yet how many. */
static inline int say_begin(const struct call *call, enum composite kind)
{
	return call->protocol->composite_begin(call->out, kind);
}

static inline int say_end(const struct call *call, enum composite kind, size_t count)
{
	return call->protocol->composite_end(call->out, kind, count);
}

/* len bytes that do not pass through out, or come later: add them between these two. */
static inline int say_bytes_begin(const struct call *call, uint64_t len)
{
	return call->protocol->bytes_begin(call->out, len);
}

static inline int say_bytes_end(const struct call *call)
{
	return call->protocol->bytes_end(call->out);
}

/* len bytes of a file from first on, which are not read into memory. Takes fd. A file that has
 * become shorter ends the connection. */
int say_file(const struct call *call, int fd, off_t first, off_t len)
	__attribute__((warn_unused_result));

/* A document, with its d->size bytes in memory; NULL where it has a text. The protocol says which
 * of them go out. */
int say_document(const struct call *call, struct document *d, const void *body)
	__attribute__((warn_unused_result));
/* The same, with the bytes of a file. Takes fd. */
int say_document_file(const struct call *call, struct document *d, int fd)
	__attribute__((warn_unused_result));

#endif
