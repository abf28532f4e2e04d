/* SPDX-License-Identifier: MIT */
#ifndef NET_TABLE_H
#define NET_TABLE_H
/*
 * The connection table. A row is one accepted stream socket. What to poll for and which deadline
 * runs are derived from a row's state, in one function (conn_update). Nothing is freed in a
 * handler: a connection becomes CONN_DEAD, and conn_table_reap() frees it between turns.
 */
#include "core/buf.h"
#include "net/channel.h"
#include "net/conn.h"
#include "net/listener.h"
#include "net/peer.h"

#define CONN_SCRATCH (64 * 1024)            /* bytes read in one turn of a connection */
#define SCRATCH_OUT (2 * CONN_SCRATCH + 16) /* bytes owed at most, and a usual reply over it */

enum conn_state {
	CONN_OPENING, /* does what comes before the first request, net/opening.h */
	CONN_WAITING, /* has done that, and waits for a place; nothing is asked of its socket */
	CONN_OPEN,    /* reads requests, writes replies */
	CONN_FLUSH,   /* reads nothing more; hangs up when all is written */
	CONN_LINGER,  /* has hung up; reads and discards until the peer does too */
	CONN_DEAD,    /* closed; awaits conn_table_reap() */
};

/* Whether it is one of the states before CONN_OPEN. */
static inline bool conn_is_opening(enum conn_state state)
{
	return state == CONN_OPENING || state == CONN_WAITING;
}

#define REASONS(X)                                            \
	X(eof)     /* the peer closed */                      \
	X(reset)   /* the peer broke, or cannot be reached */ \
	X(idle)    /* asked nothing for idle_timeout */       \
	X(stalled) /* took nothing for write_timeout */       \
	X(opening) /* was not open in time */                 \
	X(refused) /* not allowed */                          \
	X(full)    /* no place free */                        \
	X(drain)   /* the daemon stops */                     \
	X(error)   /* a request that cannot be answered */

enum reason {
#define X(name) REASON_##name,
	REASONS(X)
#undef X
};

enum place {
	PLACE_NONE,
	PLACE_CLIENT,      /* one of max_clients */
	PLACE_TURNED_AWAY, /* one of those that are told there is none */
};

/*
 * The flags of a row: what they mean, and who sets them. Only unserved and held are ever
 * cleared, by the next turn.
 *
 *	ended     the peer sends no more: conn_end_input(), at an EOF or POLLRDHUP
 *	eof       and all that it sent has been read: conn_receive()
 *	draining  drain_left bytes more are read: conn_drain(), conn_take_no_more()
 *	unserved  a turn, or the opening, left something to say or to answer; call it when there is
 *	          room for output
 *	broken    the peer takes no more of a file, so its end is a reset: conn_send_file()
 *	held      the task takes requests, and does not take the first in `in` now: conn_feed_task()
 *
 * Bytes wait in `in` behind output that is not taken, behind a task, or because a turn was over.
 */
struct conn {
	struct watch watch;      /* owns watch.fd */
	uint8_t state;           /* enum conn_state */
	uint8_t reason;          /* enum reason, once it ends */
	bool ended : 1;          /* the peer stopped sending, as far as we have asked */
	bool eof : 1;            /* and all that it sent is read */
	bool broken : 1;         /* it takes no more of a file */
	bool draining : 1;       /* reads drain_left bytes more */
	bool unserved : 1;       /* complete requests may wait in in */
	bool held : 1;           /* whole requests that the task has not taken yet are in in */
	uint8_t place;           /* enum place */
	uint8_t step;            /* of its opening: how many are done */
	struct buf in;           /* received, not yet served */
	struct buf out;          /* replies the kernel has not taken yet */
	struct channel *channel; /* how its bytes move */
	struct conn_table *table;
	struct listener *listener;
	struct deadline deadline;
	struct task *task;       /* the reply in progress, or NULL */
	struct source *source;   /* NULL: not counted by address */
	TAILQ_ENTRY(conn) entry; /* in the table's list of its state */
	struct peer peer;
	uint32_t position; /* see struct call */
	uint32_t drain_left;
	struct framing framing;
	uint32_t untaken; /* bytes that the peer had not acknowledged when last asked */
	uint32_t id;
	char *name; /* that the client gave itself, or NULL */
	uint64_t bytes_in, bytes_out;
	int64_t opened_ms;
};

