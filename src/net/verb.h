/* SPDX-License-Identifier: MIT */
#ifndef NET_VERB_H
#define NET_VERB_H
/* Requests that name what they want: finds the verb among those that a listener offers. */
#include "net/service.h"

/* What answers on listeners whose protocol has names. */
extern const struct service verb_service;

/* Returns NULL where the services (NULL-terminated) have none of that name, in any case. */
const struct verb *verb_find(const struct service *const *offers, const struct slice *name);

/* Answer with the one of table, as of a service, that the first argument names; HELP lists them.
 * Returns as a verb does. */
int verb_subcommand(const struct call *call, const struct verb *table);

#endif
