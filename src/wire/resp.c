/* SPDX-License-Identifier: MIT */
/*
 * RESP2 and RESP3, the wire format of Redis: https://redis.io/docs/reference/protocol-spec/. A
 * request, the same in both, is an array of bulk strings, or a line of words as a person types
 * them. A number is taken digit by digit and refused at the first digit that is wrong or one too
 * many: the line of a number never grows long, and no length is believed before it is known to fit.
 */
#include "wire/protocol.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define INLINE_MAX (64 * 1024) /* bytes of a line of words with its newline, as in Redis */
#define NUMBER_LINE_MAX 24     /* type, sign, 20 digits, CRLF */
#define NEGATIVE_MAX 999999999 /* of a count: whatever it is, nothing is asked */

static const char too_long[] = "ERR Protocol error: the request is too long";
static const char too_many[] = "ERR Protocol error: too many arguments";
static const char bad_count[] = "ERR Protocol error: invalid multibulk length";
static const char bad_length[] = "ERR Protocol error: invalid bulk length";

/* Returns -1, with the error in req. */
static ssize_t refuse(struct request *req, const char *error)
{
	req->error = error;
	return -1;
}

/* ---- an array of bulk strings ---- */

/* The bytes of a request. */
struct input {
	const char *data;
	size_t at;  /* bytes that are read */
	size_t len; /* bytes that have come, at most max */
	size_t max; /* bytes that the request may have */
};

/* What take_number() returns where there is no number. */
enum {
	INCOMPLETE = -1,
	MALFORMED = -2,
	EXCESSIVE = -3, /* more than the number may be */
};

/* Take the digits and the CRLF of a number of at most max. Returns the number, or INCOMPLETE,
 * MALFORMED or EXCESSIVE. */
static ssize_t take_number(struct input *in, size_t max)
{
	size_t at = in->at, number = 0;

	for (; at < in->len && in->data[at] >= '0' && in->data[at] <= '9'; at++) {
		if (number == 0 && at > in->at)
			return MALFORMED; /* a leading zero */
		number = number * 10 + (size_t)(in->data[at] - '0');
		if (number > max)
			return EXCESSIVE;
	}
	if (at >= in->len)
		return INCOMPLETE;
	if (at == in->at || in->data[at] != '\r')
		return MALFORMED;
	if (at + 1 == in->len)
		return INCOMPLETE;
	if (in->data[at + 1] != '\n')
		return MALFORMED;
	in->at = at + 2;
	return (ssize_t)number;
}

/* Take the number of arguments, as take_number(); 0 for one that is negative, as of an array that
 * is null. */
static ssize_t take_count(struct input *in)
{
	ssize_t number;

	if (in->at >= in->len || in->data[in->at] != '-')
		return take_number(in, REQUEST_ARGS_MAX);
	in->at++;
	number = take_number(in, NEGATIVE_MAX);
	if (number == INCOMPLETE)
		return INCOMPLETE;
	return number > 0 ? 0 : MALFORMED;
}

static ssize_t refuse_type(struct request *req, char type)
{
	static char text[] = "ERR Protocol error: expected '$', got '?'";

	text[sizeof(text) - 3] = type >= ' ' && type <= '~' ? type : '?';
	return refuse(req, text);
}

/* Take an argument, without a look at the bytes of its body. Returns 1, 0 incomplete, -1 malformed.
 */
static ssize_t take_bulk(struct input *in, struct request *req)
{
	const char *body;
	ssize_t len;

	if (in->at == in->len)
		return 0;
	if (in->data[in->at] != '$')
		return refuse_type(req, in->data[in->at]);
	in->at++;
	len = take_number(in, in->max);
	if (len < 0)
		return len == INCOMPLETE ? 0 : refuse(req, bad_length);
	if ((size_t)len + 2 > in->max - in->at)
		return refuse(req, too_long);
	if ((size_t)len + 2 > in->len - in->at)
		return 0;
	body = in->data + in->at;
	if (body[len] != '\r' || body[len + 1] != '\n')
		return refuse(req, bad_length);
	req->argv[req->argc++] = (struct slice){body, (size_t)len};
	in->at += (size_t)len + 2;
	return 1;
}

/* Take a request that is an array, as struct protocol has next(). Looks at no more than max bytes,
 * so that the outcome is the same however many have come. */
