/* SPDX-License-Identifier: MIT */
#include "services/registry.h"

#include <string.h>

const struct service *const services[] = {
#define SERVICE(name) &service_##name,
#include "services/services.def"
#undef SERVICE
	NULL,
};

const struct service *service_find(const char *name)
{
	for (size_t i = 0; services[i] != NULL; i++)
		if (strcmp(services[i]->name, name) == 0)
			return services[i];
	return NULL;
}
