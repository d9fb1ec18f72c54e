/*
 * civil: days counted, parsed, written, and asked of the clock. See slot/civil.h.
 *
 * The arithmetic is done in years that begin in March, so that the leap day is the last of its year: then the days
 * before a month are a linear expression in its number.
 *
 * See: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms",
 * https://howardhinnant.github.io/date_algorithms.html
 */
#include <base/check.h>
#include <base/limits.h>
#include <fcntl.h>
#include <slot/civil.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define DAYS_PER_ERA   146097 /* 400 years */
#define DAYS_TO_EPOCH  719468 /* from 0000-03-01 to 1970-01-01 */
#define SECONDS_PER_MS 1000

/* The days of whatever year and month, counted from 1970-01-01; the year is not negative. */
static int64_t day_of(int64_t year, int64_t month, int64_t day_of_month)
{
	const int64_t march_year = month <= 2 ? year - 1 : year;
	const int64_t era = march_year / 400;
	const int64_t year_of_era = march_year - era * 400;
	const int64_t march_month = (month + 9) % 12;
	const int64_t day_of_year = (153 * march_month + 2) / 5 + day_of_month - 1;
	const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH;
}

struct date {
	uint32_t year;
	uint32_t month;
	uint32_t day_of_month;
};

static struct date date_of(uint16_t day)
{
	const uint32_t shifted = day + (uint32_t)DAYS_TO_EPOCH;
	const uint32_t era = shifted / DAYS_PER_ERA;
	const uint32_t day_of_era = shifted % DAYS_PER_ERA;
	const uint32_t year_of_era =
	    (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / (DAYS_PER_ERA - 1)) / 365;
	const uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	const uint32_t march_month = (5 * day_of_year + 2) / 153;
	const uint32_t month = march_month < 10 ? march_month + 3 : march_month - 9;
	return (struct date){.year = era * 400 + year_of_era + (month <= 2),
			     .month = month,
			     .day_of_month = day_of_year - (153 * march_month + 2) / 5 + 1};
}

static uint32_t days_of_month(uint32_t year, uint32_t month)
{
	static const uint32_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
	return month == 2 && leap ? 29 : days[month - 1];
}

/* Exactly `count` digits. */
static bool parse_digits(const uint8_t *at, size_t count, uint32_t *number)
{
	*number = 0;
	for (size_t i = 0; i < count; i++) {
		if (at[i] < '0' || at[i] > '9') {
			return false;
		}
		*number = *number * 10 + (uint32_t)(at[i] - '0');
	}
	return true;
}

bool civil_parse_date(struct span text, uint16_t *day)
{
	uint32_t year, month, day_of_month;
	if (text.size != CIVIL_DATE_SIZE || text.at[4] != '-' || text.at[7] != '-' ||
	    !parse_digits(text.at, 4, &year) || !parse_digits(text.at + 5, 2, &month) ||
	    !parse_digits(text.at + 8, 2, &day_of_month)) {
		return false;
	}
	if (month < 1 || month > 12 || day_of_month < 1 || day_of_month > days_of_month(year, month)) {
		return false;
	}
	const int64_t days = day_of(year, month, day_of_month);
	if (year < 1970 || days >= DAY_COUNT) {
		return false;
	}
	*day = (uint16_t)days;
	return true;
}

bool civil_parse_time(struct span text, uint16_t *minute)
{
	uint32_t hours, minutes;
	if (text.size != CIVIL_TIME_SIZE || text.at[2] != ':' || !parse_digits(text.at, 2, &hours) ||
	    !parse_digits(text.at + 3, 2, &minutes) || hours > 23 || minutes > 59) {
		return false;
	}
	*minute = (uint16_t)(hours * 60 + minutes);
	return true;
}

static void format_digits(uint32_t number, size_t count, char *text)
{
	for (size_t i = count; i-- > 0; number /= 10) {
		text[i] = (char)('0' + number % 10);
	}
}

void civil_format_date(uint16_t day, char *text)
{
	const struct date date = date_of(day);
	format_digits(date.year, 4, text);
	text[4] = '-';
	format_digits(date.month, 2, text + 5);
	text[7] = '-';
	format_digits(date.day_of_month, 2, text + 8);
}