static ssize_t array_next(const char *data, size_t len, size_t max, struct request *req)
{
	struct input in = {.data = data, .at = 1, .len = len < max ? len : max, .max = max};
	ssize_t count = take_count(&in), taken = count != INCOMPLETE;

	if (count == EXCESSIVE)
		return refuse(req, too_many);
	if (count == MALFORMED)
		return refuse(req, bad_count);
	while (taken > 0 && req->argc < count)
		taken = take_bulk(&in, req);
	if (taken < 0)
		return -1;
	if (taken > 0)
		return (ssize_t)in.at;
	return len < max ? 0 : refuse(req, too_long);
}

/* ---- a line of words, quoted as for sdssplitargs() of Redis ---- */

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Whether a byte ends a word outside quotes. \v and \f are blanks between words, but end none. */
static bool ends_bare_word(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '"' || c == '\'';
}

/* Decode one escape: from[0] is a backslash, and one byte at least follows before end. Stores the
 * byte that the escape stands for in *to. Returns the first byte after the escape. */
static char *undo_escape(char *from, const char *end, char *to)
{
	static const char letters[] = "nrtba", bytes[] = "\n\r\t\b\a";
	const char *letter = memchr(letters, from[1], sizeof(letters) - 1);
	int byte = end - from > 3 && from[1] == 'x' ? hex_byte(from + 2) : -1;

	if (byte >= 0) {
		*to = (char)byte;
		return from + 4;
	}
	*to = letter != NULL ? bytes[letter - letters] : from[1];
	return from + 2;
}

/* Decode what stands between two quotes; from is the first byte after the opening one. Writes the
 * bytes to *to, which moves on. Returns the first byte after the closing quote, which must end the
 * word; or NULL where it does not, or there is none. */
static char *undo_quotes(char *from, const char *end, char quote, char **to)
{
	while (from < end && *from != quote) {
		if (*from == '\\' && end - from > 1 && (quote == '"' || from[1] == quote))
			from = undo_escape(from, end, (*to)++);
		else
			*(*to)++ = *from++;
	}
	if (from == end)
		return NULL;
	from++;
	return from == end || is_blank(*from) ? from : NULL;
}

/* Take the word that begins at from, and decode it in place. Returns the first byte after the word,
 * or NULL where its quotes are unbalanced. */
static char *take_word(char *from, const char *end, struct slice *word)
{
	char *start = from, *to;

	while (from < end && !ends_bare_word(*from))
		from++;
	to = from;
	if (from < end && (*from == '"' || *from == '\''))
		from = undo_quotes(from + 1, end, *from, &to);
	*word = (struct slice){start, (size_t)(to - start)};
	return from;
}

/* Split from[0, end) into the words of req. Returns NULL, or what is wrong after the first
 * req->argc of them. */
static const char *split(char *from, const char *end, struct request *req)
{
	for (;;) {
		while (from < end && is_blank(*from))
			from++;
		if (from == end)
			return NULL;
		if (req->argc == REQUEST_ARGS_MAX)
			return too_many;
		from = take_word(from, end, &req->argv[req->argc]);
		if (from == NULL)
			return "ERR Protocol error: unbalanced quotes in request";
		req->argc++;
	}
}

/* Whether the first word of a line comes from a browser that was tricked into calling: nothing that
 * a browser sends may be taken for a request. */
static bool is_http(const struct slice *word)
{
	return (word->len == 4 && strncasecmp(word->data, "post", 4) == 0) ||
	       (word->len == 5 && strncasecmp(word->data, "host:", 5) == 0);
}

/* Take a request that is a line of words, as struct protocol has next(). The line is decoded in a
 * copy: a request that is not consumed, and taken again later, is still as it came. */
static ssize_t inline_next(const char *data, size_t len, size_t max, struct request *req)
{
	static char line[INLINE_MAX];
	size_t line_max = max < INLINE_MAX ? max : INLINE_MAX;
	const char *end = memchr(data, '\n', len < line_max ? len : line_max), *error;

	if (end == NULL && len < line_max)
		return 0;
	if (end == NULL)
		return refuse(req, "ERR Protocol error: too big inline request");
	memcpy(line, data, (size_t)(end - data));
	error = split(line, line + (end - data), req); /* the CR of a CRLF is a blank */
	if (req->argc > 0 && is_http(&req->argv[0]))
		return refuse(req, NULL);
	if (error != NULL)
		return refuse(req, error);
	return end + 1 - data;
}

static ssize_t resp_next(const char *data, size_t len, size_t max, bool eof, struct framing *f,
			 struct request *req)
{
	if (max > BUF_MAX)
		max = BUF_MAX; /* so that no sum with a length overflows */
	req->argc = 0;
	if (len == 0)
		return 0;
	return data[0] == '*' ? array_next(data, len, max, req) : inline_next(data, len, max, req);
}

