/* SPDX-License-Identifier: MIT */
#ifndef NET_RESOURCE_H
#define NET_RESOURCE_H
/* Requests that are a path: asks the services that a listener offers, in their order. */
#include "net/service.h"

/* What answers on listeners whose protocol has paths. */
extern const struct service resource_service;

#endif
