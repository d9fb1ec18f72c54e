/*
 * zones: which time zone a calendar means, and civil time there to and from UTC.
 *
 * A TZID is looked for, in this order:
 *   1. an IANA name, also with a producer's prefix (/mozilla.org/20050126_1/Europe/Berlin), in the system's tzdata, which is
 *      newer than what a feed carries;
 *   2. a name of Windows, as Outlook writes it with or without a VTIMEZONE, by CLDR's table (windows_zones.c);
 *   3. a VTIMEZONE of the same calendar, if it is one that can be unrolled in bounded time;
 *   4. otherwise it is unknown, and the psychologist's own zone is taken.
 *
 * libical's builtin zones are exact until 2037. Seconds since 1970, of UTC or of the civil clock.
 *
 * Threads: one, as everything that touches libical.
 */
#pragma once

#include <libical/ical.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Loads the list of the system's zones; once, before anything else. */
void zones_init(void);

/* NULL: no such zone. */
icaltimezone *zone_of_iana(const char *name);
icaltimezone *zone_of_tzid(const char *tzid, icalcomponent *calendar);
const char *windows_zone(const char *name);
/* The IANA names behind the names of Windows, one by one. */
size_t windows_zone_count(void);
const char *windows_zone_at(size_t i);

/* Where clocks are set back the first of two; where they are set forward over it, as if they had not been. */
int64_t zone_to_utc(icaltimezone *zone, int64_t civil);
int64_t zone_to_civil(icaltimezone *zone, int64_t utc);

/* Between libical's times and seconds; the zone of the time is ignored, a date is its midnight. */
int64_t seconds_of(struct icaltimetype time);
struct icaltimetype time_of(int64_t seconds, bool is_date);
