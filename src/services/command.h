/* SPDX-License-Identifier: MIT */
#ifndef SERVICES_COMMAND_H
#define SERVICES_COMMAND_H
/*
 * The commands of the configuration, each a [command NAME]: which are in force, who may run them
 * and with what. A reload puts others in force; a run keeps its command, and so its generation.
 */
#include "config/settings.h"
#include "core/deadline.h"
#include "net/peer.h"
#include "process/places.h"
#include "services/template.h"

/* What becomes of a run whose caller has gone. */
#define ON_DISCONNECT_WORDS(WORD)        \
	WORD(ON_DISCONNECT_STOP, "stop") \
	WORD(ON_DISCONNECT_CONTINUE, "continue")

typedef enum on_disconnect { ON_DISCONNECT_WORDS(OPTION_CONSTANT) } opt_on_disconnect;

/* One generation of a [command NAME]. */
struct command {
	struct section section;
#define OPT(key, type, ...) opt_##type key;
#include "services/commands.def"
#undef OPT
	unsigned
		refs; /* one while it is in force, one of each run; each is one to the generation */
	struct template template; /* of exec and arg */
	char **envp;              /* its environment, owned; NULL ends it */
	struct places *places;    /* of all generations of its name; a reference, until refs is 0 */
	struct deadline_queue timeouts; /* of its jobs; one of the loop's, until refs is 0 */
};

extern const struct section_kind command_kind;

/* Warn where nobody can run the command s, because its lists name no peer that can reach it. local,
 * network: commands are offered to peers on UNIX sockets, to peers at IP addresses. */
void command_reach_warn(struct section *s, bool local, bool network, struct option_list *warnings);

/* The commands in force, in the order of the configuration; NULL: no more. */
struct command *command_first(void);
struct command *command_next(const struct command *command);

/* Returns command, with one reference more. */
struct command *command_ref(struct command *command);
/* Give a reference back; the last one lets go of places and timeouts. */
void command_unref(struct command *command);

/* Whether its lists let peer run it. */
bool command_is_allowed(const struct command *command, const struct peer *peer);

/* Write the name of a command and of its arguments to text[size]: "disk path". */
void command_usage(const struct command *command, char *text, size_t size);

/* The argv for what peer asks for: the name of a command, words[0], and its arguments; piped: one
 * that takes input. Returns one allocation, for free(), and the command, borrowed; or NULL with
 * "CODE reason". */
char **command_admit(const struct peer *peer, const struct slice *words, size_t count, bool piped,
		     struct command **found, struct reason *error)
	__attribute__((warn_unused_result));

/* As struct service has prepare, use and stop. */
int commands_prepare(struct settings *settings, struct reason *reason);
void commands_use(struct settings *settings);
void commands_stop(void);

#endif
