/* SPDX-License-Identifier: MIT */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H
/* The daemon as a whole: start, reload, drain, stop. Called by main. */

struct server;

/* What main exits with. The unit has systemd try again after those where that can help. */
enum exit_status {
	EXIT_OK = 0,
	EXIT_CONFIG = 1, /* the configuration has errors */
	EXIT_USAGE = 2,  /* wrong use */
	EXIT_BIND = 3,   /* a socket cannot be bound now */
	EXIT_SYSTEM = 4, /* no memory, or the system refuses what is needed */
	EXIT_FAILED = 5, /* the system fails while we serve */
};

/* Serve as the configuration at path says, until a signal says to stop. */
enum exit_status server_run(const char *path);

#endif
