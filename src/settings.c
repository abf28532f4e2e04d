/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "settings.h"

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <ini.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/registry.h"

#define LINE_BYTES_MAX 8192 /* a configuration's line, where inih takes so much */

const struct option_def daemon_options[DAEMON_KEYS] = {
#define OPT(key, kind, ...) \
	{#key, &option_##kind, offsetof(struct daemon_conf, key), OPTION_REST(__VA_ARGS__)},
#include "daemon.def"
#undef OPT
};

/* Where the parser stands. inih cuts lines and long section names, swallows indented keys and
 * gives no line number, so lines go through reader_next(), which counts and checks them and keeps
 * the section itself. */
struct parser {
	struct settings *settings;
	const char *file; /* owned by settings->files */
	FILE *stream;
	int line;
	bool expects_key; /* the line handed to inih must come back as a key */
	bool skips;       /* the section is unknown: its keys are passed over */
	bool in_section;
	struct listener_conf *listener; /* the section's, or NULL: [daemon] */
};

static int list_add(struct option_list *list, char *item)
{
	char **items = reallocarray(list->items, list->count + 1, sizeof(*items));

	if (items == NULL || item == NULL) {
		free(item);
		return -1;
	}
	list->items = items;
	items[list->count++] = item;
	return 0;
}

static void __attribute__((format(printf, 4, 5)))
error_add(struct settings *s, const char *file, int line, const char *format, ...)
{
	char reason[600], *text = NULL;
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof(reason), format, args);
	va_end(args);
	if (line > 0 ? asprintf(&text, "%s:%d: %s", file, line, reason) >= 0
		     : asprintf(&text, "%s: %s", file, reason) >= 0)
		list_add(&s->errors, text);
}

/* ---- sections ---- */

static struct listener_conf *listener_named(const struct settings *s, const char *name)
{
	struct listener_conf *conf;

	TAILQ_FOREACH(conf, &s->listeners, entry)
		if (strcmp(conf->name, name) == 0)
			return conf;
	return NULL;
}

static void defaults_set(const struct option_def *defs, size_t count, void *conf)
{
	char reason[OPTION_REASON_MAX];

	for (size_t i = 0; i < count; i++)
		if (defs[i].fallback != NULL &&
		    option_set(&defs[i], conf, defs[i].fallback, reason) < 0)
			abort(); /* the table is wrong */
}

static void section_daemon(struct parser *p)
{
	struct daemon_conf *daemon = &p->settings->daemon;

	p->listener = NULL;
	if (daemon->line > 0) {
		error_add(p->settings, p->file, p->line, "[daemon]: again (it began at %s:%d)",
			  daemon->file, daemon->line);
		return;
	}
	daemon->line = p->line;
	daemon->file = p->file;
}

