/* SPDX-License-Identifier: MIT */
#include "server/reading.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/log.h"
#include "net/names.h"
#include "net/resp.h"
#include "services/registry.h"

#define RECORDS_MAX (2 * SETTINGS_BYTES_MAX) /* bytes; the texts, and as much again */

static const char *const kinds[] = {
	[NAME_USER] = "user", [NAME_GROUP] = "group", [NAME_HOST] = "host"};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* ---- in the child ---- */

static int record_begin(struct buf *to, size_t fields, const char *word)
{
	if (resp_array(to, fields) < 0)
		return -1;
	return resp_bulk(to, word, strlen(word));
}

static int error_record(struct buf *to, const char *text)
{
	return record_begin(to, 2, "error") < 0 ? -1 : resp_bulk(to, text, strlen(text));
}

static int file_record(struct buf *to, const struct settings_file *file)
{
	if (record_begin(to, 3, "file") < 0 || resp_bulk(to, file->path, strlen(file->path)) < 0)
		return -1;
	return resp_bulk(to, file->text, file->len);
}

static int name_record(struct buf *to, const struct name *name)
{
	const char *error = name->error != NULL ? name->error : "";

	if (record_begin(to, 4, kinds[name->kind]) < 0 ||
	    resp_bulk(to, name->text, strlen(name->text)) < 0 ||
	    resp_bulk(to, error, strlen(error)) < 0)
		return -1;
	return resp_bulk(to, name->value, name->value != NULL ? name->size : 0);
}

/* Ask for what the daemon will need beside users and groups, which it took to read; and see the
 * folders that services name, which may have to be mounted. */
static void needs_ask(struct settings *settings)
{
	const struct listener_conf *conf = NULL;
	char reason[OPTION_REASON_MAX];

	while ((conf = settings_listener(settings, conf)) != NULL)
		for (size_t i = 0; i < conf->listen.count; i++)
			names_ask(NAME_HOST, conf->specs[i].text);
	for (size_t i = 0; services[i] != NULL; i++)
		if (services[i]->prepare != NULL)
			services[i]->prepare(&settings->sections, reason);
}

static int records_make(struct buf *to, struct settings *settings)
{
	const struct name *name;

	if (settings->errors.count > 0) {
		settings_errors_shorten(&settings->errors);
		for (size_t i = 0; i < settings->errors.count; i++)
			if (error_record(to, settings->errors.items[i]) < 0)
				return -1;
		return 0;
	}
	needs_ask(settings);
	for (size_t i = 0; i < settings->files.count; i++)
		if (file_record(to, &settings->files.items[i]) < 0)
			return -1;
	STAILQ_FOREACH(name, names_all(), entry)
	if (name_record(to, name) < 0)
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
	struct settings *settings = settings_load(path);
	struct buf records = {0};
	int result = -1;

	errno = ENOMEM;
	if (settings != NULL && records_make(&records, settings) == 0)
		result = records_send(&records, fd);
	buf_free(&records);
	settings_free(settings);
	names_forget();
	return result;
}

/* ---- in the daemon ---- */

/* What the records say. */
struct findings {
	struct settings_files files;
	struct option_list errors;
};

static char *string_of(const struct slice *s)
{
	return strndup(s->data, s->len);
}

static int error_take(struct findings *f, const struct slice *argv)
{
	return option_list_add(&f->errors, string_of(&argv[1]));
}

