/* SPDX-License-Identifier: MIT */
#ifndef NET_VERB_H
#define NET_VERB_H
/* Requests that begin with the name of a verb: its service finds the verb among those that a
 * listener offers. */
#include "net/service.h"

/* The service of listeners whose protocol has names. */
extern const struct service verb_service;

/* What is none of them, as it is counted; no verb has small letters. */
#define VERB_OTHER "other"

/* Of all that services (NULL-terminated) offer, one after the other, the name at this place; after
 * them VERB_OTHER; NULL: there are no more places. */
const char *verb_name(const struct service *const *offers, unsigned place);
/* Returns the verb of that name, in capitals or small letters, of the services in offers, which is
 * NULL-terminated; or NULL. */
const struct verb *verb_find(const struct service *const *offers, const struct slice *name);

/* Answer with the one of table, as of a service, that the first argument names; HELP lists them.
 * Returns as a verb does. */
int verb_subcommand(const struct call *call, const struct verb *table);

#endif
