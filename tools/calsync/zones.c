/*
 * zones: see the header.
 */
#include <calsync/limits.h>
#include <calsync/zones.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_PER_DAY INT64_C(86400)

void zones_init(void)
{
	/* Errors of calendars are no errors of ours; and what is on this machine counts, not what libical brought. */
	icalerror_set_errors_are_fatal(0);
	(void)icaltimezone_get_builtin_timezones();
}

int64_t seconds_of(struct icaltimetype time)
{
	/* icaltime_as_timet() is not used: it normalises, slowly, and takes what is no date. Days by the civil calendar,
	 * counted in years that begin in March. */
	const int64_t year = time.year - (time.month <= 2);
	const int64_t era = (year >= 0 ? year : year - 399) / 400;
	const int64_t of_era = year - era * 400;
	const int64_t of_year = (153 * (time.month + (time.month > 2 ? -3 : 9)) + 2) / 5 + time.day - 1;
	const int64_t days = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
	return days * SECONDS_PER_DAY + (time.is_date ? 0 : time.hour * 3600 + time.minute * 60 + time.second);
}

struct icaltimetype time_of(int64_t seconds, bool is_date)
{
	return icaltime_from_timet_with_zone((time_t)seconds, is_date, NULL);
}

icaltimezone *zone_of_iana(const char *name)
{
	/* libical makes a path of it: nothing that leaves the folder of zones, and nothing that is no name. */
	if (name[0] == '\0' || name[0] == '/' || strstr(name, "..") != NULL ||
	    strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") != strlen(name)) {
		return NULL;
	}
	if (strcmp(name, "UTC") == 0 || strcmp(name, "Etc/UTC") == 0) {
		return icaltimezone_get_utc_timezone();
	}
	return icaltimezone_get_builtin_timezone(name);
}

/* The rule of an observance names few dates: one month, a handful of days, no times of day. */
static bool rule_is_tame(struct icalrecurrencetype rule)
{
	const short none = ICAL_RECURRENCE_ARRAY_MAX;
	return rule.freq == ICAL_YEARLY_RECURRENCE && rule.by_second[0] == none && rule.by_minute[0] == none &&
	       rule.by_hour[0] == none && rule.by_year_day[0] == none && rule.by_week_no[0] == none &&
	       (rule.by_month[0] == none || rule.by_month[1] == none);
}

static bool observance_is_tame(icalcomponent *observance, int *dates)
{
	for (icalproperty *p = icalcomponent_get_first_property(observance, ICAL_ANY_PROPERTY); p != NULL;
	     p = icalcomponent_get_next_property(observance, ICAL_ANY_PROPERTY)) {
		const icalproperty_kind kind = icalproperty_isa(p);
		if (kind == ICAL_RRULE_PROPERTY && !rule_is_tame(icalproperty_get_rrule(p))) {
			return false;
		}
		if (kind == ICAL_RDATE_PROPERTY && ++*dates > ZONE_DATES_MAX) {
			return false;
		}
		if (kind == ICAL_XLICERROR_PROPERTY) {
			return false;
		}
	}
	/* libical starts from here, and goes year by year. */
	const struct icaltimetype start = icalcomponent_get_dtstart(observance);
	return start.year >= 1600 && start.year < 2100;
}

static bool zone_is_tame(icalcomponent *zone)
{
	int observances = 0;
	int dates = 0;
	for (icalcomponent *c = icalcomponent_get_first_component(zone, ICAL_ANY_COMPONENT); c != NULL;
	     c = icalcomponent_get_next_component(zone, ICAL_ANY_COMPONENT)) {
		if (++observances > OBSERVANCES_MAX || !observance_is_tame(c, &dates)) {
			return false;
		}
	}
	return observances > 0;
}

static icaltimezone *zone_of_calendar(const char *tzid, icalcomponent *calendar)
{
	for (icalcomponent *c = icalcomponent_get_first_component(calendar, ICAL_VTIMEZONE_COMPONENT); c != NULL;
	     c = icalcomponent_get_next_component(calendar, ICAL_VTIMEZONE_COMPONENT)) {
		icalproperty *property = icalcomponent_get_first_property(c, ICAL_TZID_PROPERTY);
		const char *name = property != NULL ? icalproperty_get_tzid(property) : NULL;
		if (name != NULL && strcmp(name, tzid) == 0) {
			return zone_is_tame(c) ? icalcomponent_get_timezone(calendar, tzid) : NULL;
		}
	}
	return NULL;
}

/* The last two, or three, parts of a name with a prefix: /softwarestudio.org/Olson_20011030_5/America/Argentina/Salta. */
static icaltimezone *zone_behind_prefix(const char *tzid)
{
	icaltimezone *zone = NULL;
	int parts = 0;
	for (const char *at = tzid + strlen(tzid); tzid[0] == '/' && at > tzid && parts < 3 && zone == NULL; at--) {
		if (at[-1] == '/') {
			parts++;
			zone = parts > 1 ? zone_of_iana(at) : NULL;
		}
	}
	return zone;
}

icaltimezone *zone_of_tzid(const char *tzid, icalcomponent *calendar)
{
	icaltimezone *zone = zone_of_iana(tzid);
	if (zone == NULL) {
		zone = zone_behind_prefix(tzid);
	}
	if (zone == NULL && windows_zone(tzid) != NULL) {
		zone = zone_of_iana(windows_zone(tzid));
	}
	return zone != NULL ? zone : zone_of_calendar(tzid, calendar);
}

int64_t zone_to_civil(icaltimezone *zone, int64_t utc)
{
	struct icaltimetype time = time_of(utc, false);
	int is_daylight = 0;
	return utc + icaltimezone_get_utc_offset_of_utc_time(zone, &time, &is_daylight);
}

int64_t zone_to_utc(icaltimezone *zone, int64_t civil)
{
	/* What the clocks were the day before and are the day after. */
	const int64_t before = zone_to_civil(zone, civil - SECONDS_PER_DAY) - (civil - SECONDS_PER_DAY);
	const int64_t after = zone_to_civil(zone, civil + SECONDS_PER_DAY) - (civil + SECONDS_PER_DAY);
	if (before == after || zone_to_civil(zone, civil - before) == civil) {
		return civil - before;
	}
	return zone_to_civil(zone, civil - after) == civil ? civil - after : civil - before;
}
