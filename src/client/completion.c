/* SPDX-License-Identifier: MIT */
#include "client/completion.h"

#include "client/address.h"
#include "client/complete.h"
#include "client/ping.h"
#include "client/subcommand.h"
#include "client/words.h"

#include <err.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GIVE_UP_S 4 /* more than complete.c gives the server */

/* ---- the scripts ---- */

/* bash parts words at : and = as well, and replaces only the last part: each word that is found
 * loses the parts that stand before that. */
static const char bash_script[] =
	"_pollcat()\n"
	"{\n"
	"	local line=${COMP_LINE:0:COMP_POINT} part=${COMP_WORDS[COMP_CWORD]} words word\n"
	"\n"
	"	[[ $part == [:=] ]] && part=\n"
	"	line=${line##*[[:space:]]}\n"
	"	COMPREPLY=()\n"
	"	words=$(\"$1\" --complete \"${COMP_LINE:0:COMP_POINT}\" 2>/dev/null)\n"
	"	if [[ $? -eq 3 ]]; then\n"
	"		compopt -o default\n"
	"		return\n"
	"	fi\n"
	"	while IFS=$'\\t' read -r word _; do\n"
	"		[[ -n $word ]] || continue\n"
	"		[[ $word == */ ]] && compopt -o nospace\n"
	"		printf -v word %q \"$word\"\n"
	"		COMPREPLY+=(\"${word#\"${line%\"$part\"}\"}\")\n"
	"	done <<<\"$words\"\n"
	"}\n"
	"complete -F _pollcat pollcat\n";

static const char zsh_script[] = "_pollcat()\n"
				 "{\n"
				 "	local out line tab=$'\\t'\n"
				 "	local -a names shown folders\n"
				 "\n"
				 "	out=$(\"$words[1]\" --complete "
				 "\"${(j: :)words[1,CURRENT-1]} $PREFIX\" 2>/dev/null)\n"
				 "	if [[ $? -eq 3 ]]; then\n"
				 "		compset -P '--*='\n"
				 "		_files\n"
				 "		return\n"
				 "	fi\n"
				 "	for line in ${(f)out}; do\n"
				 "		if [[ $line == */ ]]; then\n"
				 "			folders+=($line)\n"
				 "		else\n"
				 "			names+=(${line%%$tab*})\n"
				 "			shown+=(\"${line/$tab/  -- }\")\n"
				 "		fi\n"
				 "	done\n"
				 "	(( $#folders )) && compadd -S '' -a folders\n"
				 "	(( $#names )) && compadd -l -d shown -a names\n"
				 "}\n"
				 "compdef _pollcat pollcat\n";

static const char fish_script[] =
	"function __pollcat_complete\n"
	"	set -l out (pollcat --complete (commandline -cp | string collect) 2>/dev/null)\n"
	"	if test $status -ne 3\n"
	"		printf '%s\\n' $out\n"
	"		return\n"
	"	end\n"
	"	set -l token (commandline -ct)\n"
	"	set -l option (string match -r '^--[^=]*=' -- $token)\n"
	"	for path in (__fish_complete_path (string replace -- \"$option\" '' $token))\n"
	"		printf '%s%s\\n' \"$option\" $path\n"
	"	end\n"
	"end\n"
	"complete -c pollcat -f -a '(__pollcat_complete)'\n";

static const struct {
	const char *shell;
	const char *script;
} scripts[] = {
	{"bash", bash_script},
	{"fish", fish_script},
	{"zsh", zsh_script},
};

#define SCRIPTS (sizeof(scripts) / sizeof(scripts[0]))

int completion_script(const char *shell)
{
	for (size_t i = 0; i < SCRIPTS; i++) {
		if (strcmp(scripts[i].shell, shell) != 0)
			continue;
		fputs(scripts[i].script, stdout);
		return EXIT_SUCCESS;
	}
	warnx("--completion: no shell '%s'; there are bash, fish and zsh", shell);
	return EXIT_USAGE;
}

/* ---- what has been typed ---- */

struct typed {
	const struct cli_option *options; /* what may come: of pollcat, or of the subcommand */
	const struct subcommand *subcommand;
	const char *address;              /* NULL: none yet */
	bool pings;                       /* pollcat ping */
	const char *operand;              /* the first operand of the subcommand */
	size_t operands;                  /* how many the subcommand has */
	const struct cli_option *pending; /* the last word, an option that lacks its argument */
	bool options_ended;               /* no option may come any more */
};

static bool begins_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* The option that a word is, alone or with what follows in the same word; NULL: none. */
static const struct cli_option *option_find(const struct cli_option *options, const char *word)
{
	size_t len = strcspn(word, "=");

	for (; options->name != NULL; options++) {
		if (begins_with(word, "--") && strlen(options->name) == len - 2 &&
		    begins_with(word + 2, options->name))
			return options;
		if (word[1] != '\0' && word[1] == options->letter)
			return options;
	}
	return NULL;
}

static void option_typed(struct typed *t, const char *word)
{
	const struct cli_option *option = option_find(t->options, word);
	bool has_argument = word[1] == '-' ? strchr(word, '=') != NULL : word[2] != '\0';

	t->options_ended = strcmp(word, "--") == 0;
	if (option != NULL && option->argument != NULL && !has_argument)
		t->pending = option;
}

