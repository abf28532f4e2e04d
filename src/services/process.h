/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_PROCESS_H
#define SERVICES_PROCESS_H
/* What the kernel knows of this process, by the names that all who are watched by Prometheus have.
 */
#include "core/figure.h"

struct process_figures {
#define FIGURE(field, kind, ...) FIGURE_FIELD_##kind field;
#include "services/process.def"
#undef FIGURE
};

enum {
#define FIGURE(field, ...) PROCESS_FIGURE_##field,
#include "services/process.def"
#undef FIGURE
	PROCESS_FIGURES
};

extern const struct figure process_figures[PROCESS_FIGURES];

/* As it is now; some files of /proc, which are memory. What cannot be had is 0. */
void process_read(struct process_figures *p);

#endif
