/*
 * pool: a region of records, and a stack of those given back. See base/pool.h.
 *
 * The stack is last in, first out: what was given back a moment ago is still in some cache.
 */
#include <base/bytes.h>
#include <base/check.h>
#include <base/pool.h>

static uint32_t *free_numbers(const struct pool *pool)
{
	return (uint32_t *)(void *)pool->free_region.base;
}

/* All or none. A pool without besides has a region of one page for them, so that there is one way for all. */
static bool reserve(struct pool *pool, size_t count, struct error *error)
{
	const size_t beside_size = pool->beside_size > 0 ? count * pool->beside_size : 1;
	if (!region_reserve(&pool->region, count * pool->record_size, error)) {
		return false;
	}
	if (!region_reserve(&pool->beside_region, beside_size, error)) {
		goto undo_region;
	}
	if (!region_reserve(&pool->free_region, count * sizeof(uint32_t), error)) {
		goto undo_beside;
	}
	return true;

undo_beside:
	region_release(&pool->beside_region);
undo_region:
	region_release(&pool->region);
	return false;
}

bool pool_init(struct pool *pool, uint64_t limit, size_t record_size, size_t beside_size, struct error *error)
{
	CHECK(record_size > 0 && record_size % sizeof(uint64_t) == 0 && beside_size % sizeof(uint64_t) == 0);
	const uint64_t fit = limit / record_size * MEMORY_ADDRESS_FACTOR + 1;
	*pool = (struct pool){.record_size = record_size,
			      .beside_size = beside_size,
			      .count_max = fit < UINT32_MAX ? (uint32_t)fit : UINT32_MAX - 1};
	const size_t count = (size_t)pool->count_max + 1; /* number 0 has a place, too */
	if (!reserve(pool, count, error)) {
		return false;
	}
	pool->beside_region.sparse = true;
	pool->free_region.unready = true; /* as deep as numbers are given back */
	pool->records = pool->region.base;
	pool->besides = pool->beside_region.base;
	lock_init(&pool->lock);
	atomic_init(&pool->used, 0);
	return true;
}

void pool_fini(struct pool *pool)
{
	lock_fini(&pool->lock);
	region_release(&pool->free_region);
	region_release(&pool->beside_region);
	region_release(&pool->region);
}

/* Records at a time that are made usable: less than a small step of the region of the largest of them (base/memory.h). */
#define STRIDE 64

static bool make_usable(struct pool *pool, uint32_t number) REQUIRES(pool->lock)
{
	const size_t count = (size_t)number + 1;
	return region_commit(&pool->free_region, count * sizeof(uint32_t)) &&
	       region_commit(&pool->beside_region, count * pool->beside_size) &&
	       region_commit(&pool->region, count * pool->record_size);
}

/* Makes numbers up to this one usable. */
static bool reach(struct pool *pool, uint32_t number) REQUIRES(pool->lock)
{
	if (number > pool->reached) {
		const uint32_t stride = pool->count_max - number < STRIDE ? 0 : STRIDE;
		if (number > pool->count_max || !make_usable(pool, number + stride)) {
			return false;
		}
		pool->reached = number + stride;
	}
	atomic_store_explicit(&pool->used, number, memory_order_release); /* pairs with pool_has */
	return true;
}

uint32_t pool_take(struct pool *pool)
{
	lock_take(&pool->lock);
	CHECK(!pool->placing);
	uint32_t number;
	if (pool->free_count > 0) {
		number = free_numbers(pool)[--pool->free_count];
	} else {
		/* Relaxed: written under this lock. */
		number = atomic_load_explicit(&pool->used, memory_order_relaxed) + 1;
		number = reach(pool, number) ? number : 0;
	}
	lock_give(&pool->lock);
	write_ahead(pool_at(pool, number));
	return number;
}

uint32_t pool_take_many(struct pool *pool, uint32_t count)
{
	lock_take(&pool->lock);
	CHECK(!pool->placing && count > 0);
	/* Relaxed: written under this lock. */
	const uint32_t used = atomic_load_explicit(&pool->used, memory_order_relaxed);
	const bool reached = count <= pool->count_max - used && reach(pool, used + count);
	lock_give(&pool->lock);
	return reached ? used + 1 : 0;
}

void pool_give(struct pool *pool, uint32_t number)
{
	CHECK(pool_has(pool, number));
	lock_take(&pool->lock);
	if (!pool->placing) {
		CHECK(pool->free_count < atomic_load_explicit(&pool->used, memory_order_relaxed)); /* as above */
		free_numbers(pool)[pool->free_count++] = number;
	}
	lock_give(&pool->lock);
}

bool pool_place(struct pool *pool, uint32_t number)
{
	CHECK(number != 0);
	lock_take(&pool->lock);
	pool->placing = true;
	const bool reached = pool_has(pool, number) || reach(pool, number);
	lock_give(&pool->lock);
	return reached;
}

void pool_settle(struct pool *pool, pool_is_free_f *is_free)
{
	lock_take(&pool->lock);
	pool->placing = false;
	pool->free_count = 0;
	/* From the top, so that the lowest numbers are taken first. Relaxed: written under this lock. */
	for (uint32_t number = atomic_load_explicit(&pool->used, memory_order_relaxed); number > 0; number--) {
		if (is_free(pool_at(pool, number))) {
			free_numbers(pool)[pool->free_count++] = number;
		}
	}
	lock_give(&pool->lock);
}
