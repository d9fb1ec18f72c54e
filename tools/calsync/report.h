/*
 * report: what a run says: lines like the server's (serve/log_line.h) on standard error, and on a terminal how far it is.
 *
 * A line names psychologists and hosts, never more of a url, and nothing of what stands in a calendar.
 *
 * Threads: one.
 */
#pragma once

#include <calsync/calendar.h>
#include <calsync/server.h>
#include <serve/log_line.h>

#define REPORT_SLOTS_SIZE 1024

struct report {
	bool is_terminal;
	uint64_t began_ns;
	uint64_t shown_ns;
	size_t calendars;
	size_t fresh; /* with those that are unchanged */
	size_t unchanged;
	size_t failed;
	size_t cut;  /* calendars with events that were cut short */
	size_t told; /* psychologists */
	size_t untold;
	uint64_t intervals;
	struct told totals;
};

void report_begin(struct report *report);
/* A round_progress_f. */
void report_progress(void *context, size_t done, size_t all);
/* What became of the calendars. */
void report_fetched(struct report *report, const struct calendar *calendars, size_t count);
/* What the server said; `reason` why it was not told, or NULL. */
void report_psychologist(struct report *report, const char *psychologist, const char *reason, uint32_t intervals,
			 const struct told *told, const char *slots);
/* --show: the intervals, one a line, on standard output. */
void report_show(const char *psychologist, const struct busy_interval *intervals, uint32_t count);
/* The summary; true if everything is fresh. */
bool report_end(struct report *report);
