/*
 * series: the events of one UID, as the spells at which they make busy.
 *
 * Threads: one, as everything that touches libical.
 */
#pragma once

#include <calsync/event.h>
#include <calsync/intervals.h>

struct unrolling {
	icaltimezone *home;
	int64_t from; /* the window, UTC */
	int64_t to;
	uint32_t occurrences_max;
	uint64_t budget; /* steps left for the calendar (calsync/recurrence.h) */
	struct reading *reading;
	/* what comes out */
	struct spells busy;
	uint32_t occurrences;
	uint32_t cut; /* events that have more than may be */
};

/* `events` are of one UID: masters, then overrides by what they replace, the newest of several first. */
void series_unroll(struct event *events, size_t count, struct unrolling *unrolling);
