/*
 * Proves: exactly the written forms of the header are dates and times; every day and minute comes back as it was written;
 * the civil clock shows what the zone's clocks show, also when they change, and leads back. Method: all 65,536 days and
 * 1,440 minutes, compared with gmtime(3); lists of what is refused; Berlin and New York around their changes to and from
 * summer time, asked minute by minute.
 */
#include <base/limits.h>
#include <criterion/criterion.h>
#include <slot/civil.h>
#include <stdio.h>
#include <time.h>

Test(civil, every_day_is_written_as_gmtime_has_it_and_parsed_back)
{
	for (uint32_t day = 0; day < DAY_COUNT; day++) {
		const time_t seconds = (time_t)day * 86400;
		struct tm tm;
		char expected[32];
		char text[CIVIL_DATE_SIZE + 1] = {0};
		gmtime_r(&seconds, &tm);
		strftime(expected, sizeof expected, "%Y-%m-%d", &tm);
		civil_format_date((uint16_t)day, text);
		cr_assert_str_eq(text, expected);
		uint16_t parsed;
		cr_assert(civil_parse_date(span_of(text), &parsed));
		cr_assert_eq(parsed, day);
	}
}

Test(civil, every_minute_is_written_and_parsed_back)
{
	for (uint16_t minute = 0; minute < MINUTES_PER_DAY; minute++) {
		char expected[32];
		char text[CIVIL_TIME_SIZE + 1] = {0};
		snprintf(expected, sizeof expected, "%02d:%02d", minute / 60, minute % 60);
		civil_format_time(minute, text);
		cr_assert_str_eq(text, expected);
		uint16_t parsed;
		cr_assert(civil_parse_time(span_of(text), &parsed));
		cr_assert_eq(parsed, minute);
	}
}

Test(civil, what_is_no_date_is_refused)
{
	const char *const refused[] = {"",           "2026-02-30", "2026-02-29", "2100-02-29",  "2026-13-01",
				       "2026-00-10", "2026-01-00", "2026-01-32", "2026-04-31",  "2026-1-1",
				       "2026-1-01",  "26-01-01",   "2026/01/01", "2026-01-01 ", " 2026-01-01",
				       "+026-01-01", "2026-01-1x", "2026-0١-01", "1969-12-31",  "2149-06-07",
				       "9999-12-31", "0000-00-00", "20260101"};
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		uint16_t day;
		cr_assert_not(civil_parse_date(span_of(refused[i]), &day), "took '%s'", refused[i]);
	}
}

Test(civil, leap_days_and_the_first_and_last_day_are_dates)
{
	const struct {
		const char *text;
		uint16_t day;
	} taken[] = {{"1970-01-01", 0}, {"2000-02-29", 11016}, {"2024-02-29", 19782}, {"2149-06-06", 65535}};
	for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
		uint16_t day;
		cr_assert(civil_parse_date(span_of(taken[i].text), &day), "refused %s", taken[i].text);
		cr_assert_eq(day, taken[i].day);
	}
}

Test(civil, what_is_no_time_is_refused)
{
	const char *const refused[] = {"",       "24:00", "23:60",    "9:00",  "09:0",  "0900", "09.00",
				       "09:00 ", "-9:00", "09:00:00", "aa:bb", "09:6O", "99:99"};
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		uint16_t minute;
		cr_assert_not(civil_parse_time(span_of(refused[i]), &minute), "took '%s'", refused[i]);
	}
}

/* What the civil clock shows, as text. */
static const char *shown(uint64_t second)
{
	static char text[CIVIL_DATE_SIZE + 1 + CIVIL_TIME_SIZE + 1];
	const struct civil_now now = civil_at(second * 1000 + 999);
	civil_format_date(now.day, text);
	text[CIVIL_DATE_SIZE] = ' ';
	civil_format_time(now.minute, text + CIVIL_DATE_SIZE + 1);
	return text;
}

Test(civil, the_clock_of_berlin_jumps_over_an_hour_in_spring_and_repeats_one_in_autumn)
{
	cr_assert(civil_set_zone("Europe/Berlin"));
	const uint64_t spring = 1774746000; /* 2026-03-29 01:00 UTC */
	cr_assert_str_eq(shown(spring - 1), "2026-03-29 01:59");
	cr_assert_str_eq(shown(spring), "2026-03-29 03:00");
	const uint64_t autumn = 1792890000; /* 2026-10-25 01:00 UTC */
	cr_assert_str_eq(shown(autumn - 1), "2026-10-25 02:59");
	cr_assert_str_eq(shown(autumn), "2026-10-25 02:00");
	cr_assert_str_eq(shown(autumn + 3600), "2026-10-25 03:00");
}

