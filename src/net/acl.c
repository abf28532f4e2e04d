/* SPDX-License-Identifier: MIT */
#include "net/acl.h"

#include <arpa/inet.h>
#include <bsd/stdlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/names.h"

static bool bits_equal(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned rest = bits % 8;

	if (memcmp(a, b, bits / 8) != 0)
		return false;
	return rest == 0 || ((a[bits / 8] ^ b[bits / 8]) >> (8 - rest)) == 0;
}

static bool host_bits_are_zero(const struct cidr *cidr, unsigned width)
{
	for (unsigned bit = cidr->prefix; bit < width; bit++)
		if (cidr->bytes[bit / 8] & (0x80 >> bit % 8))
			return false;
	return true;
}

static void host_bits_clear(struct cidr *cidr, unsigned width)
{
	for (unsigned bit = cidr->prefix; bit < width; bit++)
		cidr->bytes[bit / 8] &= (unsigned char)~(0x80 >> bit % 8);
}

int cidr_parse(struct cidr *cidr, const char *text, struct reason *reason)
{
	const char *slash = strchr(text, '/'), *error = NULL;
	char host[INET6_ADDRSTRLEN] = "";
	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text);
	unsigned width;

	*cidr = (struct cidr){.family = memchr(text, ':', len) != NULL ? AF_INET6 : AF_INET};
	width = cidr->family == AF_INET6 ? 128 : 32;
	if (len < sizeof(host))
		memcpy(host, text, len);
	if (inet_pton(cidr->family, host, cidr->bytes) != 1) {
		return reason_set(reason, "'%.100s' is not an address or a network%s", text,
				  strchr(text, ',') != NULL ? "; " OPTION_COMMAS : "");
	}
	if (cidr->family == AF_INET6 &&
	    IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)(const void *)cidr->bytes)) {
		return reason_set(reason, "'%s': write the IPv4 network itself", text);
	}
	cidr->prefix = width;
	if (slash != NULL)
		cidr->prefix = (unsigned)strtonum(slash + 1, 0, width, &error);
	if (error != NULL ||
	    (slash != NULL && strspn(slash + 1, "0123456789") != strlen(slash + 1))) {
		return reason_set(reason, "'%s': the prefix is not a number up to %u", text, width);
	}
	if (!host_bits_are_zero(cidr, width)) {
		host_bits_clear(cidr, width);
		inet_ntop(cidr->family, cidr->bytes, host, sizeof(host));
		return reason_set(reason,
				  "'%.100s' has bits set beyond its prefix; did you mean %s/%u?",
				  text, host, cidr->prefix);
	}
	return 0;
}

bool cidr_list_has(const struct cidr_list *list, const struct sockaddr *sa)
{
	const struct sockaddr_in *in = (const void *)sa;
	const struct sockaddr_in6 *in6 = (const void *)sa;
	const unsigned char *bytes = (const void *)&in->sin_addr;
	sa_family_t family = sa->sa_family;

	if (family == AF_INET6) {
		bytes = in6->sin6_addr.s6_addr;
		if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
			family = AF_INET;
			bytes += 12;
		}
	}
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].family == family &&
		    bits_equal(bytes, list->items[i].bytes, list->items[i].prefix))
			return true;
	return false;
}

/* Split text into words, and make room for size bytes of each of them. Returns the zeroed room, or
 * NULL with the reason and no words. */
static void *items_new(struct option_list *words, const char *text, size_t size,
		       struct reason *reason)
{
	void *items;

	if (option_items(words, text, reason) < 0)
		return NULL;
	items = calloc(words->count, size);
	if (items == NULL) {
		reason_set(reason, "out of memory");
		option_list_free(words);
	}
	return items;
}

static int cidrs_parse(const struct option_def *def, const char *text, void *field,
		       struct reason *reason)
{
	struct cidr_list *list = field;
	struct option_list words;
	int result = 0;

	list->items = items_new(&words, text, sizeof(*list->items), reason);
	if (list->items == NULL)
		return -1;
	for (; result == 0 && list->count < words.count; list->count++)
		result = cidr_parse(&list->items[list->count], words.items[list->count], reason);
	option_list_free(&words);
	return result;
}

static void cidrs_free(void *field)
{
	struct cidr_list *list = field;

	free(list->items);
	*list = (struct cidr_list){0};
}

/* A name, or else a number. */
static int id_parse(enum name_kind kind, const char *word, id_t *id, struct reason *reason)
{
	const struct name *name = names_ask(kind, word);
	const char *error;

	if (name->error == NULL) {
		memcpy(id, name->value, sizeof(*id));
		return 0;
	}
	*id = (id_t)strtonum(word, 0, UINT32_MAX - 1, &error);
	if (error == NULL)
		return 0;
	return reason_set(reason, "%.160s%s", name->error,
			  strchr(word, ',') != NULL ? "; " OPTION_COMMAS : "");
}

static int ids_parse(enum name_kind kind, const char *text, struct id_list *list,
		     struct reason *reason)
{
	struct option_list words;
	int result = 0;

	list->ids = items_new(&words, text, sizeof(*list->ids), reason);
	if (list->ids == NULL)
		return -1;
	for (; result == 0 && list->count < words.count; list->count++)
		result = id_parse(kind, words.items[list->count], &list->ids[list->count], reason);
	option_list_free(&words);
	return result;
}

static int users_parse(const struct option_def *def, const char *text, void *field,
		       struct reason *reason)
{
	return ids_parse(NAME_USER, text, field, reason);
}

static int groups_parse(const struct option_def *def, const char *text, void *field,
			struct reason *reason)
{
	return ids_parse(NAME_GROUP, text, field, reason);
}

static void ids_free(void *field)
{
	struct id_list *list = field;

	free(list->ids);
	*list = (struct id_list){0};
}

bool id_list_has(const struct id_list *list, id_t id)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->ids[i] == id)
			return true;
	return false;
}

const struct option_type option_cidrs = {
	.name = "cidrs",
	.parse = cidrs_parse,
	.free = cidrs_free,
	.size = sizeof(struct cidr_list),
	.words = true,
};
const struct option_type option_users = {
	.name = "users",
	.parse = users_parse,
	.free = ids_free,
	.size = sizeof(struct id_list),
	.words = true,
};
const struct option_type option_groups = {
	.name = "groups",
	.parse = groups_parse,
	.free = ids_free,
	.size = sizeof(struct id_list),
	.words = true,
};
