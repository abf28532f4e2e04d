/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_STATUS_H
#define SERVICES_STATUS_H
/* The status page: what the daemon does, for people, in one piece of HTML that loads nothing and
 * runs nothing. It shows the figures of the tables, and charts of the samples. */
#include "net/listener.h"
#include "services/process.h"
#include "services/writer.h"

#define STATUS_REFRESH_S 5

/* What lets a browser use status_style, which has this digest, and nothing else. */
#define STATUS_POLICY                                                       \
	"default-src 'none'; "                                              \
	"style-src 'sha256-QaYi9gFtPzLfHHXY+w7QI2YEenIKzXqeovnTYTgetbA='; " \
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/* settings are those in force; now_s: since 1970. */
void status_write(struct writer *w, const struct settings *settings,
		  const struct process_figures *process, int64_t now_s);

/* ---- within the page ---- */

extern const char status_style[];

/* "12 s", "3 h 20 min"; what is no more than 0 is "0 s". Returns text[STATUS_AGE_MAX]. */
#define STATUS_AGE_MAX 48
const char *status_age_print(int64_t seconds, char *text);

/* The value of NAME="VALUE". */
void status_label_write(struct writer *w, const char *label);

void status_listeners_write(struct writer *w, const struct settings *settings);
void status_commands_write(struct writer *w, int64_t now_s);
void status_sources_write(struct writer *w);

#endif
