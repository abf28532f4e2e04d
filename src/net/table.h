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
#include "net/listener.h"
#include "net/peer.h"

struct task;

#define CONN_SCRATCH (64 * 1024) /* bytes received in one turn of a connection */
/* Bytes of scratch for output: what may be owed when one more request is served, CONN_SCRATCH, and
 * a reply to all that was received; a longer reply gets memory of its own. */
#define SCRATCH_OUT (2 * CONN_SCRATCH + 16)

enum conn_state {
	CONN_OPENING, /* does what comes before the first request, net/opening.h */
	CONN_WAITING, /* has done that, and waits for a place; nothing is asked of its socket */
	CONN_OPEN,    /* reads requests, writes replies */
	CONN_FLUSH,   /* reads nothing more; hangs up when all is written */
	CONN_LINGER,  /* has hung up; reads and discards until the peer does too */
	CONN_DEAD,    /* closed; awaits conn_table_reap() */
};

/* Whether a state is before CONN_OPEN. */
static inline bool conn_is_opening(enum conn_state state)
{
	return state == CONN_OPENING || state == CONN_WAITING;
}

#define ENDINGS(X)                                            \
	X(eof)     /* the peer closed */                      \
	X(reset)   /* the peer broke, or cannot be reached */ \
	X(idle)    /* asked nothing for idle_timeout */       \
	X(stalled) /* took nothing for write_timeout */       \
	X(opening) /* was not open in time */                 \
	X(refused) /* not allowed */                          \
	X(full)    /* no place free */                        \
	X(drain)   /* drain_left bytes more are received */   \
	X(error)   /* a request that cannot be answered */

enum ending {
#define X(name) ENDING_##name,
	ENDINGS(X)
#undef X
};

/* What a connection counts as. */
enum place {
	PLACE_NONE,
	PLACE_CLIENT,      /* has one of max_clients places */
	PLACE_TURNED_AWAY, /* has none, and stays only until it has been told so, net/admit.h */
};

/* What few connections have. */
struct belongings {
	char *name; /* that the client gave itself, owned; NULL: none */
	LIST_HEAD(, companion) companions;
	struct request_log *log; /* owned; NULL: nothing was logged, net/request_log.h */
};

/*
 * The turn of a connection (turn.c). When something happens on the socket, the loop calls
 * watch.ready, which goes with the state: opening_ready(), conn_ready() or linger_ready(). The
 * second of these gives the connection its turn, conn_turn():
 *
 *	conn_flush()      send what is owed, once
 *	conn_receive()    receive once, if conn_may_read()
 *	conn_serve()      while nothing is owed, a few rounds of
 *	    conn_answer()     the task goes on, or the service says more, or requests are answered
 *	    conn_flush()
 *	conn_feed_task()  offer requests to the task that takes some
 *	conn_settle()     give the scratch areas back; hang up, or wait: conn_update()
 *
 * Each step has a bound: bytes, rounds, or time (turn_is_over()). What a turn leaves to be said or
 * answered without a further event, it notes in `unserved`, and conn_update() polls for room for
 * output, for the next turn. While one connection has its turn, table->turning is set: conn_wake()
 * of another one, as when a place of a command becomes free, leaves that one's turn to the loop, as
 * the scratch areas are lent. The flags of a connection:
 *
 *	flag      set by                       cleared by         means
 *	ended     conn_end_input(): an EOF     nobody             the peer sends no more, and the
 *	          was received, or POLLRDHUP                      task has been told
 *	eof       conn_recv()                  nobody             and all that it sent is received
 *	draining  conn_drain(), in a stop;     nobody             only drain_left bytes more are
 *	          conn_take_no_more()                             received
 *	unserved  a turn (conn_answer(),       the next turn,     the turn left something to say, or
 *	          conn_offer()), conn_task(),  conn_quit(),       perhaps to answer: call it again
 *	          conn_begin()                 conn_fail()        when there is room for output
 *	held      conn_feed_task()             the next           the task takes requests, but not
 *	                                       conn_feed_task()   now the first in `in`: receive no
 *	                                                          more
 *	broken    conn_send_file(), where the  the next           the connection ends for a reset,
 *	          peer takes no more of it     conn_send_file()   and not for an error
 *
 * Bytes wait in `in` while output is not taken, while there is a task, where the turn was over
 * before they were answered, or because they are not a whole request.
 */
