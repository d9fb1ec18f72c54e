/*
 * ids: see the header.
 */
#include "ids.h"

#include <base/check.h>
#include <base/hash.h>
#include <stdlib.h>

#define CAPACITY_LEAST 1024

/* The cell that holds the id, or the empty one where it would go. */
static uint64_t *cell_of(const struct ids *ids, uint64_t id)
{
	size_t at = (size_t)hash_u64(id, 0) & (ids->capacity - 1);
	while (ids->cells[at] != 0 && ids->cells[at] != id) {
		at = (at + 1) & (ids->capacity - 1);
	}
	return &ids->cells[at];
}

static void grow(struct ids *ids)
{
	const struct ids old = *ids;
	ids->capacity = old.capacity == 0 ? CAPACITY_LEAST : 2 * old.capacity;
	ids->cells = calloc(ids->capacity, sizeof *ids->cells);
	CHECK(ids->cells != NULL);
	for (size_t i = 0; i < old.capacity; i++) {
		if (old.cells[i] != 0) {
			*cell_of(ids, old.cells[i]) = old.cells[i];
		}
	}
	free(old.cells);
}

void ids_add(struct ids *ids, uint64_t id)
{
	CHECK(id != 0);
	if (2 * (ids->count + 1) > ids->capacity) {
		grow(ids);
	}
	uint64_t *cell = cell_of(ids, id);
	ids->count += *cell == 0;
	*cell = id;
}

bool ids_has(const struct ids *ids, uint64_t id)
{
	return ids->capacity != 0 && *cell_of(ids, id) == id;
}

void ids_fini(struct ids *ids)
{
	free(ids->cells);
}