void civil_format_time(uint16_t minute, char *text)
{
	CHECK(minute < MINUTES_PER_DAY);
	format_digits(minute / 60u, 2, text);
	text[2] = ':';
	format_digits(minute % 60u, 2, text + 3);
}

/* Counts civil_set_zone, so that what a thread remembers of another zone is not used. Written before threads start. */
static uint32_t zone_count;

/* glibc takes any unknown name for UTC without a word, so ask for the file it would read. */
static bool zone_exists(const char *name)
{
	if (name[0] == '\0' || name[0] == '/' || name[0] == '.' || name[0] == ':' || strstr(name, "..") != NULL) {
		return false;
	}
	const char *directory = getenv("TZDIR");
	char path[512];
	const int size =
	    snprintf(path, sizeof path, "%s/%s", directory != NULL ? directory : "/usr/share/zoneinfo", name);
	if (size < 0 || (size_t)size >= sizeof path) {
		return false;
	}
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return false;
	}
	char magic[4];
	const bool zone = read(fd, magic, sizeof magic) == (ssize_t)sizeof magic && memcmp(magic, "TZif", 4) == 0;
	close(fd);
	return zone;
}

bool civil_set_zone(const char *name)
{
	/* UTC needs no file, and a small system may have none. */
	if (strcmp(name, "UTC") != 0 && !zone_exists(name)) {
		return false;
	}
	CHECK(setenv("TZ", name, 1) == 0);
	tzset();
	zone_count++;
	return true;
}

static struct civil_now civil_of(const struct tm *tm)
{
	const int64_t day = tm->tm_year < 70 ? -1 : day_of(tm->tm_year + 1900, tm->tm_mon + 1, tm->tm_mday);
	/* A little before the first day, in zones west of Greenwich; or after the last. */
	if (day < 0) {
		return (struct civil_now){0, 0};
	}
	if (day >= DAY_COUNT) {
		return (struct civil_now){DAY_COUNT - 1, MINUTES_PER_DAY - 1};
	}
	return (struct civil_now){(uint16_t)day, (uint16_t)(tm->tm_hour * 60 + tm->tm_min)};
}

/* The second whose civil time this is in the zone, if `summer` says which of two it would be; -1 if there is none. */
static int64_t second_of(const struct tm *civil, int summer)
{
	struct tm tm = *civil;
	tm.tm_isdst = summer;
	const time_t second = mktime(&tm);
	return tm.tm_hour == civil->tm_hour && tm.tm_min == civil->tm_min ? (int64_t)second : -1;
}

uint64_t civil_instant(uint16_t day, uint16_t minute)
{
	const struct date date = date_of(day);
	const struct tm civil = {.tm_year = (int)date.year - 1900,
				 .tm_mon = (int)date.month - 1,
				 .tm_mday = (int)date.day_of_month,
				 .tm_hour = minute / 60,
				 .tm_min = minute % 60};
	const int64_t in_winter = second_of(&civil, 0);
	const int64_t in_summer = second_of(&civil, 1);
	int64_t second = in_winter < in_summer ? in_winter : in_summer;
	if (second < 0) {
		second = in_winter > in_summer ? in_winter : in_summer;
	}
	if (second < 0) {
		struct tm never = civil;
		never.tm_isdst = 0;
		second = (int64_t)mktime(&never);
	}
	return second < 0 ? 0 : (uint64_t)second * 1000;
}

struct civil_now civil_at(uint64_t wall_ms)
{
	/* What this thread was told last, and the seconds for which it stays true: from the one asked about to the end
	 * of that civil minute. A zone changes its offset when a civil minute ends, so a change is never within.
	 * Looking up the zone takes a lock in glibc; this is asked on every BOOK. */
	static _Thread_local struct {
		uint32_t zone;
		int64_t from;
		int64_t until;
		struct civil_now now;
	} last;
	const time_t second = (time_t)(wall_ms / SECONDS_PER_MS);
	if (second < last.from || second >= last.until || last.zone != zone_count) {
		struct tm tm;
		CHECK(localtime_r(&second, &tm) != NULL);
		last.zone = zone_count;
		last.from = second;
		last.until = second + 60 - tm.tm_sec;
		last.now = civil_of(&tm);
	}
	return last.now;
}
