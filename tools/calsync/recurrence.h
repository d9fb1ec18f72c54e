/*
 * recurrence: the starts that a rule (RRULE) names inside a window, in bounded time.
 *
 * libical's iterator does the rules. It is told where to stop, so that a rule that names nothing ends, and is started near the
 * window, in step with the rule, so that the years between do not count; a rule with COUNT has to be counted from its first.
 * What it needs inside, too, is paid from a budget: when that is spent, the rest of the window is cut off, and it says so.
 *
 * Times are civil seconds since 1970, in the zone of the event.
 *
 * Threads: one, as everything that touches libical.
 */
#pragma once

#include <libical/ical.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct times {
	int64_t *at;
	size_t count;
	size_t capacity;
};

void times_add(struct times *times, int64_t at);
void times_fini(struct times *times);

/* Steps left: of the event, of the calendar. */
struct budget {
	uint64_t event;
	uint64_t calendar;
};

/* Which starts matter: those in [from, to), of which `most` may be from `counted_from` on. */
struct reach {
	int64_t from;
	int64_t counted_from;
	int64_t to;
	uint32_t most;
	struct budget budget;
};

/* Adds the starts of `rule` within reach, for an event that starts at `start`. False when that is not all: the budget or
 * `most` is spent. A rule that is none adds nothing. UNTIL is civil, as `start` is. */
bool recurrence_add(struct times *times, struct icalrecurrencetype rule, int64_t start, bool is_date,
		    struct reach *reach);
