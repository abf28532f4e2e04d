/* SPDX-License-Identifier: MIT */
#include "core/signal_name.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>

/* signal(7) */
static const char *const names[] = {
	[SIGHUP] = "HUP",       [SIGINT] = "INT",       [SIGQUIT] = "QUIT", [SIGILL] = "ILL",
	[SIGTRAP] = "TRAP",     [SIGABRT] = "ABRT",     [SIGBUS] = "BUS",   [SIGFPE] = "FPE",
	[SIGKILL] = "KILL",     [SIGUSR1] = "USR1",     [SIGSEGV] = "SEGV", [SIGUSR2] = "USR2",
	[SIGPIPE] = "PIPE",     [SIGALRM] = "ALRM",     [SIGTERM] = "TERM",
#ifdef SIGSTKFLT
	[SIGSTKFLT] = "STKFLT",
#endif
	[SIGCHLD] = "CHLD",     [SIGCONT] = "CONT",     [SIGSTOP] = "STOP", [SIGTSTP] = "TSTP",
	[SIGTTIN] = "TTIN",     [SIGTTOU] = "TTOU",     [SIGURG] = "URG",   [SIGXCPU] = "XCPU",
	[SIGXFSZ] = "XFSZ",     [SIGVTALRM] = "VTALRM", [SIGPROF] = "PROF", [SIGWINCH] = "WINCH",
	[SIGPOLL] = "POLL",     [SIGPWR] = "PWR",       [SIGSYS] = "SYS",
};

#define NAMES (int)(sizeof(names) / sizeof(names[0]))

const char *signal_name(int number)
{
	return number > 0 && number < NAMES ? names[number] : NULL;
}

const char *signal_text(int number)
{
	const char *name = signal_name(number);

	return name != NULL ? name : "unknown";
}

int signal_number(const char *name)
{
	for (int number = 1; number < NAMES; number++)
		if (names[number] != NULL && strcmp(names[number], name) == 0)
			return number;
	return 0;
}
