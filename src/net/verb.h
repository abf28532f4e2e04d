/* SPDX-License-Identifier: MIT */
#ifndef NET_VERB_H
#define NET_VERB_H
/* Requests that name what they want: finds the verb among those that a listener offers. */
#include "net/service.h"

/* What answers on listeners whose protocol has names. */
extern const struct service verb_service;

/* What is none of them, as it is counted; no verb has small letters. */
#define VERB_OTHER "other"

/* Of all that services (NULL-terminated) offer, one after the other, the name at this place; after
 * them VERB_OTHER; NULL: there are no more places. */
const char *verb_name(const struct service *const *offers, unsigned place);
/* Returns NULL where the services have none of that name, in any case. */
const struct verb *verb_find(const struct service *const *offers, const struct slice *name);

#endif
