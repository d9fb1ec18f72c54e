/*
 * report: see the header.
 */
#include <base/clock.h>
#include <calsync/report.h>
#include <inttypes.h>
#include <slot/civil.h>
#include <stdio.h>
#include <unistd.h>

#define SHOW_NS UINT64_C(200000000)

static uint64_t now_ns(void)
{
	const struct clock clock = clock_real();
	return clock_monotonic_ns(&clock);
}

void report_begin(struct report *report)
{
	*report = (struct report){.is_terminal = isatty(STDERR_FILENO) == 1, .began_ns = now_ns()};
}

void report_progress(void *context, size_t done, size_t all)
{
	struct report *report = context;
	const uint64_t now = now_ns();
	if (report->is_terminal && (done == all || now - report->shown_ns > SHOW_NS)) {
		report->shown_ns = now;
		fprintf(stderr, "\r%zu of %zu calendars%s", done, all, done == all ? "\r\033[K" : "");
	}
}

static void report_calendar(struct report *report, const struct calendar *calendar)
{
	const struct expansion *expansion = &calendar->expansion;
	if (calendar->outcome == CALENDAR_FAILED || calendar->outcome == CALENDAR_PENDING) {
		report->failed++;
		log_line(LOG_WARNING, "a calendar is not fresh", "psychologist=%s host=%s reason=\"%s\"",
			 calendar->psychologist, calendar->url.host,
			 calendar->reason[0] != '\0' ? calendar->reason : "not asked");
		return;
	}
	report->fresh++;
	report->unchanged += calendar->outcome == CALENDAR_UNCHANGED;
	report->cut += expansion->cut > 0;
	const uint32_t unreadable = expansion->unreadable + calendar->unreadable_items;
	if (expansion->cut + unreadable + expansion->unknown_zones > 0) {
		log_line(LOG_WARNING, "a calendar has what cannot be followed",
			 "psychologist=%s host=%s events_cut=%" PRIu32 " events_unreadable=%" PRIu32
			 " unknown_zones=%" PRIu32,
			 calendar->psychologist, calendar->url.host, expansion->cut, unreadable,
			 expansion->unknown_zones);
	}
}

void report_fetched(struct report *report, const struct calendar *calendars, size_t count)
{
	report->calendars = count;
	for (size_t i = 0; i < count; i++) {
		report_calendar(report, &calendars[i]);
	}
}

void report_psychologist(struct report *report, const char *psychologist, const char *reason, uint32_t intervals,
			 const struct told *told, const char *slots)
{
	if (reason != NULL) {
		report->untold++;
		log_line(LOG_ERROR, "the server was not told", "psychologist=%s reason=\"%s\"", psychologist, reason);
		return;
	}
	report->told++;
	report->intervals += intervals;
	report->totals.blocked += told->blocked;
	report->totals.unblocked += told->unblocked;
	report->totals.conflicts += told->conflicts;
	if (told->conflicts > 0) {
		log_line(LOG_WARNING, "sessions are booked where a calendar is busy",
			 "psychologist=%s conflicts=%" PRIu64 " slots=\"%s\"", psychologist, told->conflicts, slots);
	}
}

static void print_minute(uint32_t minute, char behind)
{
	char date[CIVIL_DATE_SIZE];
	char time[CIVIL_TIME_SIZE];
	civil_format_date((uint16_t)(minute / MINUTES_PER_DAY), date);
	civil_format_time((uint16_t)(minute % MINUTES_PER_DAY), time);
	printf("%.*sT%.*s%c", CIVIL_DATE_SIZE, date, CIVIL_TIME_SIZE, time, behind);
}

void report_show(const char *psychologist, const struct busy_interval *intervals, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		printf("%s ", psychologist);
		print_minute(intervals[i].start, ' ');
		print_minute(intervals[i].end, '\n');
	}
}

bool report_end(struct report *report)
{
	const bool is_fresh = report->failed + report->cut + report->untold == 0;
	log_line(is_fresh ? LOG_INFO : LOG_WARNING,
		 is_fresh ? "every calendar is fresh" : "not every calendar is fresh",
		 "calendars=%zu fresh=%zu unchanged=%zu failed=%zu psychologists_told=%zu untold=%zu intervals=%" PRIu64
		 " blocked=%" PRIu64 " unblocked=%" PRIu64 " conflicts=%" PRIu64 " seconds=%.1f",
		 report->calendars, report->fresh, report->unchanged, report->failed, report->told, report->untold,
		 report->intervals, report->totals.blocked, report->totals.unblocked, report->totals.conflicts,
		 (double)(now_ns() - report->began_ns) / 1e9);
	return is_fresh;
}