static void section_listener(struct parser *p, const char *name)
{
	const struct listener_conf *other = listener_named(p->settings, name);
	struct listener_conf *conf;

	if (name[strspn(name,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")] !=
		    '\0' ||
	    strlen(name) > 64)
		error_add(p->settings, p->file, p->line,
			  "[listener]: a name is up to 64 letters, digits, '_', '.' and '-'");
	if (other != NULL)
		error_add(p->settings, p->file, p->line, "[listener %s]: again (it began at %s:%d)",
			  name, other->file, other->line);
	conf = calloc(1, sizeof(*conf));
	p->skips = conf == NULL;
	if (conf == NULL)
		return;
	defaults_set(listener_options, LISTENER_KEYS, conf);
	conf->name = strdup(name);
	conf->file = p->file;
	conf->line = p->line;
	TAILQ_INSERT_TAIL(&p->settings->listeners, conf, entry);
	p->listener = conf;
}

/* text: between the brackets. */
static void section_begin(struct parser *p, char *text)
{
	char *kind = strtok(text, " \t"), *name = strtok(NULL, " \t");
	bool more = strtok(NULL, " \t") != NULL;

	p->in_section = true;
	p->skips = false;
	if (kind != NULL && strcmp(kind, "daemon") == 0 && name == NULL) {
		section_daemon(p);
	} else if (kind != NULL && strcmp(kind, "listener") == 0 && name != NULL && !more) {
		section_listener(p, name);
	} else {
		p->skips = true;
		error_add(p->settings, p->file, p->line,
			  "[%s]: unknown section; there are [daemon] and [listener NAME]%s",
			  kind != NULL ? kind : "",
			  kind == NULL                       ? ""
			  : option_is_near(kind, "daemon")   ? "; did you mean [daemon]?"
			  : option_is_near(kind, "listener") ? "; did you mean [listener NAME]?"
							     : "");
	}
}

static void section_line(struct parser *p, char *line)
{
	char *end = strchr(line, ']');

	if (end == NULL || (end[1 + strspn(end + 1, " \t\r\n")] != '\0' &&
			    end[1 + strspn(end + 1, " \t\r\n")] != ';' &&
			    end[1 + strspn(end + 1, " \t\r\n")] != '#')) {
		error_add(p->settings, p->file, p->line,
			  "a section's title is one [...] on its line");
		p->in_section = p->skips = true;
		return;
	}
	*end = '\0';
	section_begin(p, line + 1);
}

/* ---- keys ---- */

static const char *key_suggest(const struct option_def *defs, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (option_is_near(key, defs[i].name))
			return defs[i].name;
	return NULL;
}

static void key_unknown(const struct parser *p, const struct option_def *defs, size_t count,
			const char *key)
{
	const char *near = key_suggest(defs, count, key);
	const char *section = p->listener != NULL ? "[listener]" : "[daemon]";

	if (near != NULL)
		error_add(p->settings, p->file, p->line, "%s: unknown key in %s; did you mean %s?",
			  key, section, near);
	else
		error_add(p->settings, p->file, p->line, "%s: unknown key in %s", key, section);
}

static void key_set(const struct parser *p, const struct option_def *def, void *conf,
		    struct option_source *from, const char *value)
{
	char reason[OPTION_REASON_MAX] = "out of memory";

	if (from->text != NULL) {
		error_add(p->settings, p->file, p->line, "%s: given again (first at %s:%d)",
			  def->name, from->file, from->line);
		return;
	}
	from->text = strdup(value);
	from->file = p->file;
	from->line = p->line;
	if (value[0] == '\0')
		error_add(p->settings, p->file, p->line, "%s: has no value", def->name);
	else if (from->text == NULL || option_set(def, conf, value, reason) < 0)
		error_add(p->settings, p->file, p->line, "%s: %s", def->name, reason);
}

static int key_handle(void *user, const char *section, const char *key, const char *value)
{
	struct parser *p = user;
	const struct option_def *defs = p->listener != NULL ? listener_options : daemon_options;
	size_t count = p->listener != NULL ? LISTENER_KEYS : DAEMON_KEYS;
	void *conf = p->listener != NULL ? (void *)p->listener : &p->settings->daemon;
	struct option_source *from =
		p->listener != NULL ? p->listener->from : p->settings->daemon.from;

	p->expects_key = false;
	if (!p->in_section)
		error_add(p->settings, p->file, p->line, "%s: stands before the first [section]",
			  key);
	if (!p->in_section || p->skips)
		return 1;
	for (size_t i = 0; i < count; i++) {
		if (strcmp(defs[i].name, key) != 0)
			continue;
		key_set(p, &defs[i], conf, &from[i], value);
		return 1;
	}
	key_unknown(p, defs, count, key);
	return 1;
}

/* ---- lines ---- */

static void key_missed(struct parser *p)
{
	if (p->expects_key)
		error_add(p->settings, p->file, p->line, "expected 'key = value'");
	p->expects_key = false;
}

/* Like fgets(3), for inih: the next line without leading blanks, so that an indented key is a
 * key. What cannot be handed on whole is an error, and goes on as an empty line. */
static char *reader_next(char *to, int size, void *stream)
{
	struct parser *p = stream;
	char *line = NULL, *start;
	size_t cap = 0;
	ssize_t len;

	key_missed(p);
	len = getline(&line, &cap, p->stream);
	if (len < 0) {
		free(line);
		return NULL;
	}
	p->line++;
	start = line + (p->line == 1 && strncmp(line, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0);
	start += strspn(start, " \t\r\n\v\f");
	if (strlen(line) != (size_t)len) {
		error_add(p->settings, p->file, p->line, "the line holds a NUL byte");
		start = line + len;
	} else if (strlen(start) + 3 > (size_t)size) {
		error_add(p->settings, p->file, p->line, "the line is longer than %d bytes",
			  size - 3);
		start = line + len;
	} else if (*start == '[') {
		section_line(p, start);
		start = line + len;
	}
	p->expects_key = *start != '\0' && *start != ';' && *start != '#';
	strlcpy(to, *start != '\0' ? start : "\n", (size_t)size);
	free(line);
	return to;
}

static FILE *file_open(struct settings *s, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	FILE *stream;

	if (fd >= 0 && fstat(fd, &st) == 0 && !S_ISREG(st.st_mode)) {
		error_add(s, path, 0, "is not a regular file");
		close(fd);
		return NULL;
	}
	stream = fd >= 0 ? fdopen(fd, "r") : NULL;
	if (stream == NULL)
		error_add(s, path, 0, "cannot be read: %s", strerror(errno));
	return stream;
}

static void file_read(struct settings *s, const char *path)
{
	struct parser p = {.settings = s};
	FILE *stream = file_open(s, path);

	if (stream == NULL)
		return;
	if (list_add(&s->files, strdup(path)) < 0) {
		fclose(stream);
		return;
	}
	p.file = s->files.items[s->files.count - 1];
	p.stream = stream;
#ifdef INIH_LONG_LINES
	ini_use_stack = false;
	ini_max_line = ini_initial_alloc = LINE_BYTES_MAX;
#endif
	ini_parse_stream(reader_next, &p, key_handle, &p);
	key_missed(&p);
	if (ferror(stream))
		error_add(s, path, 0, "cannot be read: %s", strerror(errno));
	fclose(stream);
}

static void include_pattern(struct settings *s, const char *dir, const char *pattern)
{
	const struct option_source *from = &s->daemon.from[DAEMON_KEY_include];
	char *path = NULL;
	glob_t found;

	if (asprintf(&path, "%s%s%s", pattern[0] == '/' ? "" : dir, pattern[0] == '/' ? "" : "/",
		     pattern) < 0)
		return;
	if (glob(path, 0, NULL, &found) == 0) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			file_read(s, found.gl_pathv[i]);
		globfree(&found);
	} else if (strpbrk(pattern, "*?[") == NULL) {
		error_add(s, from->file, from->line, "include: there is no file %s", path);
	}
	free(path);
}

static void includes_read(struct settings *s, const char *path)
{
	struct option_list patterns = s->daemon.include;
	char *copy = strdup(path);
	const char *dir = copy != NULL ? dirname(copy) : "."; /* cuts copy */

	for (size_t i = 0; i < patterns.count; i++)
		include_pattern(s, dir, patterns.items[i]);
	free(copy);
}

/* ---- what only makes sense together ---- */

static void listener_error(struct settings *s, const struct listener_conf *conf, int key,
			   const char *reason)
{
	const struct option_source *from = &conf->from[key];

	error_add(s, from->text != NULL ? from->file : conf->file,
		  from->text != NULL ? from->line : conf->line, "%s: %s",
		  listener_options[key].name, reason);
}

static void services_check(struct settings *s, struct listener_conf *conf)
{
	char reason[OPTION_REASON_MAX];
	const char *name = conf->services.count > 0 ? conf->services.items[0] : "";

	if (conf->from[LISTENER_KEY_services].text == NULL)
		return;
	if (conf->services.count != 1) {
		listener_error(s, conf, LISTENER_KEY_services,
			       "raw and line take exactly one service");
		return;
	}
	conf->service = service_find(name);
	if (conf->service == NULL) {
		const char *near = NULL;

		for (size_t i = 0; services[i] != NULL; i++)
			if (option_is_near(name, services[i]->name))
				near = services[i]->name;
		snprintf(reason, sizeof(reason), "there is no service '%s'; %s%s%s", name,
			 near != NULL ? "did you mean " : "pollard --list names them",
			 near != NULL ? near : "", near != NULL ? "?" : "");
		listener_error(s, conf, LISTENER_KEY_services, reason);
	} else if (conf->wire != NULL && !(conf->service->protocols & conf->wire->bit)) {
		snprintf(reason, sizeof(reason), "service '%s' makes no sense with protocol %s",
			 name, conf->wire->name);
		listener_error(s, conf, LISTENER_KEY_services, reason);
	}
}

static void udp_check(struct settings *s, const struct listener_conf *conf)
{
	char reason[OPTION_REASON_MAX];

	if (conf->wire != NULL && conf->wire->bit != PROTOCOL_RAW)
		listener_error(s, conf, LISTENER_KEY_listen, "udp: needs protocol = raw");
	if (conf->service == NULL)
		return;
	if (!(conf->service->flags & SERVICE_DATAGRAM)) {
		snprintf(reason, sizeof(reason),
			 "service '%s' does not answer over udp:", conf->service->name);
		listener_error(s, conf, LISTENER_KEY_listen, reason);
	}
	if ((conf->service->flags & SERVICE_AMPLIFIES) && !conf->amplify) {
		snprintf(reason, sizeof(reason),
			 "service '%s' answers more than it is asked, so over udp: it needs "
			 "amplify = yes",
			 conf->service->name);
		listener_error(s, conf, LISTENER_KEY_listen, reason);
	}
}

/* Two listeners cannot have one address; names are compared as they are written. */
static void address_check(struct settings *s, const struct listener_conf *conf, size_t index)
{
	const struct listener_conf *other;
	char reason[OPTION_REASON_MAX];
	const char *text = conf->specs[index].text, *port = conf->specs[index].port;

	if (strcmp(port, "0") == 0)
		return;
	TAILQ_FOREACH(other, &s->listeners, entry) {
		for (size_t i = 0; other->specs != NULL && i < other->listen.count; i++) {
			if (other == conf && i == index)
				return;
			if (strcmp(other->specs[i].text, text) != 0)
				continue;
			snprintf(reason, sizeof(reason), "%.100s is taken by listener %.64s", text,
				 other->name);
			listener_error(s, conf, LISTENER_KEY_listen, reason);
			return;
		}
	}
}

static void addresses_check(struct settings *s, struct listener_conf *conf)
{
	char reason[OPTION_REASON_MAX];
	bool udp = false, local_only = true;

	conf->specs = calloc(conf->listen.count + 1, sizeof(*conf->specs));
	for (size_t i = 0; conf->specs != NULL && i < conf->listen.count; i++) {
		if (addr_spec_parse(&conf->specs[i], conf->listen.items[i], reason,
				    sizeof(reason)) < 0) {
			listener_error(s, conf, LISTENER_KEY_listen, reason);
			continue;
		}
		udp = udp || conf->specs[i].transport == TRANSPORT_UDP;
		local_only = local_only && conf->specs[i].transport == TRANSPORT_UNIX;
		address_check(s, conf, i);
	}
	if (udp)
		udp_check(s, conf);
	if (!local_only && conf->allow_users.count > 0)
		listener_error(
			s, conf, LISTENER_KEY_allow_users,
			"only peers on unix: sockets are known by user; move the others to a "
			"listener with allow");
	if (!local_only && conf->allow_groups.count > 0)
		listener_error(
			s, conf, LISTENER_KEY_allow_groups,
			"only peers on unix: sockets are known by group; move the others to a "
			"listener with allow");
}

static void listener_check(struct settings *s, struct listener_conf *conf)
{
	char reason[OPTION_REASON_MAX];

	for (int key = 0; key < LISTENER_KEYS; key++)
		if ((listener_options[key].flags & OPTION_REQUIRED) && conf->from[key].text == NULL)
			listener_error(s, conf, key, "is missing");
	conf->wire = protocol_find(conf->protocol);
	if (conf->wire == NULL) {
		snprintf(reason, sizeof(reason),
			 "there is no protocol '%.100s'; pollard --list names them",
			 conf->protocol);
		listener_error(s, conf, LISTENER_KEY_protocol, reason);
	}
	services_check(s, conf);
	addresses_check(s, conf);
}

static void settings_check(struct settings *s, const char *path)
{
	struct daemon_conf *daemon = &s->daemon;
	const struct option_source *from = &daemon->from[DAEMON_KEY_log_socket];
	struct listener_conf *conf;

	if (daemon->log_socket[0] != '/' ||
	    strlen(daemon->log_socket) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		error_add(s, from->file, from->line,
			  "log_socket: '%s' is not an absolute path of at most 107 bytes",
			  daemon->log_socket);
	TAILQ_FOREACH(conf, &s->listeners, entry)
		listener_check(s, conf);
	if (TAILQ_EMPTY(&s->listeners) && s->errors.count == 0)
		error_add(s, path, 0, "there is no [listener NAME]");
}

struct settings *settings_load(const char *path)
{
	struct settings *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	TAILQ_INIT(&s->listeners);
	defaults_set(daemon_options, DAEMON_KEYS, &s->daemon);
	file_read(s, path);
	includes_read(s, path);
	settings_check(s, path);
	return s;
}

void settings_free(struct settings *s)
{
	struct listener_conf *conf;

	if (s == NULL)
		return;
	while ((conf = TAILQ_FIRST(&s->listeners)) != NULL) {
		TAILQ_REMOVE(&s->listeners, conf, entry);
		listener_conf_free(conf);
	}
	option_free(daemon_options, DAEMON_KEYS, &s->daemon);
	for (size_t i = 0; i < DAEMON_KEYS; i++)
		free(s->daemon.from[i].text);
	option_list_free(&s->files);
	option_list_free(&s->errors);
	free(s);
}

static void section_dump(const struct option_def *defs, size_t count,
			 const struct option_source *from, FILE *to)
{
	for (size_t i = 0; i < count; i++) {
		const char *text = from[i].text != NULL ? from[i].text : defs[i].fallback;

		if (text != NULL && !(defs[i].flags & OPTION_FOLLOWED))
			fprintf(to, "%s = %s\n", defs[i].name, text);
		else
			fprintf(to, ";%s =\n", defs[i].name);
	}
}

void settings_dump(const struct settings *s, FILE *to)
{
	const struct listener_conf *conf;

	fprintf(to, "[daemon]\n");
	section_dump(daemon_options, DAEMON_KEYS, s->daemon.from, to);
	TAILQ_FOREACH(conf, &s->listeners, entry) {
		fprintf(to, "\n[listener %s]\n", conf->name);
		section_dump(listener_options, LISTENER_KEYS, conf->from, to);
	}
}
