/* SPDX-License-Identifier: MIT */
#ifndef WIRE_PAGE_H
#define WIRE_PAGE_H
/*
 * Pages of our own, in HTML: readable on a telephone, without scripts, and without anything that
 * has to be loaded. Each function appends to a page, and returns 0, or -1 with ENOMEM.
 */
#include <stddef.h>

#include "core/buf.h"

/* The one style of all pages, and the digest by which a browser lets in this style and no other. */
#define PAGE_STYLE                                                                  \
	"body{font-family:sans-serif;max-width:60em;margin:1em auto;padding:0 1em}" \
	"table{border-collapse:collapse;width:100%}"                                \
	"td,th{padding:.3em .8em .3em 0;text-align:left;vertical-align:top}"        \
	"td{overflow-wrap:anywhere}.n{text-align:right;white-space:nowrap}"
#define PAGE_POLICY                                                         \
	"default-src 'none'; "                                              \
	"style-src 'sha256-7G3woKy4Nz0XTmlSSnI81dnthX126WuCBfi68PaVpWg='; " \
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
#define PAGE_TYPE "text/html; charset=utf-8"

/* The beginning of a page, with its title, which is the heading as well. */
int page_begin(struct buf *page, const char *title, size_t len) __attribute__((warn_unused_result));
/* A text of any bytes; those with a meaning in HTML are encoded. */
int page_text(struct buf *page, const char *text, size_t len) __attribute__((warn_unused_result));
/* HTML that is well-formed already. */
int page_html(struct buf *page, const char *html) __attribute__((warn_unused_result));

#endif
