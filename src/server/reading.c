/* SPDX-License-Identifier: MIT */
#include "config/include.h"
#include "config/reader.h"
#include "server/reading.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "net/call.h"
#include "net/listener.h"
#include "net/names.h"
#include "server/schema.h"
#include "services/registry.h"

#define BYTES_MAX (3 * SETTINGS_BYTES_MAX) /* of all records: texts, names and warnings */
#define PIECE_MAX (32 << 10)               /* bytes of a text in one record */
#define RECORD_MAX (1 << 20)               /* bytes: a host has thousands of addresses at most */

static const char *const kinds[] = {
	[NAME_USER] = "user", [NAME_GROUP] = "group", [NAME_HOST] = "host"};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* ---- in the child ---- */

/* A call that says a record, a list of strings, to `to`. */
static struct call record(struct buf *to)
{
	static struct framing framing;

	return (struct call){.out = to, .protocol = &protocol_resp, .framing = &framing};
}

static int text_record(struct buf *to, const char *word, const char *text, size_t len)
{
	const struct call call = record(to);

	if (say_list(&call, 2) < 0 || say_text(&call, word) < 0)
		return -1;
	return say_bytes(&call, text, len);
}

/* Returns the bytes of the first lines of text, as many as fit in a record. */
static size_t piece_of(const char *text, size_t len)
{
	const char *end;

	if (len <= PIECE_MAX)
		return len;
	end = memrchr(text, '\n', PIECE_MAX); /* a longer line would have been an error */
	return end != NULL ? (size_t)(end + 1 - text) : PIECE_MAX;
}

static int file_record(struct buf *to, const struct settings_file *file)
{
	size_t done = 0, len;

	if (text_record(to, "file", file->path, strlen(file->path)) < 0)
		return -1;
	for (; done < file->len; done += len) {
		len = piece_of(file->text + done, file->len - done);
		if (text_record(to, "text", file->text + done, len) < 0)
			return -1;
	}
	return 0;
}

static int name_record(struct buf *to, const struct name *name)
{
	const struct call call = record(to);

	if (say_list(&call, 4) < 0 || say_text(&call, kinds[name->kind]) < 0 ||
	    say_text(&call, name->text) < 0 ||
	    say_text(&call, name->error != NULL ? name->error : "") < 0)
		return -1;
	return say_bytes(&call, name->value, name->value != NULL ? name->size : 0);
}

/* Ask for the hosts that the daemon will need; users and groups were asked for when they were
 * parsed. And look at the folders that services name, which may have to be mounted. */
static void needs_ask(struct settings *settings)
{
	const struct listener_conf *conf = NULL;
	struct reason reason;

	while ((conf = listener_conf_next(settings, conf)) != NULL)
		for (size_t i = 0; i < conf->listen.count; i++)
			names_ask(NAME_HOST, conf->specs[i].text);
	for (size_t i = 0; services[i] != NULL; i++)
		if (services[i]->prepare != NULL)
			services[i]->prepare(settings, &reason);
}

static int list_records(struct buf *to, const char *word, const struct option_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (text_record(to, word, list->items[i], strlen(list->items[i])) < 0)
			return -1;
	return 0;
}

static int records_make(struct buf *to, struct settings *settings)
{
	const struct name *name;

	settings_errors_shorten(&settings->errors);
	if (settings->errors.count > 0)
		return list_records(to, "error", &settings->errors);
	needs_ask(settings);
	if (list_records(to, "warning", &settings->warnings) < 0)
		return -1;
	STAILQ_FOREACH(name, names_all(), entry)
		if (name_record(to, name) < 0)
			return -1;
	for (size_t i = 0; i < settings->files.count; i++)
		if (file_record(to, &settings->files.items[i]) < 0)
			return -1;
	return 0;
}

static int records_send(struct buf *records, int fd)
{
	ssize_t n;

	for (; buf_len(records) > 0; buf_consume(records, (size_t)n)) {
		n = write(fd, buf_data(records), buf_len(records));
		if (n < 0)
			return -1;
	}
	return 0;
}

int reading_write(const char *path, int fd)
{
	struct settings *settings = settings_load_again(path, daemon_schema());
	struct buf records = {0};
	int result = -1;

	errno = ENOMEM;
	if (settings != NULL && records_make(&records, settings) == 0)
		result = records_send(&records, fd);
	buf_free(&records);
	settings_unref(settings);
	names_forget();
	return result;
}

/* ---- in the daemon ---- */

static char *string_of(const struct slice *s)
{
	return strndup(s->data, s->len);
}

static int file_take(struct parser *p, const struct slice *path)
{
	char *text = string_of(path);
	int result = text != NULL ? reader_file(p, text) : -1;

	free(text);
	return result;
}

static int text_take(struct parser *p, const struct slice *text)
{
	if (p->file == NULL)
		return -1;
	lines_read(p, text->data, text->len);
	return 0;
}

static int name_take(enum name_kind kind, const struct slice *argv)
{
	char *text = string_of(&argv[1]), *error = string_of(&argv[2]);
	int result = -1;

	if (text != NULL && error != NULL)
		result = names_add(kind, text, error[0] != '\0' ? error : NULL, argv[3].data,
				   argv[3].len);
	free(text);
	free(error);
	return result;
}

