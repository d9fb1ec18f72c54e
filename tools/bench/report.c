/*
 * report: see report.h.
 */
#include <bench/report.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define CLEAR_LINE "\r\033[K"

void report_init(struct report *report)
{
	*report = (struct report){.terminal = isatty(STDERR_FILENO) == 1};
	lock_init(&report->lock);
}

void report_fini(struct report *report)
{
	lock_fini(&report->lock);
}

void report_fail(struct report *report, const char *format, ...)
{
	/* Relaxed: a count; what failed is told by the line, not through memory. */
	const uint32_t before = atomic_fetch_add_explicit(&report->failures, 1, memory_order_relaxed);
	if (before >= FAILURES_SHOWN_MAX) {
		return;
	}
	lock_take(&report->lock);
	va_list arguments;
	va_start(arguments, format);
	fputs(report->terminal ? CLEAR_LINE "FAIL: " : "FAIL: ", stderr);
	vfprintf(stderr, format, arguments);
	fputs(before + 1 == FAILURES_SHOWN_MAX ? " (further failures are not shown)\n" : "\n", stderr);
	va_end(arguments);
	lock_give(&report->lock);
}

bool report_failed(const struct report *report)
{
	return atomic_load_explicit(&report->failures, memory_order_relaxed) > 0;
}

void report_progress(const struct report *report, const char *format, ...)
{
	if (!report->terminal) {
		return;
	}
	va_list arguments;
	va_start(arguments, format);
	fputs(CLEAR_LINE, stderr);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
}

void report_progress_end(const struct report *report)
{
	if (report->terminal) {
		fputs(CLEAR_LINE, stderr);
	}
}

void report_range_add(struct report_range *range, uint32_t value, bool first)
{
	range->least = first || value < range->least ? value : range->least;
	range->greatest = first || value > range->greatest ? value : range->greatest;
}

void report_table_head(void)
{
	puts("| level | races | successful | refused | duplicates | avg ms | min ms | p50 ms | p99 ms | max ms "
	     "| total time ms | RSS MB |\n"
	     "|------:|------:|-----------:|--------:|-----------:|-------:|-------:|-------:|-------:|-------:"
	     "|--------------:|-------:|");
}

static void print_range(const struct report_range *range, int width)
{
	char text[32];
	if (range->least == range->greatest) {
		snprintf(text, sizeof text, "%" PRIu32, range->least);
	} else {
		snprintf(text, sizeof text, "%" PRIu32 "-%" PRIu32, range->least, range->greatest);
	}
	printf("| %*s ", width, text);
}

static double ms(double ns)
{
	return ns / 1e6;
}

void report_table_row(const struct report_level *level)
{
	const struct histogram *latency = &level->latency_ns;
	printf("| %5" PRIu32 " | %5" PRIu32 " ", level->level, level->races);
	print_range(&level->winners, 10);
	print_range(&level->refused, 7);
	printf("| %10" PRIu64 " | %6.2f | %6.2f | %6.2f | %6.2f | %6.2f | %13.2f | %6.1f |\n", level->duplicates,
	       ms(histogram_average(latency)), ms((double)latency->least), ms((double)histogram_quantile(latency, 0.5)),
	       ms((double)histogram_quantile(latency, 0.99)), ms((double)latency->greatest),
	       ms((double)level->race_ns / (level->races > 0 ? level->races : 1)), (double)level->rss_bytes / 1e6);
	fflush(stdout);
}
