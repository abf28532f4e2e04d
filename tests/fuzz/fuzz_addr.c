/* SPDX-License-Identifier: MIT */
/* Addresses, networks and option values: text that people write. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/acl.h"
#include "net/addr.h"
#include "net/listener.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	struct reason reason;
	struct listener_conf conf = {0};
	struct addr_spec spec;
	struct cidr cidr;

	if (text == NULL)
		return 0;
	(void)addr_spec_parse(&spec, text, &reason);
	(void)cidr_parse(&cidr, text, &reason);
	for (size_t i = 0; i < LISTENER_KEYS; i++) {
		if (i == LISTENER_KEY_allow_users || i == LISTENER_KEY_allow_groups ||
		    i == LISTENER_KEY_socket_owner || i == LISTENER_KEY_socket_group)
			continue; /* these ask the user database */
		(void)!option_set(&listener_kind.options[i], &conf, text, &reason);
	}
	option_free(listener_kind.options, LISTENER_KEYS, &conf);
	free(text);
	return 0;
}
