/*
 * zone_map: in which zone each psychologist's civil clock is, for those who have one of their own.
 *
 * Asked on every claim, so without a lock: a table of psychologists and zones, which only grows; when it is full, a larger one
 * takes its place, and the old one stays for who is still looking.
 *
 * Threads: get, any; the others, any, under a lock of their own (a leaf), one change of a psychologist at a time.
 */
#pragma once

#include <base/lock.h>
#include <base/memory.h>
#include <slot/zone.h>

struct zone_cells;

struct zone_map {
	/* const after zone_map_init */
	struct memory *memory;
	/* guards who writes to cells, and count */
	struct lock lock;
	uint32_t count;
	_Atomic(struct zone_cells *) cells; /* release, acquire; NULL: nobody has a zone */
};

void zone_map_init(struct zone_map *map, struct memory *memory);
void zone_map_fini(struct zone_map *map);

/* Makes sure that a zone can be set for one psychologist more. False when memory is spent. */
bool zone_map_reserve(struct zone_map *map, bool promised);
/* The psychologist's clock is in this zone (NULL: the server's) by the record at `lsn`. Reserved before, unless it was set
 * before. */
void zone_map_set(struct zone_map *map, uint32_t psychologist, const struct zone *zone, uint64_t lsn);

/* The zone of the psychologist's clock. *lsn is raised to what that depends on. */
const struct zone *zone_map_get(const struct zone_map *map, uint32_t psychologist, uint64_t *lsn);
