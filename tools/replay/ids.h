/*
 * ids: a set of session ids.
 *
 * Threads: one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised is empty. */
struct ids {
	uint64_t *cells; /* linear probing; 0 is an empty cell, which no id is */
	size_t capacity; /* a power of two, or 0 */
	size_t count;
};

void ids_add(struct ids *ids, uint64_t id);
bool ids_has(const struct ids *ids, uint64_t id);
void ids_fini(struct ids *ids);