static void operand_typed(struct typed *t, const char *word)
{
	if (t->address == NULL && strcmp(word, "ping") == 0) {
		t->pings = true;
		t->options = ping_options;
	}
	if (t->pings)
		return;
	if (t->address == NULL && subcommand_find(word) == NULL) {
		t->address = word;
		return;
	}
	if (t->subcommand != NULL) {
		if (t->operands++ == 0)
			t->operand = word;
		t->options_ended |= !t->subcommand->mixed;
		return;
	}
	t->subcommand = subcommand_find(word);
	t->options_ended = t->subcommand == NULL;
	if (t->subcommand != NULL)
		t->options = t->subcommand->options;
}

static bool is_option(const struct typed *t, const char *word)
{
	return word[0] == '-' && word[1] != '\0' && !t->options_ended;
}

static void word_typed(struct typed *t, const char *word)
{
	if (t->pending != NULL)
		t->pending = NULL;
	else if (is_option(t, word))
		option_typed(t, word);
	else
		operand_typed(t, word);
}

/* ---- what may follow ---- */

static void offer(const char *word, const char *help, const char *prefix)
{
	if (begins_with(word, prefix))
		printf("%s%s%s\n", word, help[0] != '\0' ? "\t" : "", help);
}

static void options_offer(const struct cli_option *options, const char *prefix)
{
	char word[64];

	for (; options->name != NULL; options++) {
		snprintf(word, sizeof(word), "--%s", options->name);
		offer(word, options->help, prefix);
	}
	snprintf(word, sizeof(word), "--%s", cli_help_option.name);
	offer(word, cli_help_option.help, prefix);
}

static void subcommands_offer(const char *prefix)
{
	const struct subcommand *s;

	for (size_t i = 0; (s = subcommand_at(i)) != NULL; i++)
		offer(s->name, s->help, prefix);
}

static void name_offer(void *prefix, const char *name, const char *address)
{
	offer(name, address, prefix);
}

/* Offer what the argument of an option may be; before: what stands before the argument in the same
 * word, as in --NAME=VALUE, and is offered along with it. Returns the exit status. */
static int argument_offer(const struct cli_option *option, const char *before, const char *prefix)
{
	if (strcmp(option->argument, "FILE") == 0)
		return EXIT_FILES;
	if (strcmp(option->argument, "SHELL") == 0)
		for (size_t i = 0; i < SCRIPTS; i++)
			if (begins_with(scripts[i].shell, prefix))
				printf("%s%s\n", before, scripts[i].shell);
	return EXIT_SUCCESS;
}

/* Offer what a word that begins with '-' may become, --NAME or --NAME=VALUE. Returns the exit
 * status.
 */
static int option_offer(const struct cli_option *options, const char *word)
{
	const struct cli_option *option = option_find(options, word);
	const char *equals = strchr(word, '=');
	char before[64];

	if (equals == NULL) {
		options_offer(options, word);
		return EXIT_SUCCESS;
	}
	if (option == NULL || option->argument == NULL)
		return EXIT_SUCCESS;
	snprintf(before, sizeof(before), "--%s=", option->name);
	return argument_offer(option, before, equals + 1);
}

/* To ask a name server has no bound of its own. */
static void give_up(int number)
{
	_exit(EXIT_SUCCESS);
}

/* Offer operands that the server has, which is given up after a short time; but none that would be
 * taken for an option. */
static void operands_offer(const struct typed *t, const struct addr_spec *server,
			   const char *prefix)
{
	const char *verb = t->subcommand->verb;
	struct complete complete;
	char **found;

	signal(SIGALRM, give_up);
	alarm(GIVE_UP_S);
	complete_init(&complete, server);
	if (verb[0] == '\0')
		found = complete_word(&complete, t->operand, t->operands, prefix);
	else
		found = complete_word(&complete, verb, t->operands + 1, prefix);
	for (char **word = found; word != NULL && *word != NULL; word++) {
		if (!is_option(t, *word))
			puts(*word);
		free(*word);
	}
	free(found);
	complete_free(&complete);
}

/* Offer what a word may become. Returns the exit status. */
static int word_offer(const struct typed *t, const char *word, const struct addr_spec *server)
{
	char prefix[64]; /* names are shorter */

	if (t->pending != NULL)
		return argument_offer(t->pending, "", word);
	if (word[0] == '-' && !t->options_ended)
		return option_offer(t->options, word);
	if (t->pings)
		return EXIT_SUCCESS;
	if (t->address == NULL && t->subcommand == NULL) {
		offer("ping", "see whether a host answers", word);
		snprintf(prefix, sizeof(prefix), "%s", word);
		address_each(name_offer, prefix);
	}
	if ((t->address != NULL || server != NULL) && t->subcommand == NULL)
		subcommands_offer(word);
	if (t->subcommand != NULL && t->subcommand->verb != NULL && server != NULL)
		operands_offer(t, server, word);
	return EXIT_SUCCESS;
}

int completion_words(const struct cli_option *options, const char *line)
{
	struct typed t = {.options = options};
	struct reason reason;
	struct addr_spec server;
	const char *address;
	struct words w;
	int status = EXIT_SUCCESS;
	bool known;
	size_t last;

	if (words_split(&w, line, strlen(line)) < 0)
		return EXIT_BROKEN;
	last = w.argc - w.in_word;
	for (size_t i = 1; i < last; i++)
		word_typed(&t, w.argv[i]);
	address = t.address != NULL ? t.address : getenv("POLLCAT_ADDRESS");
	known = address != NULL && address_parse(&server, address, &reason) == 0 &&
		server.transport != TRANSPORT_UDP;
	/* Within quotes nobody can tell which word is meant. */
	if (w.unfinished == '\0' && last > 0)
		status = word_offer(&t, w.in_word ? w.argv[last] : "", known ? &server : NULL);
	words_free(&w);
	return status;
}
