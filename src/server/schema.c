/* SPDX-License-Identifier: MIT */
#include "server/schema.h"

#include "net/listener.h"
#include "server/checks.h"
#include "services/registry.h"

const struct settings_schema *daemon_schema(void)
{
	static const struct section_kind *kinds[SERVICES + 3]; /* the last one stays NULL */
	static const struct settings_schema schema = {kinds, settings_check, settings_warn};
	size_t count = 0;

	kinds[count++] = &daemon_kind;
	kinds[count++] = &listener_kind;
	for (size_t i = 0; services[i] != NULL; i++)
		if (services[i]->section != NULL)
			kinds[count++] = services[i]->section;
	return &schema;
}
