/* SPDX-License-Identifier: MIT */
#ifndef NET_CONN_H
#define NET_CONN_H
/*
 * One accepted stream socket, and the table of all of them. What to poll for and which deadline
 * runs are derived from the state, in one function (conn_update). Nothing is freed in a
 * handler: a connection becomes CONN_DEAD, and conn_table_reap() frees it between turns.
 */
#include "core/buf.h"
#include "core/loop.h"
#include "net/listener.h"

#define CONN_SCRATCH (64 * 1024) /* bytes read in one turn of a connection */

enum conn_state {
	CONN_OPEN,   /* reads requests, writes replies */
	CONN_FLUSH,  /* reads nothing more; hangs up when all is written */
	CONN_LINGER, /* has hung up; reads and discards until the peer does too */
	CONN_DEAD,   /* closed; awaits conn_table_reap() */
};

struct conn;

#define REASONS(X)                                            \
	X(eof)     /* the peer closed */                      \
	X(reset)   /* the peer broke, or cannot be reached */ \
	X(idle)    /* asked nothing for idle_timeout */       \
	X(stalled) /* took nothing for write_timeout */       \
	X(refused) /* not allowed */                          \
	X(full)    /* no place free */                        \
	X(drain)   /* the daemon stops */                     \
	X(error)   /* a request that cannot be answered */

enum reason {
#define X(name) REASON_##name,
	REASONS(X)
#undef X
};

/*
 * A reply that takes more than one turn: a file on its way, a command that runs. While there is
 * one, no further request of the connection is served, but for those that the task takes itself.
 */
enum task_progress {
	TASK_FAILED = -1, /* end the connection */
	TASK_WAITS,       /* nothing to say now; conn_wake() when there is */
	TASK_WRITES,      /* call again when what it said is taken */
	TASK_DONE,        /* the reply is whole; the task is not called again */
};

struct task {
	/* All that was owed is taken: say more. */
	enum task_progress (*more)(struct conn *c, struct task *t);
	/* The connection has ended before the reply did. */
	void (*gone)(struct task *t);
	/* The peer has stopped sending, or has gone, which looks the same: begin the reply with
	 * what is certain of it. One that has gone answers that with a reset. NULL: nothing is. */
	void (*eof)(struct conn *c, struct task *t);
	/* A request behind the one that the task answers; NULL in place of it: none will come.
	 * Returns 1: taken, it has no reply of its own; 0: not now, it is offered again after
	 * conn_wake(); or -1 to end the connection. Whoever wants no more sets this member to NULL:
	 * what was not taken is served after the task. One that takes requests says whole replies
	 * only: what is no request ends the connection with an error in its place. NULL: all wait.
	 */
	int (*request)(struct conn *c, struct task *t, const struct request *req);
};

union peer {
	struct sockaddr sa; /* its sa_family says which */
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct {
		sa_family_t family; /* AF_UNIX */
		pid_t pid;
		uid_t uid;
	} local;
};

struct conn {
	struct watch watch; /* owns watch.fd; -1: a datagram's conversation */
	uint8_t state;      /* enum conn_state */
	uint8_t reason;     /* enum reason, once it is not CONN_OPEN */
	bool ended;         /* the peer stopped sending, as far as we have asked */
	bool eof;           /* and all that it sent is read */
	bool broken;        /* it takes no more of a file */
	bool draining;      /* reads drain_left bytes more */
	bool unserved;      /* complete requests may wait in in */
	bool crlf;          /* see struct request */
	bool counted;       /* holds a place of max_clients */
	bool rights;        /* descriptors may come with what it receives */
	bool held;          /* whole requests that the task has not taken yet are in in */
	struct buf in;      /* received, not yet served */
	struct buf out;     /* replies the kernel has not taken yet */
	struct conn_table *table;
	struct listener *listener;
	struct deadline deadline;
	struct task *task;       /* the reply in progress, or NULL */
	struct source *source;   /* NULL: not counted by address */
	TAILQ_ENTRY(conn) entry; /* in table->live, or table->dead */
	union peer peer;
	uint32_t position; /* the service's: where it stands in its output */
	uint32_t drain_left;
	uint32_t searched; /* see struct request */
	uint32_t unsent;   /* bytes the peer had not acknowledged when last asked */
	uint32_t id;
	char *name; /* that the client gave itself, or NULL */
	uint64_t bytes_in, bytes_out;
	int64_t opened_ms;
};

struct conn_table {
	struct loop *loop;
	TAILQ_HEAD(, conn) live;
	TAILQ_HEAD(, conn) dead;
	unsigned clients;     /* rows that hold a place */
	unsigned max_clients; /* places */
	unsigned changes;     /* counts admissions and closings */
	unsigned lingering;   /* rows without one, that were told there is none */
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

/* Serve fd, accepted from sa on l. Takes fd, even where there is no memory. */
void conn_open(struct conn_table *table, struct listener *l, int fd, const struct sockaddr *sa,
	       bool rights);

/* For services: append one reply. Returns 0, or -1 with ENOMEM. */
int conn_reply(struct conn *c, const void *data, size_t len) __attribute__((warn_unused_result));
/* The same for a reply that is made in place: returns where its len bytes go, or NULL. */
char *conn_reply_space(struct conn *c, size_t len) __attribute__((warn_unused_result));
/* The request may take so many times as long as a simple one: look at the clock sooner. The turn of
 * a connection ends when it has lasted too long. */
void conn_charge(struct conn *c, unsigned work);
/* Answer the request with a task, which is called at once. */
void conn_task(struct conn *c, struct task *t);
/* The task has something to say; not from within its own more(). */
void conn_wake(struct conn *c);
/* Send count bytes of a file from *offset on; only when nothing is owed. Returns how many went,
 * 0 for none at present, or -1 with errno, ENODATA where the file has become shorter. */
ssize_t conn_send_file(struct conn *c, int fd, off_t *offset, size_t count);
/* Hang up when all is said. */
void conn_quit(struct conn *c);
/* Whether one of the lists names the peer, or all are empty. */
bool conn_is_named(const struct conn *c, const struct cidr_list *networks,
		   const struct id_list *users, const struct id_list *groups);

/* Bytes that a service's more() should add at most. */
size_t conn_room(const struct conn *c);

void conn_idle_expired(struct deadline *d);
void conn_stalled_expired(struct deadline *d);

void peer_set(union peer *peer, const struct sockaddr *sa, int fd);
void peer_print(const union peer *peer, char *text, size_t size);

#endif
