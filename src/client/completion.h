/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_COMPLETION_H
#define CLIENT_COMPLETION_H
/*
 * The completion of pollcat's command line in shells. A shell's script hands the line to pollcat
 * --complete, so what may be typed is known in one place: options and subcommands by their tables,
 * commands and files by the server.
 */
#include "client/cli.h"

#define EXIT_FILES 3 /* completion_words(): a file of this machine */

/* Print the script for a shell: bash, zsh or fish. Returns the exit status. */
int completion_script(const char *shell);

/* Print what the last word of the line may become, each with a tab and a description where it has
 * one: the line ends at the cursor and begins with the name of the program, whose own options are
 * these. Returns the exit status, EXIT_FILES where the shell knows better. */
int completion_words(const struct cli_option *options, const char *line);

#endif
