/*
 * table_set: what is set for a psychologist, and what follows from it: in which zone the clock is. See slot/table.h.
 */
#include "records.h"
#include <slot/hours.h>

/* The zone of the hours, NULL for the server's: there are none, or the system does not know it. */
static const struct zone *zone_of(struct span text)
{
	const struct span zone = hours_plan_zone(text);
	return zone.size > 0 ? zone_find(zone) : NULL;
}

enum settings_outcome table_set(struct table *table, enum setting_kind kind, uint32_t psychologist, struct span text,
				bool promised, settings_append_f *append, void *context, uint64_t *lsn)
{
	const bool zoned = kind == SETTING_HOURS;
	const struct zone *zone = zoned ? zone_of(text) : NULL;
	*lsn = 0;
	if (zoned && !zone_map_reserve(&table->zones, promised)) {
		return SETTINGS_NO_MEMORY;
	}
	const enum settings_outcome outcome =
	    settings_set(&table->settings, kind, psychologist, text, promised, append, context, lsn);
	uint64_t seen_lsn = 0;
	const struct zone *before = zone_map_get(&table->zones, psychologist, &seen_lsn);
	/* An lsn of its own only where the zone is another: what the clock shows does not depend on the rest of the hours. */
	if (zoned && outcome == SETTINGS_CHANGED && (zone != NULL ? zone : civil_zone()) != before) {
		zone_map_set(&table->zones, psychologist, zone, *lsn);
	}
	return outcome;
}