Test(civil, every_second_around_a_change_is_shown_as_localtime_has_it)
{
	cr_assert(civil_set_zone("America/New_York"));
	const uint64_t change = 1772953200; /* 2026-03-08 07:00 UTC */
	for (uint64_t second = change - 7200; second < change + 7200; second += 7) {
		const time_t seconds = (time_t)second;
		struct tm tm;
		char expected[32];
		localtime_r(&seconds, &tm);
		strftime(expected, sizeof expected, "%Y-%m-%d %H:%M", &tm);
		cr_assert_str_eq(shown(second), expected);
		/* And not as it was remembered from another moment. */
		shown(second - 3600);
		cr_assert_str_eq(shown(second), expected);
	}
}

Test(civil, another_zone_is_shown_at_once)
{
	const uint64_t second = 1767268800; /* 2026-01-01 12:00 UTC */
	cr_assert(civil_set_zone("UTC"));
	cr_assert_str_eq(shown(second), "2026-01-01 12:00");
	cr_assert(civil_set_zone("Asia/Kathmandu"));
	cr_assert_str_eq(shown(second), "2026-01-01 17:45");
	cr_assert(civil_set_zone("UTC"));
	cr_assert_str_eq(shown(second), "2026-01-01 12:00");
}

Test(civil, moments_outside_of_the_days_are_shown_as_the_nearest)
{
	cr_assert(civil_set_zone("America/New_York"));
	cr_assert_str_eq(shown(0), "1970-01-01 00:00");
	cr_assert_str_eq(shown(UINT64_C(6000000000)), "2149-06-06 23:59");
}

/* The moment of a civil time, in seconds of UTC. */
static uint64_t instant(const char *date, const char *time)
{
	uint16_t day;
	uint16_t minute;
	cr_assert(civil_parse_date(span_of(date), &day));
	cr_assert(civil_parse_time(span_of(time), &minute));
	return civil_instant(day, minute) / 1000;
}

Test(civil, a_civil_time_is_a_moment_the_first_of_two_and_never_none)
{
	cr_assert(civil_set_zone("Europe/Berlin"));
	cr_assert_eq(instant("2026-01-01", "12:00"), 1767265200);
	cr_assert_eq(instant("2026-07-01", "12:00"), 1782900000);
	cr_assert_eq(instant("2026-10-25", "02:30"), 1792888200, "twice: in summer time");
	cr_assert_eq(instant("2026-03-29", "02:30"), 1774747800, "never: half an hour after 02:00, when it is 03:30");
	/* Where summer time is the zone's own and winter is the exception. */
	cr_assert(civil_set_zone("Europe/Dublin"));
	cr_assert_eq(instant("2026-10-25", "01:30"), 1792888200);
	cr_assert(civil_set_zone("Australia/Lord_Howe"));
	cr_assert_eq(instant("2026-04-05", "01:45"), 1775313900, "half an hour twice");
	cr_assert(civil_set_zone("UTC"));
	for (uint32_t day = 0; day < DAY_COUNT; day += 7) {
		cr_assert_eq(civil_instant((uint16_t)day, 61), day * UINT64_C(86400000) + 3660000);
	}
}

Test(civil, a_moment_shown_is_that_moment_again)
{
	static const char *const zones[] = {"Europe/Berlin", "America/New_York", "Asia/Kolkata", "Pacific/Apia"};
	for (size_t zone = 0; zone < sizeof zones / sizeof zones[0]; zone++) {
		cr_assert(civil_set_zone(zones[zone]));
		/* 2026, every 13 minutes: what is shown is that moment, or the first of the two that are shown so. */
		for (uint64_t second = 1767225600; second < 1798761600; second += 780) {
			const struct civil_now now = civil_at(second * 1000);
			const uint64_t back = civil_instant(now.day, now.minute) / 1000;
			cr_assert(back == second || back == second - 3600, "%s %llu", zones[zone],
				  (unsigned long long)second);
		}
	}
}

Test(civil, a_zone_the_system_does_not_know_is_refused)
{
	const char *const refused[] = {"",     "Europe/Atlantis", "/etc/passwd", "../zoneinfo/UTC",
				       ":UTC", "Europe",          "UTC+3x"};
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		cr_assert_not(civil_set_zone(refused[i]), "took '%s'", refused[i]);
	}
}
