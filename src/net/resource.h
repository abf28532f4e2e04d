/* SPDX-License-Identifier: MIT */
#ifndef NET_RESOURCE_H
#define NET_RESOURCE_H
/* Requests that are a path: the services that a listener offers are asked for a document, in their
 * order. */
#include "net/service.h"

/* The service of listeners whose protocol has paths. */
extern const struct service resource_service;

#endif
