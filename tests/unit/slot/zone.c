/*
 * Proves: the civil clock of a zone shows what clocks there show, also while they change, and leads back; what a change leaves
 * out is known, and what it repeats counts once; a file that is no zone file, or a damaged one, is refused or read, and never
 * more than that.
 *
 * Method: every zone of the system compared with localtime(3), over 180 years; five zones compared with all changes that
 * Python's zoneinfo knows (zones.py); examples; a zone file cut at every byte, and with bytes changed.
 */
#include <base/limits.h>
#include <criterion/criterion.h>
#include <inttypes.h>
#include <sim/prng.h>
#include <slot/zone.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TEXT_SIZE (CIVIL_DATE_SIZE + 1 + CIVIL_TIME_SIZE + 1)

static const struct zone *zone_of(const char *name)
{
	const struct zone *zone = zone_find(span_of(name));
	cr_assert_not_null(zone, "%s", name);
	return zone;
}

static const char *text_of(struct civil_now now)
{
	static char text[TEXT_SIZE];
	civil_format_date(now.day, text);
	text[CIVIL_DATE_SIZE] = ' ';
	civil_format_time(now.minute, text + CIVIL_DATE_SIZE + 1);
	return text;
}

/* What the civil clock shows, and has reached, as text. */
static const char *shown(const struct zone *zone, uint64_t second)
{
	return text_of(zone_civil(zone, second * 1000 + 999));
}

static const char *reached(const struct zone *zone, uint64_t second)
{
	return text_of(zone_reached(zone, second * 1000 + 999));
}

Test(zone, the_clock_of_berlin_jumps_over_an_hour_in_spring_and_repeats_one_in_autumn)
{
	const struct zone *zone = zone_of("Europe/Berlin");
	const uint64_t spring = 1774746000; /* 2026-03-29 01:00 UTC */
	cr_assert_str_eq(shown(zone, spring - 1), "2026-03-29 01:59");
	cr_assert_str_eq(shown(zone, spring), "2026-03-29 03:00");
	cr_assert_str_eq(reached(zone, spring), "2026-03-29 03:00");
	const uint64_t autumn = 1792890000; /* 2026-10-25 01:00 UTC */
	cr_assert_str_eq(shown(zone, autumn - 1), "2026-10-25 02:59");
	cr_assert_str_eq(shown(zone, autumn), "2026-10-25 02:00");
	cr_assert_str_eq(shown(zone, autumn + 3600), "2026-10-25 03:00");
	/* What has started has started, although the clock is back. */
	cr_assert_str_eq(reached(zone, autumn), "2026-10-25 02:59");
	cr_assert_str_eq(reached(zone, autumn + 3599), "2026-10-25 02:59");
	cr_assert_str_eq(reached(zone, autumn + 3600), "2026-10-25 03:00");
}

Test(zone, two_zones_are_asked_side_by_side)
{
	const uint64_t second = 1767268800; /* 2026-01-01 12:00 UTC */
	for (int i = 0; i < 2; i++) {
		cr_assert_str_eq(shown(zone_of("UTC"), second), "2026-01-01 12:00");
		cr_assert_str_eq(shown(zone_of("Asia/Kathmandu"), second), "2026-01-01 17:45");
	}
	cr_assert_eq(zone_of("Asia/Kathmandu"), zone_at(zone_number(zone_of("Asia/Kathmandu"))));
	cr_assert_eq(zone_of("UTC"), civil_zone());
	cr_assert(civil_set_zone("Asia/Kathmandu"));
	cr_assert_eq(zone_of("Asia/Kathmandu"), civil_zone());
	cr_assert_not(civil_set_zone("Asia/Nowhere"));
	cr_assert_eq(zone_of("Asia/Kathmandu"), civil_zone());
}

Test(zone, moments_outside_of_the_days_are_shown_as_the_nearest)
{
	cr_assert_str_eq(shown(zone_of("America/New_York"), 0), "1970-01-01 00:00");
	cr_assert_str_eq(shown(zone_of("America/New_York"), UINT64_C(6000000000)), "2149-06-06 23:59");
}

static void parse(const char *date, const char *time, uint16_t *day, uint16_t *minute)
{
	cr_assert(civil_parse_date(span_of(date), day));
	cr_assert(civil_parse_time(span_of(time), minute));
}

/* The moment of a civil time, in seconds of UTC. */
static uint64_t instant(const char *zone, const char *date, const char *time)
{
	uint16_t day;
	uint16_t minute;
	parse(date, time, &day, &minute);
	return zone_instant(zone_of(zone), day, minute) / 1000;
}

