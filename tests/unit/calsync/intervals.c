/*
 * Proves: spells of UTC are the civil minutes that clocks show meanwhile, each minute once, also where clocks change; whole
 * minutes, inside the window.
 *
 * How: random spells, against a table of minutes that is filled minute by minute.
 */
#include <calsync/intervals.h>
#include <calsync/zones.h>
#include <criterion/criterion.h>
#include <stdlib.h>

#define DAYS    20
#define MINUTES (DAYS * 1440)

TestSuite(intervals, .init = zones_init);

static bool expected[MINUTES];
static bool got[MINUTES];

static void mark(icaltimezone *zone, const struct busy_interval *window, int64_t start, int64_t end)
{
	int64_t before = -1;
	for (int64_t utc = start; utc < end; utc++) {
		const int64_t civil = zone_to_civil(zone, utc);
		int64_t minute = civil / 60 - window->start;
		/* What clocks skip inside a spell belongs to it. */
		for (int64_t m = before >= 0 && civil > before + 1 ? (before + 1) / 60 - window->start : minute;
		     m <= minute; m++) {
			if (m >= 0 && m < MINUTES) {
				expected[m] = true;
			}
		}
		before = civil;
	}
}

static void check(const char *name, const char *first_day, unsigned seed)
{
	icaltimezone *zone = zone_of_iana(name);
	const uint32_t first = (uint32_t)(seconds_of(icaltime_from_string(first_day)) / 60);
	const struct busy_interval window = {first, first + MINUTES};
	struct spells spells = {0};
	struct busy_interval *intervals;
	memset(expected, 0, sizeof expected);
	memset(got, 0, sizeof got);
	srand(seed);
	for (int i = 0; i < 12; i++) {
		const int64_t start = (int64_t)window.start * 60 - 90000 + rand() % (MINUTES * 60 + 180000);
		const int64_t end = start + (rand() % 3 == 0 ? rand() % 200000 : rand() % 4000);
		spells_add(&spells, start, end);
		mark(zone, &window, start, end);
	}
	const uint32_t count = spells_civil(&spells, zone, &window, &intervals);
	for (uint32_t i = 0; i < count; i++) {
		cr_assert_lt(intervals[i].start, intervals[i].end);
		cr_assert(i == 0 || intervals[i].start > intervals[i - 1].end, "merged and in order");
		for (uint32_t minute = intervals[i].start; minute < intervals[i].end; minute++) {
			got[minute - first] = true;
		}
	}
	for (int i = 0; i < MINUTES; i++) {
		cr_assert_eq(got[i], expected[i], "%s seed %u minute %d of %s", name, seed, i, first_day);
	}
	free(intervals);
	spells_fini(&spells);
}

Test(intervals, are_what_clocks_show)
{
	for (unsigned seed = 1; seed <= 5; seed++) {
		check("Europe/Berlin", "20260320T000000", seed);
		check("Europe/Berlin", "20261016T000000", seed);
		check("Australia/Lord_Howe", "20260326T000000", seed);
		check("Asia/Kolkata", "20260101T000000", seed);
	}
}
