/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_REGISTRY_H
#define SERVICES_REGISTRY_H
/* The services there are; the list is services.def. */
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

/* NULL-terminated. */
extern const struct service *const services[];

/* Returns NULL where there is none of that name. */
const struct service *service_find(const char *name);

#endif
