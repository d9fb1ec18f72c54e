/*
 * Proves: exactly the written forms of the header are dates and times; every day and minute comes back as it was written.
 * Method: all 65,536 days and 1,440 minutes, compared with gmtime(3); lists of what is refused.
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
