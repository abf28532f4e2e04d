/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_RUN_H
#define CLIENT_RUN_H
/* What is common to both ways of running a command: with its output as it comes, and as JSON. */
#include "client/talk.h"

#define EXIT_TIMED_OUT 124 /* as timeout(1) */
#define EXIT_SIGNALED 128  /* and the signal's number, as sh(1) */
#define SIGNAL_MAX 32      /* bytes of a signal's name */

/* Make the request argv, RUN with a command and its arguments up to a NULL, and print one JSON
 * object. Returns the exit status. */
int run_json(struct talk *t, const char *const *argv);

#endif
