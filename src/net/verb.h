/* SPDX-License-Identifier: MIT */
#ifndef NET_VERB_H
#define NET_VERB_H
/* Requests that name what they want: finds the verb among those that a listener offers. */
#include "net/service.h"

/* What answers on listeners whose protocol has names. */
extern const struct service verb_service;

/* Of all that services (NULL-terminated) offer, one after the other. */
unsigned verb_count(const struct service *const *offers);
/* The name of the verb at this place, or, beyond them all, of what is none. */
const char *verb_name(const struct service *const *offers, unsigned place);
/* Returns NULL where the services have none of that name, in any case. */
const struct verb *verb_find(const struct service *const *offers, const struct slice *name);

#endif
