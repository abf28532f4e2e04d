/* SPDX-License-Identifier: MIT */
#include "wire/page.h"

#include <string.h>

int page_html(struct buf *page, const char *html)
{
	return buf_add(page, html, strlen(html));
}

/* Returns what stands for a byte in HTML, also within quotes, or NULL for itself. */
static const char *entity_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return (unsigned char)c < ' ' || c == 0x7f ? "\xef\xbf\xbd" : NULL;
	}
}

int page_text(struct buf *page, const char *text, size_t len)
{
	size_t from = 0;

	for (size_t at = 0; at < len; at++) {
		const char *entity = entity_of(text[at]);

		if (entity == NULL)
			continue;
		if (buf_add(page, text + from, at - from) < 0 || page_html(page, entity) < 0)
			return -1;
		from = at + 1;
	}
	return buf_add(page, text + from, len - from);
}

int page_begin(struct buf *page, const char *title, size_t len)
{
	static const char head[] =
		"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		"<meta name=\"viewport\" content=\"width=device-width\">"
		"<style>" PAGE_STYLE "</style><title>";

	if (page_html(page, head) < 0 || page_text(page, title, len) < 0 ||
	    page_html(page, "</title></head>\n<body><h1>") < 0 || page_text(page, title, len) < 0)
		return -1;
	return page_html(page, "</h1>\n");
}
