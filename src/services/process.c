/* SPDX-License-Identifier: MIT */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "services/process.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"

#define STAT_TEXT_MAX 1024

const struct figure process_figures[PROCESS_FIGURES] = {
#define FIGURE(field, ...) FIGURE_ROW(struct process_figures, field, __VA_ARGS__),
#include "services/process.def"
#undef FIGURE
};

static uint64_t time_us(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * 1000000 + (uint64_t)time->tv_usec;
}

/* Seconds after the boot become a time of day, the same whenever it is asked for. */
static uint64_t started_s(int64_t after_boot_s)
{
	static int64_t known_s;

	if (known_s == 0)
		known_s = time(NULL) - clock_read_ns(CLOCK_BOOTTIME) / 1000000000 + after_boot_s;
	return (uint64_t)known_s;
}

#define SKIPPED " %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s"

/* proc_pid_stat(5): the second field is a name in parentheses, with anything in it. Those that
 * count are the 22nd to the 24th. */
static void stat_take(struct process_figures *p, const char *text)
{
	const char *rest = strrchr(text, ')');
	uint64_t started, bytes;
	int64_t pages;

	if (rest == NULL || sscanf(rest, ")" SKIPPED " %" SCNu64 " %" SCNu64 " %" SCNd64, &started,
				   &bytes, &pages) != 3)
		return;
	p->started_s = started_s((int64_t)started / sysconf(_SC_CLK_TCK));
	p->virtual_bytes = bytes;
	p->resident_bytes = (uint64_t)(pages * sysconf(_SC_PAGESIZE));
}

static void stat_read(struct process_figures *p)
{
	char text[STAT_TEXT_MAX];
	FILE *file = fopen("/proc/self/stat", "re");

	if (file == NULL)
		return;
	if (fgets(text, sizeof(text), file) != NULL)
		stat_take(p, text);
	fclose(file);
}

/* Since Linux 6.2 the folder's size tells. Before, its entries are counted, a microsecond for each,
 * without the one that reads them. */
static uint64_t descriptors_count(void)
{
	const struct dirent *entry;
	uint64_t count = 0;
	struct stat st;
	DIR *dir;

	if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0)
		return (uint64_t)st.st_size;
	dir = opendir("/proc/self/fd");
	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count - 1;
}

void process_read(struct process_figures *p)
{
	struct rusage usage;
	struct rlimit limit;

	*p = (struct process_figures){.build = 1, .open_fds = descriptors_count()};
	if (getrusage(RUSAGE_SELF, &usage) == 0)
		p->cpu_us = time_us(&usage.ru_utime) + time_us(&usage.ru_stime);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		p->max_fds = limit.rlim_cur;
	stat_read(p);
}
