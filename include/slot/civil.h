/*
 * civil: calendar days and times of day, as people write them.
 *
 * A day is counted from 1970-01-01 (day 0) to 2149-06-06 (day 65535), proleptic Gregorian; a minute is counted from
 * midnight, 0 to 1439. The written forms are exactly YYYY-MM-DD and HH:MM (RFC 3339 full-date and the hour and minute
 * of its partial-time); nothing else is a date or a time.
 *
 * Threads: any.
 */
#pragma once

#include <base/bytes.h>
#include <stdbool.h>
#include <stdint.h>

#define CIVIL_DATE_SIZE 10
#define CIVIL_TIME_SIZE 5

bool civil_parse_date(struct span text, uint16_t *day);
bool civil_parse_time(struct span text, uint16_t *minute);

/* Write exactly CIVIL_DATE_SIZE or CIVIL_TIME_SIZE bytes, no NUL. */
void civil_format_date(uint16_t day, char *text);
void civil_format_time(uint16_t minute, char *text);

/* Days from 1970-01-01 to a date; the year is not negative. */
int64_t civil_days(int64_t year, int64_t month, int64_t day_of_month);

/* A moment on a civil clock. */
struct civil_now {
	uint16_t day;
	uint16_t minute;
};

/* The zone of the server, the option `timezone`: of every psychologist who has none of their own (slot/zone.h says what can be
 * asked of it). UTC until it is set, by an IANA name, before threads start; false for a name the system does not know. */
struct zone;
const struct zone *civil_zone(void);
bool civil_set_zone(const char *name);
