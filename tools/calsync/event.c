/*
 * event: see the header.
 */
#include <calsync/event.h>
#include <calsync/zones.h>
#include <string.h>
#include <strings.h>

#define DAY INT64_C(86400)

void moment_of(struct moment *moment, struct icaltimetype time, icalproperty *property, struct reading *reading)
{
	moment->is_date = time.is_date;
	moment->zone = reading->home;
	icalparameter *parameter = icalproperty_get_first_parameter(property, ICAL_TZID_PARAMETER);
	const char *tzid = parameter != NULL ? icalparameter_get_tzid(parameter) : NULL;
	if (!time.is_date && icaltime_is_utc(time)) {
		moment->zone = icaltimezone_get_utc_timezone();
	} else if (!time.is_date && tzid != NULL) {
		icaltimezone *zone = zone_of_tzid(tzid, reading->calendar);
		moment->zone = zone != NULL ? zone : reading->home;
		reading->unknown_zones += zone == NULL;
	}
	moment->civil = seconds_of(time);
	moment->utc = zone_to_utc(moment->zone, moment->civil);
}

/* A date of the calendar we count by, and far from where libical's numbers end. */
bool time_is_sane(struct icaltimetype time)
{
	return time.year >= 1600 && time.year < 2500 && time.month >= 1 && time.month <= 12 && time.day >= 1 &&
	       time.day <= icaltime_days_in_month(time.month, time.year) && time.hour >= 0 && time.hour <= 23 &&
	       time.minute >= 0 && time.minute <= 59 && time.second >= 0 && time.second <= 60;
}

bool moment_read(struct moment *moment, icalproperty *property, struct reading *reading)
{
	icalvalue *value = property != NULL ? icalproperty_get_value(property) : NULL;
	const icalvalue_kind kind = value != NULL ? icalvalue_isa(value) : ICAL_NO_VALUE;
	if (kind != ICAL_DATETIME_VALUE && kind != ICAL_DATE_VALUE && kind != ICAL_DATETIMEDATE_VALUE) {
		return false;
	}
	const struct icaltimetype time =
	    kind == ICAL_DATE_VALUE ? icalvalue_get_date(value) : icalvalue_get_datetime(value);
	if (!time_is_sane(time)) {
		return false;
	}
	moment_of(moment, time, property, reading);
	return true;
}

static icalproperty *property_of(icalcomponent *component, icalproperty_kind kind)
{
	return icalcomponent_get_first_property(component, kind);
}

/* Longer than any window, and far from where numbers end. */
#define LENGTH_DAYS_MAX 36600

static struct duration bounded(int64_t days, int64_t seconds)
{
	const int64_t most = LENGTH_DAYS_MAX;
	return (struct duration){.days = days < most ? days : most,
				 .seconds = seconds < most * DAY ? seconds : most * DAY};
}

/* By DTEND exact seconds, or days of dates; by DURATION days that are civil and the rest exact; else a date is a day, a time is
 * no time at all. */
static struct duration read_duration(const struct event *event, struct reading *reading)
{
	struct moment end;
	if (moment_read(&end, property_of(event->component, ICAL_DTEND_PROPERTY), reading)) {
		if (event->start.is_date) {
			const int64_t days = (end.civil - event->start.civil) / DAY;
			return bounded(days > 0 ? days : 1, 0);
		}
		return bounded(0, end.utc - event->start.utc);
	}
	icalproperty *property = property_of(event->component, ICAL_DURATION_PROPERTY);
	if (property != NULL && icalproperty_get_value(property) != NULL) {
		const struct icaldurationtype given = icalproperty_get_duration(property);
		if (!given.is_neg && !icaldurationtype_is_bad_duration(given)) {
			return bounded((int64_t)given.weeks * 7 + given.days,
				       (int64_t)given.hours * 3600 + (int64_t)given.minutes * 60 + given.seconds);
		}
	}
	return (struct duration){.days = event->start.is_date};
}

/* STATUS, TRANSP, and what Outlook says: free if one of them says so. TENTATIVE is busy. */
static bool read_busy(icalcomponent *component)
{
	icalproperty *status = property_of(component, ICAL_STATUS_PROPERTY);
	icalproperty *transparency = property_of(component, ICAL_TRANSP_PROPERTY);
	if (status != NULL && icalproperty_get_status(status) == ICAL_STATUS_CANCELLED) {
		return false;
	}
	if (transparency != NULL && (icalproperty_get_transp(transparency) == ICAL_TRANSP_TRANSPARENT ||
				     icalproperty_get_transp(transparency) == ICAL_TRANSP_TRANSPARENTNOCONFLICT)) {
		return false;
	}
	for (icalproperty *p = property_of(component, ICAL_X_PROPERTY); p != NULL;
	     p = icalcomponent_get_next_property(component, ICAL_X_PROPERTY)) {
		const char *name = icalproperty_get_x_name(p);
		const char *value = icalproperty_get_x(p);
		if (name != NULL && value != NULL && strcasecmp(name, "X-MICROSOFT-CDO-BUSYSTATUS") == 0 &&
		    (strcasecmp(value, "FREE") == 0 || strcasecmp(value, "WORKINGELSEWHERE") == 0)) {
			return false;
		}
	}
	return true;
}

static void read_override(struct event *event, struct reading *reading)
{
	icalproperty *property = property_of(event->component, ICAL_RECURRENCEID_PROPERTY);
	event->is_override = moment_read(&event->replaces, property, reading);
	icalparameter *range =
	    event->is_override ? icalproperty_get_first_parameter(property, ICAL_RANGE_PARAMETER) : NULL;
	event->and_future = range != NULL && icalparameter_get_range(range) == ICAL_RANGE_THISANDFUTURE;
}

bool event_read(struct event *event, icalcomponent *component, struct reading *reading)
{
	*event = (struct event){.component = component, .uid = ""};
	if (!moment_read(&event->start, property_of(component, ICAL_DTSTART_PROPERTY), reading)) {
		return false;
	}
	event->duration = read_duration(event, reading);
	event->makes_busy = read_busy(component);
	read_override(event, reading);
	icalproperty *uid = property_of(component, ICAL_UID_PROPERTY);
	if (uid != NULL && icalproperty_get_uid(uid) != NULL) {
		event->uid = icalproperty_get_uid(uid);
	}
	icalproperty *sequence = property_of(component, ICAL_SEQUENCE_PROPERTY);
	event->sequence = sequence != NULL ? icalproperty_get_sequence(sequence) : 0;
	struct moment stamp;
	event->stamp = moment_read(&stamp, property_of(component, ICAL_DTSTAMP_PROPERTY), reading) ? stamp.utc : 0;
	return true;
}

int64_t event_utc(const struct event *event, int64_t civil)
{
	return zone_to_utc(event->start.zone, civil);
}

int64_t event_end(const struct event *event, int64_t start_civil, int64_t start_utc)
{
	const int64_t from =
	    event->duration.days == 0 ? start_utc : event_utc(event, start_civil + event->duration.days * DAY);
	return from + event->duration.seconds;
}
