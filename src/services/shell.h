/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_SHELL_H
#define SERVICES_SHELL_H
/*
 * What a shell, or a monitoring system, would take for more than text, in a line that neither will
 * see. Quotes say that text is meant: any quotes for operators and patterns, single ones for
 * variables. The script after the -c of a shell is left alone, as that shell will see it.
 */

#define SHELL_TEXT_MAX 40 /* bytes */

enum shell_sign {
	SHELL_OPERATOR, /* | > 2>&1 && & */
	SHELL_VARIABLE, /* $HOME ${HOME:-x} $(id) `id` */
	SHELL_MACRO,    /* $ARG1$, $HOSTADDRESS$, in any quotes */
	SHELL_PATTERN,  /* ~/x, and a path with a * */
	SHELL_ESCAPE,   /* \" and a backslash before a blank */
	SHELL_SIGNS
};

/* Fill signs: for each sign the first word of line that has it, or the beginning of a long one; "":
 * none has. */
void shell_signs(const char *line, char signs[SHELL_SIGNS][SHELL_TEXT_MAX]);

#endif
