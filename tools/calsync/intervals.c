/*
 * intervals: see the header.
 */
#include <base/check.h>
#include <calsync/intervals.h>
#include <calsync/zones.h>
#include <stdlib.h>

#define DAY INT64_C(86400)

void spells_add(struct spells *spells, int64_t start, int64_t end)
{
	if (start >= end) {
		return;
	}
	if (spells->count == spells->capacity) {
		spells->capacity = spells->capacity == 0 ? 256 : 2 * spells->capacity;
		spells->at = realloc(spells->at, spells->capacity * sizeof *spells->at);
		CHECK(spells->at != NULL);
	}
	spells->at[spells->count++] = (struct spell){start, end};
}

void spells_fini(struct spells *spells)
{
	free(spells->at);
	*spells = (struct spells){0};
}

static int compare_spells(const void *a, const void *b)
{
	const struct spell *first = a;
	const struct spell *second = b;
	return (first->start > second->start) - (first->start < second->start);
}

static void spells_merge(struct spells *spells)
{
	if (spells->count == 0) {
		return;
	}
	qsort(spells->at, spells->count, sizeof *spells->at, compare_spells);
	size_t last = 0;
	for (size_t i = 1; i < spells->count; i++) {
		if (spells->at[i].start > spells->at[last].end) {
			spells->at[++last] = spells->at[i];
		} else if (spells->at[i].end > spells->at[last].end) {
			spells->at[last].end = spells->at[i].end;
		}
	}
	spells->count = last + 1;
}

static int compare_intervals(const void *a, const void *b)
{
	const struct busy_interval *first = a;
	const struct busy_interval *second = b;
	return (first->start > second->start) - (first->start < second->start);
}

uint32_t intervals_merge(struct busy_interval *intervals, uint32_t count)
{
	if (count == 0) {
		return 0;
	}
	qsort(intervals, count, sizeof *intervals, compare_intervals);
	uint32_t last = 0;
	for (uint32_t i = 1; i < count; i++) {
		if (intervals[i].start > intervals[last].end) {
			intervals[++last] = intervals[i];
		} else if (intervals[i].end > intervals[last].end) {
			intervals[last].end = intervals[i].end;
		}
	}
	return last + 1;
}

struct civil_list {
	struct busy_interval window;
	struct busy_interval *intervals;
	uint32_t count;
	uint32_t capacity;
};

/* Whole minutes, inside the window. */
static void add_civil(struct civil_list *list, int64_t start, int64_t end)
{
	const int64_t first = start < 0 ? 0 : start / 60;
	const int64_t behind = end < 0 ? 0 : (end + 59) / 60;
	const int64_t from = first > list->window.start ? first : list->window.start;
	const int64_t to = behind < list->window.end ? behind : list->window.end;
	if (from >= to) {
		return;
	}
	if (list->count == list->capacity) {
		list->capacity = list->capacity == 0 ? 256 : 2 * list->capacity;
		list->intervals = realloc(list->intervals, list->capacity * sizeof *list->intervals);
		CHECK(list->intervals != NULL);
	}
	list->intervals[list->count++] = (struct busy_interval){(uint32_t)from, (uint32_t)to};
}

/* When, in (from, to], the clocks begin to show something else than they did at `from`. */
static int64_t find_change(icaltimezone *zone, int64_t from, int64_t to)
{
	const int64_t offset = zone_to_civil(zone, from) - from;
	while (to - from > 1) {
		const int64_t middle = from + (to - from) / 2;
		if (zone_to_civil(zone, middle) - middle == offset) {
			from = middle;
		} else {
			to = middle;
		}
	}
	return to;
}

/* Cuts a spell where the clocks change: each piece is one interval of the civil clock. */
static void add_spell(struct civil_list *list, icaltimezone *zone, struct spell spell)
{
	while (spell.start < spell.end) {
		const int64_t offset = zone_to_civil(zone, spell.start) - spell.start;
		int64_t piece = spell.start;
		do {
			const int64_t next = piece + DAY < spell.end ? piece + DAY : spell.end;
			if (zone_to_civil(zone, next) - next != offset) {
				piece = find_change(zone, piece, next);
				break;
			}
			piece = next;
		} while (piece < spell.end);
		/* What the clocks skip belongs to what is around it: a day is a whole one. */
		const int64_t shown = piece < spell.end ? zone_to_civil(zone, piece) : 0;
		add_civil(list, spell.start + offset, shown > piece + offset ? shown : piece + offset);
		spell.start = piece;
	}
}

uint32_t spells_civil(struct spells *spells, icaltimezone *zone, const struct busy_interval *window,
		      struct busy_interval **intervals)
{
	struct civil_list list = {.window = *window};
	/* No clock is more than a day from UTC. */
	const int64_t from = (int64_t)window->start * 60 - DAY;
	const int64_t to = (int64_t)window->end * 60 + DAY;
	spells_merge(spells);
	for (size_t i = 0; i < spells->count; i++) {
		const struct spell spell = {spells->at[i].start > from ? spells->at[i].start : from,
					    spells->at[i].end < to ? spells->at[i].end : to};
		add_spell(&list, zone, spell);
	}
	*intervals = list.intervals;
	return intervals_merge(list.intervals, list.count);
}
