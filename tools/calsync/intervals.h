/*
 * intervals: times of UTC collected, then as civil minutes of one zone, merged and in order.
 *
 * Threads: one, as everything that touches libical.
 */
#pragma once

#include <libical/ical.h>
#include <slot/busy.h>

struct spell {
	int64_t start; /* seconds since 1970 UTC */
	int64_t end;
};

struct spells {
	struct spell *at;
	size_t count;
	size_t capacity;
};

/* Nothing is added for one that is empty. */
void spells_add(struct spells *spells, int64_t start, int64_t end);
void spells_fini(struct spells *spells);

/* What the clocks of `zone` show meanwhile, inside the window, merged; the caller frees *intervals. Sorts the spells. */
uint32_t spells_civil(struct spells *spells, icaltimezone *zone, const struct busy_interval *window,
		      struct busy_interval **intervals);

/* Puts intervals in order and merges what overlaps or touches; returns how many are left. */
uint32_t intervals_merge(struct busy_interval *intervals, uint32_t count);
