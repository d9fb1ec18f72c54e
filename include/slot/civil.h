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

/* A moment on the civil clock of the server's zone. */
struct civil_now {
	uint16_t day;
	uint16_t minute;
};

/* Sets the zone of civil_now for the process (an IANA name); false for a name the system does not know.
 * Call before threads start: it sets TZ. */
bool civil_set_zone(const char *name);
/* What the civil clock of the zone shows at `wall_ms`. */
struct civil_now civil_at(uint64_t wall_ms);
/* The moment (wall clock, ms) when the civil clock of the zone shows this: the first of two where clocks are set back; where
 * they are set forward over it, as if they had not been. */
uint64_t civil_instant(uint16_t day, uint16_t minute);
