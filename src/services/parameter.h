/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_PARAMETER_H
#define SERVICES_PARAMETER_H
/*
 * An argument of a command, which the caller of the command gives, and which values it may have:
 * those of a declared type. What a check costs is bounded, whatever the value is.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <limits.h>

#include "config/option.h"
#include "core/slice.h"

#define PATH_BYTES_MAX (PATH_MAX - 1) /* bytes of a path that the kernel takes */

enum parameter_type {
	PARAMETER_INT,   /* MIN..MAX */
	PARAMETER_ENUM,  /* a|b|c */
	PARAMETER_REGEX, /* pcre2pattern(3) of bytes, for the whole value */
	PARAMETER_PATH,  /* an existing name below a folder */
};

struct parameter {
	const char *name; /* borrowed */
	char *text; /* what follows the type, without the quotes around it; owned. NULL: an error */
	enum parameter_type type;
	int64_t min, max;     /* PARAMETER_INT */
	pcre2_code *regex;    /* PARAMETER_REGEX; owned */
	uint32_t match_steps; /* that pcre2_match(3) may take for a value */
};

/* Make p of NAME = "TYPE TEXT". Borrows the name. Returns 0; or -1 with the
 * reason why that is no type, and p takes no values. Always leaves what parameter_free() takes. */
int parameter_parse(struct parameter *p, const struct option_pair *pair, struct reason *reason);
void parameter_free(struct parameter *p);

/* Give each of the count parameters of one command its part of what matching a request may cost. */
void parameters_share_steps(struct parameter *parameters, size_t count);

/* Returns 0 where p may have this value; or -1 with the reason, for the caller,
 * and errno ETIME where a match was given up. */
int parameter_check(const struct parameter *p, const struct slice *slice, struct reason *reason)
	__attribute__((warn_unused_result));

#endif