/* ---- replies ---- */

static int resp_speak(struct framing *f, int version)
{
	if (version != 0 && version != 2 && version != 3)
		return -1;
	if (version != 0)
		f->resp3 = version == 3;
	return f->resp3 ? 3 : 2;
}

/* Write a number and CRLF so that they end before end. Returns where the number begins. */
static char *put_number(char *end, uint64_t number)
{
	*--end = '\n';
	*--end = '\r';
	do {
		*--end = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	return end;
}

static int add_header(struct buf *out, char type, uint64_t number)
{
	char line[NUMBER_LINE_MAX], *end = line + sizeof(line), *at = put_number(end, number);

	*--at = type;
	return buf_add(out, at, (size_t)(end - at));
}

/* Make text[0, len) one line: blanks for CR and LF, and CRLF after it. */
static void end_line(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\r' || text[i] == '\n')
			text[i] = ' ';
	memcpy(text + len, "\r\n", 2);
}

static int add_line(struct buf *out, char type, const char *text)
{
	size_t len = strlen(text);
	char *to = buf_reserve(out, len + 3);

	if (to == NULL)
		return -1;
	to[0] = type;
	memcpy(to + 1, text, len);
	end_line(to + 1, len);
	buf_commit(out, len + 3);
	return 0;
}

static char *resp_bytes(struct buf *out, const struct framing *f, size_t len)
{
	char line[NUMBER_LINE_MAX], *end = line + sizeof(line), *at = put_number(end, len), *to;
	size_t header_len;

	*--at = '$';
	header_len = (size_t)(end - at);
	if (len > BUF_MAX) {
		errno = ENOMEM;
		return NULL;
	}
	to = buf_reserve(out, header_len + len + 2);
	if (to == NULL)
		return NULL;
	memcpy(to, at, header_len);
	memcpy(to + header_len + len, "\r\n", 2);
	buf_commit(out, header_len + len + 2);
	return to + header_len;
}

static int resp_error(struct buf *out, const struct framing *f, const char *text)
{
	return add_line(out, '-', text);
}

static int resp_status(struct buf *out, const struct framing *f, const char *text)
{
	return add_line(out, '+', text);
}

static int resp_integer(struct buf *out, const struct framing *f, int64_t value)
{
	char line[NUMBER_LINE_MAX], *end = line + sizeof(line);
	char *at = put_number(end, value < 0 ? -(uint64_t)value : (uint64_t)value);

	if (value < 0)
		*--at = '-';
	*--at = ':';
	return buf_add(out, at, (size_t)(end - at));
}

static int resp_nil(struct buf *out, const struct framing *f)
{
	return f->resp3 ? buf_add(out, "_\r\n", 3) : buf_add(out, "$-1\r\n", 5);
}

/* In version 2 every composite is a list; that of pairs has twice as many replies. */
static int resp_composite_begin(struct buf *out, const struct framing *f, enum composite kind)
{
	static const char types[] = {
		[REPLY_LIST] = '*',
		[REPLY_PAIRS] = '%',
		[REPLY_PUSH] = '>',
	};

	return buf_add(out, f->resp3 ? &types[kind] : "*", 1);
}

static int resp_composite_end(struct buf *out, const struct framing *f, enum composite kind,
			      size_t count)
{
	char line[NUMBER_LINE_MAX], *end = line + sizeof(line), *at;

	at = put_number(end, kind == REPLY_PAIRS && !f->resp3 ? 2 * count : count);
	return buf_add(out, at, (size_t)(end - at));
}

static int resp_bytes_begin(struct buf *out, const struct framing *f, uint64_t len)
{
	return add_header(out, '$', len);
}

static int resp_bytes_end(struct buf *out, const struct framing *f)
{
	return buf_add(out, "\r\n", 2);
}

const struct protocol protocol_resp = {
	.name = "resp",
	.summary = "RESP2 and RESP3, as Redis: arrays of bulk strings, or lines of words",
	.bit = PROTOCOL_RESP,
	.ahead = true,
	.next = resp_next,
	.speak = resp_speak,
	.bytes = resp_bytes,
	.error = resp_error,
	.status = resp_status,
	.integer = resp_integer,
	.nil = resp_nil,
	.composite_begin = resp_composite_begin,
	.composite_end = resp_composite_end,
	.bytes_begin = resp_bytes_begin,
	.bytes_end = resp_bytes_end,
};