struct conn_table {
	struct loop *loop;
	TAILQ_HEAD(conn_list, conn) live;  /* CONN_OPEN, CONN_FLUSH, CONN_LINGER */
	struct conn_list opening, waiting; /* first come, first in the list */
	struct conn_list dead;
	unsigned openings;    /* rows in opening and waiting */
	unsigned clients;     /* rows that hold a place */
	unsigned max_clients; /* places */
	unsigned changes;     /* counts admissions and closings */
	unsigned turned_away; /* rows that are told there is no place */
	bool reject;          /* when full: say so, rather than leave callers in the backlog */
	bool draining;
	struct deadline_queue linger;
	bool turning;   /* a connection has its turn */
	unsigned work;  /* since somebody looked at the clock, see conn_charge() */
	char *in, *out; /* scratch, lent to one connection at a time */
};

/* Returns 0, or -1 with ENOMEM. */
int conn_table_init(struct conn_table *table, struct loop *loop);
void conn_table_free(struct conn_table *table);

/* Free what died since the last call. */
void conn_table_reap(struct conn_table *table);

/* Answer what has arrived, then hang up on everybody. */
void conn_table_drain(struct conn_table *table);
/* Close all at once. */
void conn_table_close(struct conn_table *table);

/* Serve fd, accepted from sa on l. Takes fd and channel, even where there is no memory. */
void conn_open(struct conn_table *table, struct listener *l, int fd, const struct sockaddr *sa,
	       struct channel *channel);

/* ---- within net/ ---- */

/* Send count bytes of a file from *offset on; only when nothing is owed. Returns how many went,
 * 0 for none at present, or -1 with errno, ENODATA where the file has become shorter. */
ssize_t conn_send_file(struct conn *c, int fd, off_t *offset, size_t count);

/* Receive at most len bytes to space; NULL: memory has run out. Returns bytes, 0 at the end, or -1
 * with errno. */
ssize_t conn_recv(struct conn *c, char *space, size_t len);
/* Why the connection ends when conn_recv() has failed with errno; logs what is to be told of it. */
enum reason conn_recv_reason(const struct conn *c);

/* The row enters this state, and the list of that state. Within a list, states are just set. */
void conn_move(struct conn *c, enum conn_state state);
/* c is open: the service may speak. Its first turn is now, if at_once and the loop is not late. */
void conn_begin(struct conn *c, bool at_once);
/* The end of a turn: give the scratch areas back, then finish or wait. progressed: the deadline
 * starts anew. */
void conn_settle(struct conn *c, bool progressed);
/* Send what is owed, receive where there is something to read, answer, and settle what to wait for.
 * Returns whether the peer did something that counts: took bytes, or sent some that nobody answers.
 */
bool conn_turn(struct conn *c, bool readable);
/* Answer nothing that comes after the request, and hang up when its reply is said. */
void conn_take_no_more(struct conn *c);
/* Have the peer told why, then hang up. */
void conn_fail(struct conn *c, enum reason reason, const char *text);
/* Closing with unread input would make the kernel send RST, which can destroy what was said last:
 * stop sending, and wait for the peer to hang up. */
void conn_hang_up(struct conn *c);
/* Receive what the peer still sends after that, and drop it. */
void conn_discard(struct conn *c);
/* Close at once; the row is reaped later. */
void conn_close(struct conn *c, enum reason reason);
/* Answer what has arrived up to now, and no more. */
void conn_drain(struct conn *c);
void conn_ready(struct watch *w, short revents);
void conn_linger_expired(struct deadline *d);

/* For the deadlines of its listener. */
void conn_idle_expired(struct deadline *d);
void conn_stalled_expired(struct deadline *d);

#endif
