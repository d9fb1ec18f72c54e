/*
 * pool: fixed-size records with numbers 1, 2, 3, ... that never move.
 *
 * A record given back keeps its bytes and its type until it is taken again: a thread that still holds an old number
 * reads a valid, if outdated, record and finds out by looking at what it says (its key, its state word). That is what
 * lets claims and reads go without locks. Number 0 means none.
 *
 * Beside each record there may be another few bytes that most records never need: zero at first, they take no memory before one
 * of their page is written. They are the caller's as the record is, but nobody clears them either.
 *
 * The pool bounds numbers by address space only; the budget is the affair of whoever knows what a record costs.
 *
 * Synchronization (- free, X caller excludes):      take  give  at  place
 *   take / give                                       -     -    -    X
 *   at, beside                                        -     -    -    -
 *   place, settle (replay, before there are others)   X     X    -    X
 */
#pragma once

#include <base/lock.h>
#include <base/memory.h>

struct pool {
	/* const after pool_init */
	size_t record_size;
	size_t beside_size;
	uint32_t count_max;
	uint8_t *records; /* region.base: where number 0 would be */
	uint8_t *besides; /* the same of beside_region */
	/* guarded by lock */
	struct lock lock;
	struct region region;
	struct region beside_region;
	struct region free_region; /* room for every number of the region, so that giving back never fails */
	uint32_t free_count;       /* numbers given back, a stack in free_region */
	uint32_t reached;          /* numbers up to this one are usable, and what is ahead of them ready */
	bool placing;              /* replay: numbers come from the log, pool_settle finds the free ones */
	/* shared: written under lock, read by any; numbers in 1 .. used were taken at least once */
	_Atomic uint32_t used;
};

/* Reserves address space for MEMORY_ADDRESS_FACTOR times as many records as fit in `limit` bytes. `beside_size`: of what is
 * beside a record, or 0. */
bool pool_init(struct pool *pool, uint64_t limit, size_t record_size, size_t beside_size, struct error *error);
void pool_fini(struct pool *pool);

/* Takes a record, zero-filled if it was never taken, else as it was given back. 0 when address space is used up or the
 * kernel refuses memory. */
uint32_t pool_take(struct pool *pool);
void pool_give(struct pool *pool, uint32_t number);
/* Takes so many at once that were never taken, numbers in a row; returns the first, 0 as above. */
uint32_t pool_take_many(struct pool *pool, uint32_t count);

/* Was this number ever taken? If so pool_at may be asked. Acquire; pairs with pool_take and pool_place. */
static inline bool pool_has(const struct pool *pool, uint32_t number)
{
	return number != 0 && number <= atomic_load_explicit(&pool->used, memory_order_acquire);
}

/* Replay: makes sure that this number and those before it can be used, growing the pool to reach it. False when it cannot. From
 * the first of these calls on, the pool does not know which of its numbers are free, until pool_settle is told by `is_free`. */
bool pool_place(struct pool *pool, uint32_t number);
typedef bool pool_is_free_f(const void *record);
void pool_settle(struct pool *pool, pool_is_free_f *is_free);

/* The record; stays valid for the life of the pool. */
static inline void *pool_at(const struct pool *pool, uint32_t number)
{
	return pool->records + (size_t)number * pool->record_size;
}

/* What is beside it. */
static inline void *pool_beside(const struct pool *pool, uint32_t number)
{
	return pool->besides + (size_t)number * pool->beside_size;
}