static int file_take(struct findings *f, const struct slice *argv)
{
	char *path = string_of(&argv[1]), *text = malloc(argv[2].len + 1);
	int result = -1;

	if (path != NULL && text != NULL) {
		memcpy(text, argv[2].data, argv[2].len);
		result = settings_files_add(&f->files, path, text, argv[2].len);
	} else {
		free(text);
	}
	free(path);
	return result;
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

static int record_take(struct findings *f, const struct request *record)
{
	errno = EPROTO;
	if (record->argc == 2 && slice_is(&record->argv[0], "error"))
		return error_take(f, record->argv);
	if (record->argc == 3 && slice_is(&record->argv[0], "file"))
		return file_take(f, record->argv);
	for (size_t i = 0; record->argc == 4 && i < KINDS; i++)
		if (slice_is(&record->argv[0], kinds[i]))
			return name_take((enum name_kind)i, record->argv);
	return -1;
}

/* Returns 0, or -1 with errno. */
static int records_take(struct findings *f, struct buf *records)
{
	static struct slice argv[REQUEST_ARGS_MAX];

	while (buf_len(records) > 0) {
		struct request record = {.argv = argv};
		ssize_t len = protocol_resp.next(buf_data(records), buf_len(records), RECORDS_MAX,
						 true, &record);

		if (len <= 0) {
			errno = EPROTO;
			return -1;
		}
		if (record_take(f, &record) < 0)
			return -1;
		buf_consume(records, (size_t)len);
	}
	return 0;
}

/* Returns NULL with errno. */
static struct settings *settings_make(struct buf *records)
{
	struct findings f = {0};
	int result = records_take(&f, records);

	if (result == 0 && (f.files.count > 0 || f.errors.count > 0)) {
		errno = ENOMEM;
		return settings_parse(&f.files, &f.errors);
	}
	if (result == 0)
		errno = EPROTO;
	settings_files_free(&f.files);
	option_list_free(&f.errors);
	return NULL;
}

static void failure_print(const struct reading *r, char *reason, size_t size)
{
	if (r->job.timed_out)
		snprintf(
			reason, size,
			"it takes longer than %d s; a name server or a file system does not answer",
			(int)(r->timeouts.timeout_ms / 1000));
	else if (r->job.signal > 0)
		snprintf(reason, size, "who read it was ended by SIG%s",
			 sigabbrev_np(r->job.signal));
	else
		snprintf(reason, size, "who read it gave up with status %d", r->job.exit_status);
}

/* done() may start the next one. */
static void reading_ended(struct job *job)
{
	struct reading *r = container_of(job, struct reading, job);
	struct settings *settings = NULL;
	char reason[OPTION_REASON_MAX] = "";

	r->running = false;
	names_close();
	errno = ENOMEM;
	if (job->exit_status != 0)
		failure_print(r, reason, sizeof(reason));
	else if (r->failed || (settings = settings_make(&r->records)) == NULL)
		snprintf(reason, sizeof(reason), "%s", strerror(errno));
	buf_free(&r->records);
	if (r->stopped)
		settings_free(settings);
	else
		r->done(r, settings, reason);
	names_forget();
}

static void reading_output(struct job *job, enum job_stream stream, const char *data, size_t len)
{
	struct reading *r = container_of(job, struct reading, job);

	if (stream == JOB_STDERR)
		log_warning("%s: %.*s", r->path, (int)len, data);
	else if (buf_len(&r->records) + len > RECORDS_MAX || buf_add(&r->records, data, len) < 0)
		r->failed = true;
}

void reading_init(struct reading *r, const char *path, int64_t timeout_ms,
		  void (*done)(struct reading *r, struct settings *settings, const char *reason))
{
	*r = (struct reading){.path = path, .done = done};
	job_timeouts_init(&r->timeouts, timeout_ms);
}

/* The program that runs, wherever its file has gone since: what it says is what this one reads. */
int reading_start(struct reading *r)
{
	static const struct job_ops ops = {.output = reading_output, .ended = reading_ended};
	static char program[] = "/proc/self/exe", option[] = "--resolve", config[] = "-c";
	char *path = strdup(r->path);
	char *const argv[] = {program, option, config, path, NULL};
	const struct job_spec spec = {.argv = argv, .envp = environ, .cwd = ".", .stdin_fd = -1};

	r->failed = r->stopped = false;
	r->running = path != NULL && job_start(&r->job, &spec, &r->timeouts, &ops) == 0;
	free(path);
	return r->running ? 0 : -1;
}

void reading_stop(struct reading *r)
{
	r->stopped = true;
	if (r->running)
		job_stop(&r->job);
}