Test(zone, a_civil_time_is_a_moment_the_first_of_two_and_never_none)
{
	cr_assert_eq(instant("Europe/Berlin", "2026-01-01", "12:00"), 1767265200);
	cr_assert_eq(instant("Europe/Berlin", "2026-07-01", "12:00"), 1782900000);
	cr_assert_eq(instant("Europe/Berlin", "2026-10-25", "02:30"), 1792888200, "twice: in summer time");
	cr_assert_eq(instant("Europe/Berlin", "2026-03-29", "02:30"), 1774747800,
		     "never: half an hour after 02:00, when it is 03:30");
	/* Where summer time is the zone's own and winter is the exception. */
	cr_assert_eq(instant("Europe/Dublin", "2026-10-25", "01:30"), 1792888200);
	cr_assert_eq(instant("Australia/Lord_Howe", "2026-04-05", "01:45"), 1775313900, "half an hour twice");
	for (uint32_t day = 0; day < DAY_COUNT; day += 7) {
		cr_assert_eq(zone_instant(zone_of("UTC"), (uint16_t)day, 61), day * UINT64_C(86400000) + 3660000);
	}
}

static bool shows(const char *zone, const char *date, const char *time, uint16_t minutes)
{
	uint16_t day;
	uint16_t minute;
	parse(date, time, &day, &minute);
	return zone_shows(zone_of(zone), day, minute, minutes);
}

Test(zone, what_a_clock_is_set_forward_over_is_not_shown)
{
	cr_assert(shows("Europe/Berlin", "2026-03-29", "01:10", 50), "ends when the clock is set");
	cr_assert(!shows("Europe/Berlin", "2026-03-29", "01:11", 50));
	cr_assert(!shows("Europe/Berlin", "2026-03-29", "02:59", 1));
	cr_assert(shows("Europe/Berlin", "2026-03-29", "03:00", 50));
	cr_assert(!shows("Europe/Berlin", "2026-03-29", "00:00", 1440));
	cr_assert(shows("Europe/Berlin", "2026-10-25", "00:00", 1440), "some of it even twice");
	cr_assert(!shows("Australia/Lord_Howe", "2026-10-04", "02:15", 15), "half an hour");
	cr_assert(shows("Australia/Lord_Howe", "2026-10-04", "02:30", 15));
	cr_assert(!shows("Pacific/Apia", "2011-12-30", "12:00", 1), "the day that Samoa left out");
	cr_assert(shows("Pacific/Apia", "2011-12-31", "00:00", 1));
	cr_assert(shows("Pacific/Apia", "2011-12-29", "23:59", 1));
}

/* ------------------------------------------------------------------------------------------- compared with others */

/* The names of the zones of the system: the third column of zone1970.tab. */
static bool next_zone(FILE *table, char name[static ZONE_NAME_MAX + 1])
{
	char line[512];
	while (fgets(line, sizeof line, table) != NULL) {
		if (line[0] != '#' && sscanf(line, "%*s %*s %63s", name) == 1) {
			return true;
		}
	}
	return false;
}

