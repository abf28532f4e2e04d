/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_PING_H
#define CLIENT_PING_H
/* pollcat ping HOST: echo requests, a line for each reply, and a summary, as ping(8) has them. */
#include "client/cli.h"

#include <stdint.h>

extern const struct cli_option ping_options[];

/* Take the command line of ping, and ping; timeout_ms is that of pollcat, 0: none. Returns the exit
 * status: 0 if a reply came, 1 if none did, 2 for wrong use or if no request could be sent. */
int ping_run(struct cli *cli, int64_t timeout_ms);

#endif
