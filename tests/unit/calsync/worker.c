/*
 * Proves: what is hostile costs its calendar and no other: it ends by itself with its events cut, and a process that
 * crashes, or is killed for its time, is a reason, not the end.
 */
#include <calsync/worker.h>
#include <calsync/zones.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

static const struct busy_interval window = {20605 * MINUTES_PER_DAY, 20665 * MINUTES_PER_DAY}; /* from 2026-06-01 on */

TestSuite(worker, .init = zones_init);

static struct buffer text;
static struct worker worker;
static struct expansion expansion;
static struct error error;

/* So many events of so many bytes of seconds each, none of which the 30th of February has; and one that is there. */
static void start(int hostile)
{
	buffer_empty(&text);
	buffer_format(&text, "BEGIN:VCALENDAR\n");
	for (int i = 0; i < hostile; i++) {
		buffer_format(&text,
			      "BEGIN:VEVENT\nUID:%d\nDTSTART:19960101T000000Z\n"
			      "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30\nEND:VEVENT\n",
			      i);
	}
	buffer_format(&text,
		      "BEGIN:VEVENT\nUID:z\nDTSTART:20260610T090000Z\nDURATION:PT30M\nEND:VEVENT\nEND:VCALENDAR\n");
	const struct expansion_asked asked = {{text.at, text.size}, "UTC", window, 5000};
	cr_assert(worker_start(&worker, &asked, &error), "%s", error.text);
}

static bool finish(void)
{
	struct pollfd wait = {.fd = worker.fd, .events = POLLIN};
	do {
		cr_assert_gt(poll(&wait, 1, 120000), 0);
	} while (!worker_read(&worker));
	return worker_finish(&worker, &window, &expansion, &error);
}

Test(worker, answers_what_the_calendar_says)
{
	start(0);
	cr_assert(finish(), "%s", error.text);
	cr_assert_eq(expansion.count, 1);
	cr_assert_eq(expansion.intervals[0].start, window.start + 9 * MINUTES_PER_DAY + 9 * 60);
	cr_assert_eq(expansion.intervals[0].end, expansion.intervals[0].start + 30);
	cr_assert_eq(expansion.cut, 0);
	free(expansion.intervals);
}

Test(worker, thousands_of_rules_of_seconds_end)
{
	start(2000);
	cr_assert(finish(), "%s", error.text);
	cr_assert_eq(expansion.count, 1, "what can be followed is");
	cr_assert_eq(expansion.cut, 2000);
	free(expansion.intervals);
}

Test(worker, a_crash_is_a_reason)
{
	static const struct {
		int signal;
		const char *reason;
	} ends[] = {{SIGSEGV, "failed"}, {SIGXCPU, "takes more than"}};
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		start(2000);
		kill(worker.pid, ends[i].signal);
		cr_assert_not(finish());
		cr_assert_not_null(strstr(error.text, ends[i].reason), "%s", error.text);
		cr_assert_null(expansion.intervals);
	}
}

Test(worker, one_that_is_not_waited_for_is_gone)
{
	start(2000);
	const pid_t pid = worker.pid;
	cr_assert_not(worker_finish(&worker, &window, &expansion, &error));
	cr_assert_eq(kill(pid, 0), -1);
}
