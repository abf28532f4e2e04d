/* SPDX-License-Identifier: MIT */
#include "config/help.h"

#include <string.h>

#define COLUMNS 80
#define INDENT 6     /* columns, of the lines below a key's first */
#define HEAD_MAX 512 /* bytes; longer than the head of any key */

/* Print text from column on, lines broken at blanks, and after '|'. */
static void text_print(const char *text, int column, FILE *to)
{
	size_t len;

	for (; *text != '\0'; text += len) {
		bool blank = *text == ' ';

		text += blank;
		len = strcspn(text, " |");
		len += text[len] == '|';
		if (column + blank + (int)len > COLUMNS) {
			column = fprintf(to, "\n%*s", INDENT, "") - 1;
			blank = false;
		}
		column += fprintf(to, "%s%.*s", blank ? " " : "", (int)len, text);
	}
	fprintf(to, "\n");
}

/* Print the range of a key: ", MIN to MAX", or what it means for the type. */
static void range_print(const struct option_def *def, FILE *to)
{
	const char *dots = strstr(def->range, "..");

	if (dots != NULL)
		fprintf(to, ", %.*s to %s", (int)(dots - def->range), def->range, dots + 2);
	else if (def->type == &option_path && def->range[0] != '\0')
		fprintf(to, ", at most %s bytes", def->range);
}

/* Print the head of a key, as pollard.ini(5) has it: "backlog (int, default 511, 1 to 65535)". */
static void head_print(const struct option_def *def, FILE *to)
{
	char choices[OPTION_CHOICES_MAX];

	fprintf(to, "%s%s (%s", def->name, def->type == &option_map ? ".NAME" : "",
		def->type->name);
	if (def->type->choices != NULL) {
		option_choices_print(def->type, choices);
		fprintf(to, " %s", choices);
	}
	if (def->fallback != NULL)
		fprintf(to, ", default %s", def->fallback);
	else
		fprintf(to, def->flags & OPTION_REQUIRED ? ", required" : ", not given by default");
	range_print(def, to);
	fprintf(to, "%s)", def->flags & OPTION_RESTART ? ", needs a restart" : "");
}

static void key_help(const struct option_def *def, FILE *to)
{
	char head[HEAD_MAX] = "";
	FILE *text = fmemopen(head, sizeof(head), "w");

	if (text != NULL) {
		head_print(def, text);
		fclose(text);
	}
	text_print(head, fprintf(to, "  "), to);
	text_print(def->help, fprintf(to, "%*s", INDENT, ""), to);
}

void help_keys(const struct settings_schema *schema, FILE *to)
{
	char title[SECTION_TITLE_MAX];

	for (const struct section_kind *const *kind = schema->kinds; *kind != NULL; kind++) {
		section_title(*kind, title);
		fprintf(to, "%s%s\n", kind != schema->kinds ? "\n" : "", title);
		for (size_t key = 0; key < (*kind)->count; key++)
			key_help(&(*kind)->options[key], to);
	}
}