/* Returns 0, or -1 with errno. */
static int record_take(struct parser *p, const struct request *record)
{
	struct settings *s = p->settings;
	const struct slice *argv = record->argv;

	errno = EPROTO;
	if (record->argc == 2 && slice_is(&argv[0], "file"))
		return file_take(p, &argv[1]);
	if (record->argc == 2 && slice_is(&argv[0], "text"))
		return text_take(p, &argv[1]);
	if (record->argc == 2 && slice_is(&argv[0], "error"))
		return option_list_add(&s->errors, string_of(&argv[1]));
	if (record->argc == 2 && slice_is(&argv[0], "warning"))
		return option_list_add(&s->warnings, string_of(&argv[1]));
	for (size_t i = 0; record->argc == 4 && i < KINDS; i++)
		if (slice_is(&argv[0], kinds[i]))
			return name_take((enum name_kind)i, argv);
	return -1;
}

/* Take the records that are complete. Returns 0, or -1 with errno. */
static int records_take(struct reading *r)
{
	static struct slice argv[REQUEST_ARGS_MAX];
	struct request record = {.argv = argv};
	struct framing framing = {0};
	ssize_t len;

	while (buf_len(&r->records) > 0) {
		len = protocol_resp.next(buf_data(&r->records), buf_len(&r->records), RECORD_MAX,
					 false, &framing, &record);
		if (len == 0)
			return 0;
		errno = EPROTO;
		if (len < 0 || record_take(&r->parser, &record) < 0)
			return -1;
		buf_consume(&r->records, (size_t)len);
	}
	return 0;
}

static void reading_output(struct job *job, enum job_stream stream, const char *data, size_t len)
{
	struct reading *r = container_of(job, struct reading, job);

	r->bytes += len;
	if (stream == JOB_STDERR)
		log_warning("config_warning", log_text("config", r->path),
			    log_bytes("text", data, len));
	else if (r->error == 0 && r->bytes > BYTES_MAX)
		r->error = EFBIG;
	else if (r->error == 0 && (buf_add(&r->records, data, len) < 0 || records_take(r) < 0))
		r->error = errno;
}

/* Returns the settings that the records made, a reference; or NULL with errno. */
static struct settings *settings_take(struct reading *r)
{
	struct settings *settings = r->parser.settings;

	errno = r->error != 0 ? r->error : EPROTO;
	if (r->error != 0 || buf_len(&r->records) > 0)
		return NULL;
	if (settings->errors.count == 0 && settings->files.count == 0)
		return NULL;
	if (settings->errors.count > 0) {
		r->parser.settings = NULL;
		return settings;
	}
	errno = ENOMEM;
	settings = reader_end(&r->parser);
	if (settings != NULL)
		reader_warn(settings);
	return settings;
}

static void failure_print(const struct reading *r, struct reason *reason)
{
	if (r->job.timed_out)
		reason_set(
			reason,
			"it takes longer than %d s; a name server or a file system does not answer",
			(int)(r->timeouts.timeout_ms / 1000));
	else if (r->job.signal > 0)
		reason_set(reason, "who read it was ended by signal %d (%s)", r->job.signal,
			   strsignal(r->job.signal));
	else
		reason_set(reason, "who read it gave up with status %d", r->job.exit_status);
}

/* The child has ended. done() may start the next reading. */
static void reading_ended(struct job *job)
{
	struct reading *r = container_of(job, struct reading, job);
	struct settings *settings = NULL;
	struct reason reason = {""};

	r->running = false;
	if (job->exit_status != 0)
		failure_print(r, &reason);
	else if ((settings = settings_take(r)) == NULL)
		reason_set(&reason, "%s", strerror(errno));
	settings_unref(r->parser.settings);
	buf_free(&r->records);
	if (r->stopped)
		settings_unref(settings);
	else
		r->done(r, settings, reason.text);
	if (!r->running)
		names_forget();
}

void reading_init(struct reading *r, const char *path, int64_t timeout_ms,
		  void (*done)(struct reading *r, struct settings *settings, const char *reason))
{
	*r = (struct reading){.path = path, .done = done};
	job_timeouts_init(&r->timeouts, timeout_ms);
}

/* The child is the program that runs now, wherever its file has gone since, so that the daemon
 * understands what the child writes. */
int reading_start(struct reading *r)
{
	static const struct job_ops ops = {.output = reading_output, .ended = reading_ended};
	static char program[] = "/proc/self/exe", option[] = "--resolve", config[] = "-c";
	char *path = strdup(r->path);
	char *const argv[] = {program, option, config, path, NULL};
	const struct spawn_spec spec = {.argv = argv, .envp = environ, .cwd = ".", .stdin_fd = -1};

	names_forget();
	names_close();
	r->stopped = false;
	r->bytes = 0;
	r->error = 0;
	parser_init(&r->parser, settings_new(daemon_schema()));
	r->running = path != NULL && r->parser.settings != NULL &&
		     job_start(&r->job, &spec, &r->timeouts, &ops) == 0;
	free(path);
	if (!r->running)
		settings_unref(r->parser.settings);
	return r->running ? 0 : -1;
}

void reading_stop(struct reading *r)
{
	r->stopped = true;
	if (r->running)
		job_stop(&r->job);
}
