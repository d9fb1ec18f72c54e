/*
 * hours: the weekly hours of a psychologist, from which the server opens slots day by day.
 *
 *   Europe/Berlin 50 10 mon 09:00-12:00,13:00-17:00 wed 10:00-14:00 EXCEPT 2031-12-24 2031-12-26 closed
 *   zone          minutes gap  day ranges ...                      from       to         ranges, or closed
 *
 * Each range has slots of so many minutes, with the gap between them, as many as fit. An exception says what the days of a
 * date range have instead. Days and times are civil, in the zone: a slot that the clock does not show all of that day
 * is left out, and one it shows twice is there once.
 *
 * How far they are carried out is part of what the log remembers of them (struct hours_plan):
 *
 *   today ............. opened .................. until ..................
 *   as `now` says       as `was` said, so far     not yet
 *
 * Days before `opened` are done. When the hours are changed, those that were opened by the hours before, up to `until`, are
 * gone through again: slots that only those had are closed, slots that only these have are opened, and what both have stays
 * as it is, whatever was done to it by hand.
 *
 * Threads: any.
 */
#pragma once

#include <base/bytes.h>
#include <base/error.h>
#include <base/limits.h>
#include <slot/zone.h>

/* [start, end) of a day in minutes; `end` may be its end. */
struct hours_range {
	uint16_t start;
	uint16_t end;
};

struct hours_days {
	uint16_t from; /* an exception's first and last day; else 0 */
	uint16_t to;
	uint16_t first; /* of its ranges */
	uint16_t count;
};

struct hours {
	struct span zone; /* its name; borrowed from what was read */
	uint16_t minutes;
	uint16_t gap;
	struct hours_days week[7]; /* Monday first */
	struct hours_days exceptions[HOURS_EXCEPTIONS_MAX];
	uint32_t exception_count;
	struct hours_range ranges[HOURS_RANGES_MAX];
	uint32_t range_count;
};

/* Reads the words zone minutes gap ..., which it borrows. False, with what is wrong and allowed (ERROR_NO_SPACE: more than
 * a limit), for what are no hours. Whether
 * the system knows the zone is not asked. */
bool hours_read(const struct span *words, size_t count, struct hours *hours, struct error *error);
/* The same of a text with blanks between them, as hours_write writes it: one that was read before. False if it is none. */
bool hours_read_text(struct span text, struct hours *hours);
/* Adds the words, a blank between them: days in order, exceptions by date. */
void hours_write(const struct hours *hours, struct buffer *text);

/* When the slots of a day start, in order, whatever the clock shows; returns how many. */
size_t hours_of_day(const struct hours *hours, uint16_t day, uint16_t starts[static HOURS_DAY_SLOTS_MAX]);

struct hours_plan {
	uint16_t opened; /* the first day that is not done */
	uint16_t until;  /* days before it may have slots of `was` */
	bool has_was;
	struct span now; /* texts; empty: none */
	struct span was;
};
/* Reads what the log remembers; the texts are borrowed. False if it is not that. */
bool hours_plan_read(struct span text, struct hours_plan *plan);
/* The name of the zone of `now`, of what is a plan, without reading the rest; empty if there are no hours. */
struct span hours_plan_zone(struct span text);
/* Adds it: `opened|now` or `opened|now|until|was`; nothing if there is nothing left to remember. */
void hours_plan_write(const struct hours_plan *plan, struct buffer *text);
