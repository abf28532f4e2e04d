/* SPDX-License-Identifier: MIT */
#include "services/run_log.h"

#include <string.h>

#include "core/burst.h"
#include "core/log.h"
#include "core/signal_name.h"

void run_log_args(struct run_log *l, char *const *args)
{
	size_t len = 0, size;

	for (; *args != NULL && len < RUN_LOG_ARGS_MAX; args++) {
		size = strlen(*args) + 1;
		if (size > RUN_LOG_ARGS_MAX - len)
			size = RUN_LOG_ARGS_MAX - len;
		memcpy(l->args + len, *args, size);
		len += size;
	}
	while (*args != NULL && len > 0 && l->args[len - 1] == '\0')
		len--; /* arguments are left over: show the last one as cut, log_words() */
	l->args_size = len;
}

void run_log_job(const struct run_log *l, const struct job *job)
{
	char peer[PEER_TEXT_MAX];

	if (!log_takes(LOG_INFO))
		return;
	log_info("job", log_text("command", l->command),
		 log_text("peer", peer_print(&l->peer, peer)),
		 job->signal > 0 ? log_text("signal", signal_text(job->signal))
				 : log_number("exit", (uint64_t)job->exit_status),
		 log_text("timed_out", job->timed_out ? "yes" : NULL),
		 log_number("ms", (uint64_t)job->duration_ms),
		 log_number("stdout", l->bytes[JOB_STDOUT]),
		 log_number("stderr", l->bytes[JOB_STDERR]),
		 log_words("arg", l->args, l->args_size));
}

void run_log_not_run(const struct run_log *l, const char *reason)
{
	char peer[PEER_TEXT_MAX];

	if (burst_takes("not_run", "command", l->command, NULL))
		log_info("not_run", log_text("command", l->command),
			 log_text("peer", peer_print(&l->peer, peer)), log_text("reason", reason));
}

void run_log_too_much_input(const struct run_log *l, size_t max_input)
{
	char peer[PEER_TEXT_MAX];

	if (burst_takes("too_much_input", "command", l->command, NULL))
		log_info("too_much_input", log_text("command", l->command),
			 log_text("peer", peer_print(&l->peer, peer)),
			 log_number("max_input", max_input));
}
