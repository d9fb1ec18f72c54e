/*
 * civil: days counted, parsed, written. See slot/civil.h.
 *
 * The arithmetic is done in years that begin in March, so that the leap day is the last of its year: then the days
 * before a month are a linear expression in its number.
 *
 * See: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms",
 * https://howardhinnant.github.io/date_algorithms.html
 */
#include <base/check.h>
#include <base/limits.h>
#include <slot/civil.h>
#include <slot/zone.h>

#define DAYS_PER_ERA  146097 /* 400 years */
#define DAYS_TO_EPOCH 719468 /* from 0000-03-01 to 1970-01-01 */

int64_t civil_days(int64_t year, int64_t month, int64_t day_of_month)
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
	const int64_t days = civil_days(year, month, day_of_month);
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

/* The server's zone. Written before threads start. */
static const struct zone *server_zone;

const struct zone *civil_zone(void)
{
	return server_zone != NULL ? server_zone : zone_at(ZONE_UTC);
}

bool civil_set_zone(const char *name)
{
	const struct zone *zone = zone_find(span_of(name));
	server_zone = zone != NULL ? zone : server_zone;
	return zone != NULL;
}
