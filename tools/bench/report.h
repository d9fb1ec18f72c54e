/*
 * report: what the person sees. The table and the verdicts go to stdout as Markdown, failures and progress to stderr;
 * progress only where it is a terminal.
 *
 * A run has failed as soon as one failure was reported, whatever the table says: that is the exit status.
 *
 * Threads: report_fail and report_failed any; the rest the main thread.
 */
#pragma once

#include <base/lock.h>
#include <bench/histogram.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct report {
	struct lock lock; /* one line of stderr at a time */
	bool terminal;    /* is stderr one? const after report_init */
	_Atomic uint32_t failures;
};

void report_init(struct report *report);
void report_fini(struct report *report);

/* Says what is wrong, after "FAIL: ". After FAILURES_SHOWN_MAX of them they are only counted. */
#define FAILURES_SHOWN_MAX 20
void report_fail(struct report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool report_failed(const struct report *report);

void report_progress(const struct report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Takes the line of progress away. */
void report_progress_end(const struct report *report);

/* Least and greatest of a count that should be the same in every race. */
struct report_range {
	uint32_t least;
	uint32_t greatest;
};
void report_range_add(struct report_range *range, uint32_t value, bool first);

/* The races of one level. */
struct report_level {
	uint32_t level; /* connections */
	uint32_t races;
	struct report_range winners; /* of a race */
	struct report_range refused;
	uint64_t duplicates; /* winners after the first, of all races */
	uint64_t slowest_ns; /* the longest of them */
	uint64_t race_ns;    /* from the first request sent to the last answer received, sum over the races */
	uint64_t rss_bytes;  /* of the server, after the last race */
	struct histogram latency_ns;
};

void report_table_head(void);
void report_table_row(const struct report_level *level);