Test(zone, every_zone_of_the_system_shows_what_localtime_has)
{
	FILE *table = fopen("/usr/share/zoneinfo/zone1970.tab", "re");
	cr_assert_not_null(table);
	char name[ZONE_NAME_MAX + 1];
	uint32_t count = 0;
	/* About three days, so that all times of day are asked. */
	const uint64_t step = 270000 + 1237;
	for (; next_zone(table, name); count++) {
		const struct zone *zone = zone_of(name);
		setenv("TZ", name, 1);
		tzset();
		for (uint64_t second = 86400 + count; second < UINT64_C(5662000000); second += step) {
			const time_t seconds = (time_t)second;
			struct tm tm;
			localtime_r(&seconds, &tm);
			const struct civil_now now = zone_civil(zone, second * 1000);
			const int64_t day = civil_days(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
			cr_assert(now.day == day && now.minute == tm.tm_hour * 60 + tm.tm_min, "%s %" PRIu64, name,
				  second);
			const uint64_t back = zone_instant(zone, now.day, now.minute) / 1000;
			cr_assert(back <= second && second - back < 25 * 3600, "%s %" PRIu64, name, second);
			cr_assert(zone_shows(zone, now.day, now.minute, 1), "%s %" PRIu64, name, second);
		}
	}
	fclose(table);
	cr_assert_gt(count, 200);
}

/* Civil seconds since 1970 as the day and minute. */
static struct civil_now civil_of(int64_t seconds)
{
	return (struct civil_now){(uint16_t)(seconds / 86400), (uint16_t)(seconds % 86400 / 60)};
}

static bool same(struct civil_now a, struct civil_now b)
{
	return a.day == b.day && a.minute == b.minute;
}

/* A change of `before` to `after`, the one before it having been at `since`. Whole minutes, unless it is long ago. */
static void check_change(const char *name, int64_t since, int64_t at, int64_t before, int64_t after)
{
	const struct zone *zone = zone_of(name);
	cr_assert(same(zone_civil(zone, (uint64_t)(at - 1) * 1000), civil_of(at - 1 + before)), "%s %" PRId64, name,
		  at);
	cr_assert(same(zone_civil(zone, (uint64_t)at * 1000), civil_of(at + after)), "%s %" PRId64, name, at);
	for (int64_t second = since; second < at; second += (at - since) / 16 + 1) {
		cr_assert(same(zone_civil(zone, (uint64_t)second * 1000), civil_of(second + before)), "%s %" PRId64,
			  name, second);
	}
	const struct civil_now first = civil_of(at + (before < after ? before : after));
	const struct civil_now last = civil_of(at + (before < after ? after : before) - 60);
	const bool forward = before < after;
	cr_assert_eq(zone_shows(zone, first.day, first.minute, 1), !forward, "%s %" PRId64, name, at);
	cr_assert_eq(zone_shows(zone, last.day, last.minute, 1), !forward, "%s %" PRId64, name, at);
	const struct civil_now outside = civil_of(at + (forward ? after : before));
	cr_assert(zone_shows(zone, outside.day, outside.minute, 1), "%s %" PRId64, name, at);
	cr_assert_eq(zone_instant(zone, outside.day, outside.minute),
		     (uint64_t)(forward ? at : at + before - after) * 1000, "%s %" PRId64, name, at);
	if (!forward) {
		/* Shown twice, of which the first counts; reached all the while. */
		cr_assert_eq(zone_instant(zone, first.day, first.minute), (uint64_t)(at - before + after) * 1000);
		cr_assert(same(zone_reached(zone, (uint64_t)at * 1000), last), "%s %" PRId64, name, at);
	}
}

Test(zone, the_changes_of_five_zones_are_those_that_python_knows)
{
	FILE *changes = popen("python3 tests/unit/slot/zones.py Europe/Berlin America/New_York Australia/Lord_Howe "
			      "Asia/Kolkata Pacific/Apia",
			      "r");
	cr_assert_not_null(changes);
	char name[ZONE_NAME_MAX + 1];
	char last_name[ZONE_NAME_MAX + 1] = "";
	int64_t since = 0;
	int64_t at;
	int64_t before;
	int64_t after;
	uint32_t count = 0;
	while (fscanf(changes, "%63s %" SCNd64 " %" SCNd64 " %" SCNd64, name, &at, &before, &after) == 4) {
		since = strcmp(name, last_name) == 0 ? since : 86400;
		check_change(name, since, at, before, after);
		since = at;
		strcpy(last_name, name);
		count++;
	}
	cr_assert_eq(pclose(changes), 0);
	cr_assert_gt(count, 1000, "two a year of three zones for 180 years");
}

/* -------------------------------------------------------------------------------------------------------- zone files */

Test(zone, a_zone_the_system_does_not_know_is_refused)
{
	const char *const refused[] = {"",         "Europe/Atlantis", "/etc/passwd", "../zoneinfo/UTC", ":UTC",
				       "Europe",   "Europe//Berlin",  "UTC+3x",      "Europe/Berlin/",  "zone1970.tab",
				       "tzdata.zi"};
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		cr_assert_null(zone_find(span_of(refused[i])), "took '%s'", refused[i]);
	}
}

static char directory[] = "/tmp/slotd-zones-XXXXXX";
static uint8_t berlin[8192];
static size_t berlin_size;

/* A directory of zone files in place of the system's, with Berlin's bytes at hand. */
static void begin_files(void)
{
	FILE *file = fopen("/usr/share/zoneinfo/Europe/Berlin", "re");
	cr_assert_not_null(file);
	berlin_size = fread(berlin, 1, sizeof berlin, file);
	fclose(file);
	cr_assert_gt(berlin_size, 500);
	cr_assert_not_null(mkdtemp(directory));
	setenv("TZDIR", directory, 1);
}

static void end_files(void)
{
	rmdir(directory);
}

