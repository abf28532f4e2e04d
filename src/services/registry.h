/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_REGISTRY_H
#define SERVICES_REGISTRY_H
/* All services; services.def lists them. */
#include "net/service.h"

#define SERVICE(name) extern const struct service service_##name;
#include "services/services.def"
#undef SERVICE

enum {
#define SERVICE(name) SERVICE_##name,
#include "services/services.def"
#undef SERVICE
	SERVICES
};

/* All services, NULL-terminated. */
extern const struct service *const services[];

/* Returns the service of that name, or NULL. */
const struct service *service_find(const char *name);

#endif
