/* SPDX-License-Identifier: MIT */
#ifndef CORE_SIGNAL_NAME_H
#define CORE_SIGNAL_NAME_H

/* The name of a signal as kill(1) has it, "TERM" of SIGTERM; NULL: no name. sigabbrev_np(3) is not
 * in every C library. */
const char *signal_name(int number);
/* The name of a signal; "unknown" where it has none. */
const char *signal_text(int number);
/* The other way round; 0: there is none of that name here. */
int signal_number(const char *name);

#endif
