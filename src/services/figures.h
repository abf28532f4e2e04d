/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_FIGURES_H
#define SERVICES_FIGURES_H
/* All figures that there are: the tables, and what they are about. A new table is a line here. */
#include "services/exposition.h"
#include "services/process.h"

/* process: as it is now. */
void figures_write(struct writer *w, enum exposition format, const struct process_figures *process);

#endif
