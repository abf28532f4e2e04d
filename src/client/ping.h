/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_PING_H
#define CLIENT_PING_H
/* pollcat ping HOST: echo requests, a line for each reply, and a summary, as ping(8) has them. */
#include "client/cli.h"

#include <stdint.h>

extern const struct cli_option ping_options[];

/* Take the command line, whose name is ping, and do it; timeout_ms is that of pollcat, 0: none.
 * Returns the exit status: 0 when a reply came, 1 when none, 2 for wrong use or if it could not be
 * done. */
int ping_run(struct cli *cli, int64_t timeout_ms);

#endif
