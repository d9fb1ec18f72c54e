/*
 * Proves: a TZID is the zone its producer means, and civil time is to and from UTC as the system's tzdata has it, also over
 * changes.
 *
 * How: against localtime_r(3), which reads the same tzdata by itself, for every second hour of some years.
 */
#include <calsync/zones.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>

#define YEAR_2024 INT64_C(1704067200)
#define YEAR_2032 INT64_C(1956528000)

TestSuite(zones, .init = zones_init);

static int64_t civil_of_system(int64_t utc)
{
	const time_t time = (time_t)utc;
	struct tm civil;
	localtime_r(&time, &civil);
	return (int64_t)timegm(&civil);
}

Test(zones, are_those_of_the_system)
{
	static const char *const names[] = {"Europe/Berlin", "America/New_York",  "Australia/Lord_Howe",
					    "Asia/Kolkata",  "Pacific/Apia",      "Africa/Casablanca",
					    "Europe/Dublin", "America/Sao_Paulo", "Pacific/Chatham"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		setenv("TZ", names[i], 1);
		tzset();
		icaltimezone *zone = zone_of_iana(names[i]);
		cr_assert_not_null(zone, "%s", names[i]);
		for (int64_t utc = YEAR_2024; utc < YEAR_2032; utc += 7200) {
			const int64_t civil = civil_of_system(utc);
			cr_assert_eq(zone_to_civil(zone, utc), civil, "%s %lld", names[i], (long long)utc);
			/* Of two moments that show the same the first. */
			const int64_t back = zone_to_utc(zone, civil);
			cr_assert(back == utc || (back < utc && back >= utc - 7200 && civil_of_system(back) == civil),
				  "%s %lld", names[i], (long long)utc);
		}
	}
}

/* 2026-03-29 02:30 is not shown in Berlin, 2026-10-25 02:30 twice. */
Test(zones, what_is_skipped_and_what_is_shown_twice)
{
	icaltimezone *berlin = zone_of_iana("Europe/Berlin");
	const struct icaltimetype skipped = icaltime_from_string("20260329T023000");
	const struct icaltimetype twice = icaltime_from_string("20261025T023000");
	cr_assert_eq(zone_to_utc(berlin, seconds_of(skipped)), seconds_of(icaltime_from_string("20260329T013000")));
	cr_assert_eq(zone_to_utc(berlin, seconds_of(twice)), seconds_of(icaltime_from_string("20261025T003000")));
}

Test(zones, every_name_of_windows_is_a_zone_here)
{
	static const char *const names[] = {
	    "W. Europe Standard Time",   "Eastern Standard Time", "India Standard Time",   "UTC", "UTC+13",
	    "AUS Eastern Standard Time", "Yukon Standard Time",   "Dateline Standard Time"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		cr_assert_not_null(windows_zone(names[i]), "%s", names[i]);
	}
	cr_assert_str_eq(windows_zone("W. Europe Standard Time"), "Europe/Berlin");
	cr_assert_null(windows_zone("w. europe standard time"));
	cr_assert_null(windows_zone(""));
	for (size_t i = 0; i < windows_zone_count(); i++) {
		cr_assert_not_null(zone_of_iana(windows_zone_at(i)), "%s", windows_zone_at(i));
	}
}

Test(zones, no_name_leaves_the_folder_of_zones)
{
	static const char *const names[] = {
	    "", "/etc/passwd", "../../../etc/passwd", "Europe/../Europe/Berlin", "Europe/Berlin\n", "Nowhere/Land"};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		cr_assert_null(zone_of_iana(names[i]), "%s", names[i]);
	}
}

static icalcomponent *calendar;

static icaltimezone *zone_from(const char *observance)
{
	char text[2048];
	snprintf(text, sizeof text, "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Own\n%s\nEND:VTIMEZONE\nEND:VCALENDAR\n",
		 observance);
	if (calendar != NULL) {
		icalcomponent_free(calendar); /* of the time before */
	}
	calendar = icalparser_parse_string(text);
	cr_assert_not_null(calendar);
	return zone_of_tzid("Own", calendar);
}

Test(zones, a_zone_of_its_own_is_taken_if_it_is_tame)
{
	icaltimezone *zone =
	    zone_from("BEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:+0230\nTZOFFSETTO:+0230\nEND:STANDARD");
	cr_assert_not_null(zone);
	cr_assert_eq(zone_to_civil(zone, YEAR_2024), YEAR_2024 + 9000);
	static const char *const rules[] = {"FREQ=SECONDLY",
					    "FREQ=DAILY",
					    "FREQ=YEARLY;BYHOUR=1,2,3",
					    "FREQ=YEARLY;BYYEARDAY=1,2,3",
					    "FREQ=YEARLY;BYMONTH=1,2,3,4",
					    "FREQ=SOMETIMES"};
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		char observance[256];
		snprintf(observance, sizeof observance,
			 "BEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:+0230\nTZOFFSETTO:+0230\nRRULE:%s\nEND:"
			 "STANDARD",
			 rules[i]);
		cr_assert_null(zone_from(observance), "%s", rules[i]);
	}
	cr_assert_null(zone_from(""));
	icalcomponent_free(calendar);
}
