/* SPDX-License-Identifier: MIT */
#ifndef CLIENT_COMPLETION_H
#define CLIENT_COMPLETION_H
/*
 * The completion of pollcat's command line in shells. A script of the shell hands the line to
 * pollcat --complete, so that one place knows what may be typed: options and subcommands from their
 * tables, commands and files from the server.
 */
#include "client/cli.h"

#define EXIT_FILES 3 /* of completion_words(): the shell is to offer files of this machine */

/* Print the script for a shell: bash, zsh or fish. Returns the exit status. */
int completion_script(const char *shell);

/* Print what the last word of the line may become: words, some with a tab and a description. The
 * line ends at the cursor and begins with the name of the program; options are pollcat's own.
 * Returns the exit status, or EXIT_FILES. */
int completion_words(const struct cli_option *options, const char *line);

#endif
