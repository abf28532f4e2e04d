/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_FILES_PAGE_H
#define SERVICES_FILES_PAGE_H
/* A page that lists a folder: what there is to fetch, with sizes, dates and links. */
#include "net/call.h"
#include "services/beneath.h"

/* Bytes of a path as part of a link: all but letters, digits and a few are escaped. Returns the end
 * of what was written, of at most three times as many bytes and a NUL. */
char *link_print(const char *path, char *to);

/* Answer with the page of a folder: "" or "sub/folder/", beneath root. Returns 0, or -1 to give up;
 * 1 with errno where the folder cannot be read, and nothing is said. */
int page_reply(const struct call *call, struct beneath *root, const char *folder);

#endif
