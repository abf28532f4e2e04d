/* SPDX-License-Identifier: MIT */
/* Dates: RFC 9110, 5.6.7. Always in English, whatever the locale. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "wire/http.h"

#define DATE_MAX 64 /* bytes of one that is parsed */

static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
				   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static char *put_two(char *to, int number)
{
	*to++ = (char)('0' + number / 10 % 10);
	*to++ = (char)('0' + number % 10);
	return to;
}

/* Writes "Sun, 06 Nov 1994 08:49:37 GMT"; in place of a year that has not four digits, another one.
 */
char *http_date_print(int64_t seconds, char *to)
{
	time_t at = (time_t)seconds;
	struct tm tm = {.tm_mday = 1, .tm_year = 70};

	gmtime_r(&at, &tm);
	to = mempcpy(mempcpy(to, days[tm.tm_wday], 3), ", ", 2);
	to = put_two(to, tm.tm_mday);
	*to++ = ' ';
	to = mempcpy(to, months[tm.tm_mon], 3);
	*to++ = ' ';
	to = put_two(put_two(to, (tm.tm_year + 1900) / 100), tm.tm_year % 100);
	*to++ = ' ';
	*(to = put_two(to, tm.tm_hour)) = ':';
	*(to = put_two(to + 1, tm.tm_min)) = ':';
	to = put_two(to + 1, tm.tm_sec);
	return mempcpy(to, " GMT", 4);
}

static int month_of(const char *name)
{
	for (int i = 0; i < 12; i++)
		if (strcmp(name, months[i]) == 0)
			return i;
	return -1;
}

/* Try the three forms: that of today, that of RFC 850, with two digits of a year, and that of
 * asctime(3). */
static bool scan(const char *text, struct tm *tm, char month[4])
{
	int end = 0;

	sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n", &tm->tm_mday, month,
	       &tm->tm_year, &tm->tm_hour, &tm->tm_min, &tm->tm_sec, &end);
	if (end == 0)
		sscanf(text, "%*[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n", &tm->tm_mday,
		       month, &tm->tm_year, &tm->tm_hour, &tm->tm_min, &tm->tm_sec, &end);
	if (end == 0)
		sscanf(text, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n", month, &tm->tm_mday,
		       &tm->tm_hour, &tm->tm_min, &tm->tm_sec, &tm->tm_year, &end);
	return end > 0 && text[end] == '\0';
}

int64_t http_date_parse(const struct slice *value)
{
	char text[DATE_MAX], month[4];
	struct tm tm = {0};

	if (value->len == 0 || value->len >= sizeof(text))
		return -1;
	memcpy(text, value->data, value->len);
	text[value->len] = '\0';
	if (!scan(text, &tm, month))
		return -1;
	tm.tm_mon = month_of(month);
	if (tm.tm_year < 100)
		tm.tm_year += tm.tm_year < 70 ? 2000 : 1900;
	tm.tm_year -= 1900;
	if (tm.tm_mon < 0 || tm.tm_mday < 1 || tm.tm_mday > 31 || tm.tm_hour < 0 ||
	    tm.tm_hour > 23 || tm.tm_min < 0 || tm.tm_min > 59 || tm.tm_sec < 0 || tm.tm_sec > 60)
		return -1;
	return timegm(&tm);
}
