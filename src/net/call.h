/* SPDX-License-Identifier: MIT */
#ifndef NET_CALL_H
#define NET_CALL_H
/*
 * One request on its way through a service, with what is needed to answer it. A service says, a
 * protocol writes: each say_*() appends one reply, or the beginning or the end of one, and returns
 * 0, or -1 with ENOMEM. A service that gets -1 returns -1, and the connection ends. A call is
 * borrowed for as long as the function lasts that gets it.
 */
#include <string.h>

#include "net/peer.h"
#include "net/service.h"
#include "wire/http.h"
#include "wire/protocol.h"

struct conn;
struct shared_file;

/* How a request is answered, in a word, as the log of requests has it. */
struct outcome {
	size_t begun;  /* bytes in out before the reply; SIZE_MAX: some have been sent since */
	size_t head;   /* bytes of a document's reply before its body */
	char code[16]; /* of an error, "nil", or the status of a document; "": all is well */
};

struct call {
	const struct slice *argv; /* the request; argv[0] is the name of the verb, if it has one */
	int argc;
	const struct http_get *get; /* of a protocol that has documents: what is asked for */
	struct buf *out;            /* where the reply goes */
	const struct protocol *protocol;
	struct framing *framing;
	const struct peer *peer;
	const struct service *const *offers; /* what answers by names; NULL-terminated */
	unsigned *verb; /* where who counts is told which of those it was, see struct listener */
	uint32_t *position; /* the service's own, 0 at first: where it stands in its output */
	struct conn *conn;  /* NULL: a datagram, which only a service with SERVICE_DATAGRAM gets */
	struct outcome *outcome; /* NULL: nobody wants to know */
};

/* Say len bytes, which are still to be written: returns where, or NULL with ENOMEM. */
static inline char *say_bytes_space(const struct call *call, size_t len)
{
	return call->protocol->bytes(call->out, call->framing, len);
}

/* Say a copy of data[0, len). */
int say_bytes(const struct call *call, const void *data, size_t len)
	__attribute__((warn_unused_result));
/* Say the bytes of text, without its NUL. */
int say_text(const struct call *call, const char *text) __attribute__((warn_unused_result));

/* Say "CODE reason", a code in capitals; what is longer than SAY_ERROR_MAX is cut off. */
#define SAY_ERROR_MAX 1024 /* bytes */
int say_error(const struct call *call, const char *format, ...)
	__attribute__((format(printf, 2, 3), warn_unused_result));

static inline int say_status(const struct call *call, const char *text)
{
	return call->protocol->status(call->out, call->framing, text);
}

static inline int say_integer(const struct call *call, int64_t value)
{
	return call->protocol->integer(call->out, call->framing, value);
}

static inline int say_nil(const struct call *call)
{
	if (call->outcome != NULL && call->outcome->begun == buf_len(call->out))
		memcpy(call->outcome->code, "nil", sizeof("nil"));
	return call->protocol->nil(call->out, call->framing);
}

/* Say replies of this version of the protocol from now on; 0: of the one that they are of. Returns
 * that, or -1 where there is no such version. */
static inline int say_version(const struct call *call, int version)
{
	return call->protocol->speak(call->framing, version);
}

/* Begin a list: the count replies that are said next are its items. Of pairs, count names follow,
 * each with a value after it. */
int say_list(const struct call *call, size_t count) __attribute__((warn_unused_result));
int say_pairs(const struct call *call, size_t count) __attribute__((warn_unused_result));

/* say_list() or say_pairs() in two pieces: the count need not be known before the second one. */
static inline int say_begin(const struct call *call, enum composite kind)
{
	return call->protocol->composite_begin(call->out, call->framing, kind);
}

static inline int say_end(const struct call *call, enum composite kind, size_t count)
{
	return call->protocol->composite_end(call->out, call->framing, kind, count);
}

/* What stands before and after len bytes that do not pass through out, or come later. */
static inline int say_bytes_begin(const struct call *call, uint64_t len)
{
	return call->protocol->bytes_begin(call->out, call->framing, len);
}

static inline int say_bytes_end(const struct call *call)
{
	return call->protocol->bytes_end(call->out, call->framing);
}

/* Say len bytes of a file, from first on, without reading them into memory. Takes fd, also where
 * this fails. A file that becomes shorter meanwhile ends the connection. */
int say_file(const struct call *call, int fd, off_t first, off_t len)
	__attribute__((warn_unused_result));

/* A document, with its d->size bytes in memory; NULL where it has a text. The protocol says which
 * of them go out. */
int say_document(const struct call *call, struct document *d, const void *body)
	__attribute__((warn_unused_result));
/* The same, with the bytes of a file, to which a reference is kept as long as they are on their
 * way. */
int say_document_file(const struct call *call, struct document *d, struct shared_file *file)
	__attribute__((warn_unused_result));

/* ---- within net/ ---- */

/* What comes before the bytes of a document; see struct protocol. */
int say_document_head(const struct call *call, struct document *d)
	__attribute__((warn_unused_result));

#endif