/* The zone in a file of these bytes. */
static const struct zone *zone_in(const uint8_t *bytes, size_t size)
{
	static uint32_t number;
	char path[128];
	char name[16];
	snprintf(name, sizeof name, "Z%u", ++number);
	snprintf(path, sizeof path, "%s/%s", directory, name);
	FILE *file = fopen(path, "we");
	cr_assert_not_null(file);
	cr_assert_eq(fwrite(bytes, 1, size, file), size);
	fclose(file);
	const struct zone *zone = zone_find(span_of(name));
	remove(path);
	return zone;
}

Test(zone, a_file_that_is_cut_short_is_no_zone, .init = begin_files, .fini = end_files)
{
	cr_assert_not_null(zone_in(berlin, berlin_size));
	for (size_t size = 0; size < berlin_size; size++) {
		cr_assert_null(zone_in(berlin, size), "cut to %zu bytes", size);
	}
}

Test(zone, a_file_that_is_damaged_is_refused_or_read, .init = begin_files, .fini = end_files)
{
	struct prng prng = {0x20e5};
	uint32_t read = 0;
	for (uint32_t i = 0; i < 1500; i++) {
		uint8_t bytes[sizeof berlin];
		memcpy(bytes, berlin, berlin_size);
		/* The headers and the rule, mostly: the rest is times. */
		const uint32_t part = prng_below(&prng, 3);
		const size_t at = part == 0   ? prng_below(&prng, 44)
				  : part == 1 ? berlin_size - 1 - prng_below(&prng, 40)
					      : prng_below(&prng, (uint32_t)berlin_size);
		bytes[at] = (uint8_t)prng_next(&prng);
		const struct zone *zone = zone_in(bytes, berlin_size);
		if (zone != NULL) {
			const struct civil_now now = zone_civil(zone, prng_next(&prng) % UINT64_C(5662000000000));
			zone_instant(zone, now.day, now.minute);
			zone_shows(zone, now.day, now.minute, 60);
			read++;
		}
	}
	cr_assert_gt(read, 100);
	cr_assert_lt(read, 1400);
}

/* Of the files that the system does not have: a rule by day of the year, standard time alone, and none. */
static const struct zone *berlin_with_rule(const char *rule)
{
	uint8_t bytes[sizeof berlin + 64];
	size_t size = berlin_size - 1;
	while (berlin[size - 1] != '\n') {
		size--;
	}
	memcpy(bytes, berlin, size);
	memcpy(bytes + size, rule, strlen(rule));
	size += strlen(rule);
	bytes[size++] = '\n';
	return zone_in(bytes, size);
}

Test(zone, the_rule_at_the_end_of_a_file_is_carried_out, .init = begin_files, .fini = end_files)
{
	const uint64_t in_2040_01 = 2209032000; /* 2040-01-01 12:00 UTC */
	const uint64_t in_2040_07 = in_2040_01 + UINT64_C(182) * 86400;
	cr_assert_str_eq(shown(berlin_with_rule("CET-1CEST,M3.5.0,M10.5.0/3"), in_2040_07), "2040-07-01 14:00");
	cr_assert_str_eq(shown(berlin_with_rule("CET-1CEST,J60,J300"), in_2040_01), "2040-01-01 13:00");
	cr_assert_str_eq(shown(berlin_with_rule("CET-1CEST,J60,J300"), in_2040_07), "2040-07-01 14:00");
	cr_assert_str_eq(shown(berlin_with_rule("<+0130>-1:30<-03>3,300/-1:30,59/167"), in_2040_01),
			 "2040-01-01 09:00");
	cr_assert_str_eq(shown(berlin_with_rule("<+0130>-1:30<-03>3,300/-1:30,59/167"), in_2040_07),
			 "2040-07-01 13:30");
	cr_assert_str_eq(shown(berlin_with_rule("ABC-5:45:30"), in_2040_07), "2040-07-01 17:45");
	const struct zone *leap = berlin_with_rule("CET-1CEST,J60/0,J300"); /* J60 is March 1, leap year or not */
	cr_assert_str_eq(shown(leap, 2214169200 - 1), "2040-02-29 23:59");
	cr_assert_str_eq(shown(leap, 2214169200), "2040-03-01 01:00");
	const char *const refused[] = {"CET",
				       "CE-1",
				       "CET-1CEST",
				       "CET-1CEST,M3.5.0",
				       "CET-25",
				       "CET-1:60",
				       "CET-1CEST,M13.5.0,0",
				       "CET-1CEST,M3.6.0,0",
				       "CET-1CEST,J0,1",
				       "CET-1CEST,0,366",
				       "CET-1CEST,0/168,1",
				       "CET-1CEST,0,1,",
				       "<+01-1",
				       "CET-1 "};
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		cr_assert_null(berlin_with_rule(refused[i]), "took '%s'", refused[i]);
	}
}
