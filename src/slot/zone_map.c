/*
 * zone_map: open addressing, at most half full. A cell is written value first, then its psychologist, and neither ever goes.
 */
#include <assert.h>
#include <base/check.h>
#include <base/hash.h>
#include <base/limits.h>
#include <slot/zone_map.h>
#include <stdatomic.h>
#include <stdlib.h>

/* A half has room for all workers at once between zone_map_reserve and zone_map_set. */
#define CELLS_FIRST 256
static_assert(CELLS_FIRST / 2 > THREADS_MAX + 1, "room for all");

/* lsn times 65,536, and the number of the zone, 0 for the server's. */
#define ZONE_BITS 16
static_assert(ZONES_MAX < 1 << ZONE_BITS, "the number of a zone fits");

struct zone_cell {
	_Atomic uint64_t value;
	_Atomic uint32_t psychologist; /* 0: free */
};

struct zone_cells {
	struct zone_cells *older; /* for who is still looking there */
	uint32_t size;            /* a power of two */
	struct zone_cell at[];
};

void zone_map_init(struct zone_map *map, struct memory *memory)
{
	map->memory = memory;
	map->count = 0;
	atomic_init(&map->cells, NULL);
	lock_init(&map->lock);
}

void zone_map_fini(struct zone_map *map)
{
	struct zone_cells *cells = atomic_load_explicit(&map->cells, memory_order_relaxed); /* nobody else is left */
	while (cells != NULL) {
		struct zone_cells *older = cells->older;
		free(cells);
		cells = older;
	}
	lock_fini(&map->lock);
}

static size_t bytes_of(uint32_t size)
{
	return sizeof(struct zone_cells) + size * sizeof(struct zone_cell);
}

/* The psychologist's cell, or the free one where it would be. */
static struct zone_cell *cell_of(struct zone_cells *cells, uint32_t psychologist)
{
	for (uint64_t i = hash_u64(psychologist, 0);; i++) {
		struct zone_cell *cell = &cells->at[i & (cells->size - 1)];
		const uint32_t there = atomic_load_explicit(&cell->psychologist, memory_order_acquire);
		if (there == psychologist || there == 0) {
			return cell; /* acquire; pairs with write_cell */
		}
	}
}

static bool write_cell(struct zone_cells *cells, uint32_t psychologist, uint64_t value)
{
	struct zone_cell *cell = cell_of(cells, psychologist);
	const bool is_new = atomic_load_explicit(&cell->psychologist, memory_order_relaxed) == 0; /* under the lock */
	atomic_store_explicit(&cell->value, value, memory_order_release);               /* pairs with zone_map_get */
	atomic_store_explicit(&cell->psychologist, psychologist, memory_order_release); /* pairs with cell_of */
	return is_new;
}

/* A table of twice the size in place of the one there is. */
static bool grow(struct zone_map *map, struct zone_cells *cells, bool promised)
{
	const uint32_t size = cells != NULL ? 2 * cells->size : CELLS_FIRST;
	if (promised) {
		memory_force(map->memory, bytes_of(size));
	} else if (!memory_take(map->memory, bytes_of(size))) {
		return false;
	}
	struct zone_cells *larger = calloc(1, bytes_of(size));
	if (larger == NULL) {
		memory_give(map->memory, bytes_of(size));
		return false;
	}
	larger->size = size;
	larger->older = cells;
	for (uint32_t i = 0; cells != NULL && i < cells->size; i++) {
		/* Relaxed, both: under the lock. */
		const uint32_t there = atomic_load_explicit(&cells->at[i].psychologist, memory_order_relaxed);
		if (there != 0) {
			write_cell(larger, there, atomic_load_explicit(&cells->at[i].value, memory_order_relaxed));
		}
	}
	atomic_store_explicit(&map->cells, larger, memory_order_release); /* pairs with zone_map_get */
	return true;
}

bool zone_map_reserve(struct zone_map *map, bool promised)
{
	lock_take(&map->lock);
	struct zone_cells *cells = atomic_load_explicit(&map->cells, memory_order_relaxed); /* under the lock */
	const bool full = cells == NULL || 2 * (map->count + 1) > cells->size;
	const bool reserved = !full || grow(map, cells, promised);
	lock_give(&map->lock);
	return reserved;
}

void zone_map_set(struct zone_map *map, uint32_t psychologist, const struct zone *zone, uint64_t lsn)
{
	CHECK(psychologist != 0);
	lock_take(&map->lock);
	struct zone_cells *cells = atomic_load_explicit(&map->cells, memory_order_relaxed); /* under the lock */
	CHECK(map->count < cells->size - 1);
	map->count += write_cell(cells, psychologist, lsn << ZONE_BITS | (zone != NULL ? zone_number(zone) : 0));
	lock_give(&map->lock);
}

const struct zone *zone_map_get(const struct zone_map *map, uint32_t psychologist, uint64_t *lsn)
{
	struct zone_cells *cells = atomic_load_explicit(&map->cells, memory_order_acquire); /* pairs with grow */
	if (cells == NULL) {
		return civil_zone();
	}
	/* Acquire; pairs with write_cell. */
	const uint64_t value = atomic_load_explicit(&cell_of(cells, psychologist)->value, memory_order_acquire);
	*lsn = value >> ZONE_BITS > *lsn ? value >> ZONE_BITS : *lsn;
	const uint32_t number = value & ((1u << ZONE_BITS) - 1);
	return number != 0 ? zone_at(number) : civil_zone();
}