struct conn {
	struct watch watch;      /* owns watch.fd */
	uint8_t state;           /* enum conn_state */
	uint8_t ending;          /* enum ending, once it ends */
	bool ended : 1;          /* the peer sends no more */
	bool eof : 1;            /* and all that it sent is received */
	bool broken : 1;         /* the peer takes no more of a file */
	bool draining : 1;       /* only drain_left bytes more are received */
	bool unserved : 1;       /* a turn is wanted when there is room for output */
	bool held : 1;           /* the task does not take the first request in `in` now */
	uint8_t place;           /* enum place */
	uint8_t step;            /* how many steps of its opening are done */
	struct buf in;           /* received, not yet served */
	struct buf out;          /* owed: said, not yet taken by the kernel */
	struct channel *channel; /* how its bytes move; owned */
	struct conn_table *table;
	struct listener *listener; /* a reference */
	struct deadline deadline;  /* of its listener, or of the table's linger */
	struct task *task;         /* the reply in progress, borrowed, or NULL */
	struct source *source;     /* that it is counted by, with PLACE_CLIENT; NULL: none */
	TAILQ_ENTRY(conn) entry;   /* in the table's list of its state */
	struct peer peer;
	uint32_t position;      /* see struct call */
	uint32_t drain_left;    /* bytes that had arrived when it was drained, not yet received */
	struct framing framing; /* of its protocol */
	uint32_t untaken;       /* bytes that the peer had not acknowledged when last asked */
	uint32_t id;
	struct belongings *belongings; /* owned; NULL: none */
	uint64_t bytes_in, bytes_out;
	int64_t opened_ms; /* of the loop's clock */
};

struct conn_table {
	struct loop *loop;
	TAILQ_HEAD(conn_list, conn) live;  /* CONN_OPEN, CONN_FLUSH, CONN_LINGER */
	struct conn_list opening, waiting; /* first come, first in the list */
	struct conn_list dead;
	unsigned openings;    /* connections in opening and waiting */
	unsigned clients;     /* connections that hold a place */
	unsigned max_clients; /* places */
	unsigned changes;     /* counts each place taken or given back; for listeners_update() */
	unsigned turned_away; /* connections that are told there is no place */
	bool reject;          /* when full: say so, rather than leave callers in the backlog */
	bool draining;        /* drain_left bytes more are received */
	struct deadline_queue linger; /* CONN_LINGER: for the peer to hang up, too */
	bool turning;   /* the scratch areas are lent: a connection is within conn_turn() */
	unsigned work;  /* since the turn looked at the clock, see conn_charge() */
	char *in, *out; /* scratch areas, lent to one connection at a time */
};

/* Returns a new row, CONN_OPEN, in the table. Takes fd and channel, unless it returns NULL, with
 * ENOMEM. */
struct conn *conn_new(struct conn_table *table, struct listener *l, int fd,
		      const struct sockaddr *sa, struct channel *channel);

/* Free the connections that are CONN_DEAD; between turns only. */
void conn_table_reap(struct conn_table *table);

/* Put c into a state, and into the list of that state. CONN_OPEN, CONN_FLUSH and CONN_LINGER have
 * one list, so c->state is just set to go from one of these to another. */
void conn_move(struct conn *c, enum conn_state state);

/* Returns NULL where there is no memory for any. */
struct belongings *conn_belongings(struct conn *c);

/* Send up to count bytes of the file fd from *offset on, which moves; only when nothing is owed.
 * Returns how many went, 0: none at present; or -1 with errno, ENODATA where the file has become
 * shorter. */
ssize_t conn_send_file(struct conn *c, int fd, off_t *offset, size_t count);

#endif
