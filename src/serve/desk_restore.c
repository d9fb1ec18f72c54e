/*
 * desk_restore: from a table that was replayed to one that is served from. At start-up, and at the end of an import.
 */
#include "desk_parts.h"

#include <base/crew.h>

/* Slots by state, as the counters of INFO know them: counted once here, by differences from then on. */
static void count_slots(const struct desk *desk, const struct table_counts *found)
{
	struct counters *counters = service_counters(desk->service);
	count(&counters->slots_open, (int64_t)found->open);
	count(&counters->slots_booked, (int64_t)found->booked);
	count(&counters->slots_held, (int64_t)found->held);
	count(&counters->slots_blocked, (int64_t)found->blocked);
}

bool desk_restore(struct desk *desk, uint64_t newest_ms, struct error *error)
{
	table_restore_done(desk->table);
	struct table_counts found;
	table_count(desk->table, crew_size(), &found);
	count_slots(desk, &found);
	/* Each hold is of a slot. */
	return desk_restore_holds(desk, newest_ms, found.held, error);
}
