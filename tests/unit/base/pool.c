/*
 * Proves: numbers are given out once each, start at 1, come back last in first out with their bytes, and end with the
 * address space; numbers placed by replay are found taken, the gaps between them free. Method: examples.
 */
#include <base/pool.h>
#include <criterion/criterion.h>

struct thing {
	uint64_t taken;
	uint64_t value;
};

static struct pool new_pool(uint64_t limit)
{
	struct pool pool;
	struct error error;
	cr_assert(pool_init(&pool, limit, sizeof(struct thing), sizeof(uint64_t), &error), "%s", error.text);
	return pool;
}

static struct thing *thing_at(struct pool *pool, uint32_t number)
{
	return pool_at(pool, number);
}

Test(pool, numbers_start_at_one_and_records_at_zero)
{
	struct pool pool = new_pool(1 << 20);
	cr_assert_not(pool_has(&pool, 1));
	for (uint32_t number = 1; number <= 30000; number++) {
		cr_assert_eq(pool_take(&pool), number);
		cr_assert_eq(thing_at(&pool, number)->value, 0);
		thing_at(&pool, number)->value = number;
	}
	for (uint32_t number = 1; number <= 30000; number++) {
		cr_assert_eq(thing_at(&pool, number)->value, number);
	}
	cr_assert(pool_has(&pool, 30000));
	cr_assert_not(pool_has(&pool, 30001));
	cr_assert_not(pool_has(&pool, 0));
	pool_fini(&pool);
}

Test(pool, what_was_given_back_last_comes_first_as_it_was)
{
	struct pool pool = new_pool(1 << 20);
	for (uint32_t number = 1; number <= 3; number++) {
		thing_at(&pool, pool_take(&pool))->value = 10 * number;
	}
	pool_give(&pool, 1);
	pool_give(&pool, 3);
	cr_assert_eq(pool_take(&pool), 3);
	cr_assert_eq(thing_at(&pool, 3)->value, 30);
	cr_assert_eq(pool_take(&pool), 1);
	cr_assert_eq(pool_take(&pool), 4);
	pool_fini(&pool);
}

Test(pool, what_is_beside_a_record_is_zero_until_it_is_written_and_stays)
{
	struct pool pool = new_pool(1 << 20);
	for (uint32_t number = 1; number <= 30000; number++) {
		uint64_t *beside = pool_beside(&pool, pool_take(&pool));
		cr_assert_eq(*beside, 0);
		*beside = number;
	}
	pool_give(&pool, 17);
	cr_assert_eq(pool_take(&pool), 17);
	for (uint32_t number = 1; number <= 30000; number++) {
		cr_assert_eq(*(uint64_t *)pool_beside(&pool, number), number);
		cr_assert_eq(thing_at(&pool, number)->value, 0);
	}
	pool_fini(&pool);
}

Test(pool, ends_where_its_address_space_does)
{
	struct pool pool = new_pool(10 * sizeof(struct thing));
	const uint32_t most = 10 * MEMORY_ADDRESS_FACTOR + 1;
	for (uint32_t number = 1; number <= most; number++) {
		cr_assert_eq(pool_take(&pool), number);
	}
	cr_assert_eq(pool_take(&pool), 0);
	for (uint32_t number = 1; number <= most; number++) {
		pool_give(&pool, number);
	}
	cr_assert_eq(pool_take(&pool), most);
	pool_fini(&pool);
}

static bool is_free(const void *record)
{
	return ((const struct thing *)record)->taken == 0;
}

Test(pool, placed_numbers_are_taken_and_those_between_are_free)
{
	struct pool pool = new_pool(1 << 20);
	const uint32_t placed[] = {5, 2, 7};
	for (size_t i = 0; i < 3; i++) {
		cr_assert(pool_place(&pool, placed[i]));
		thing_at(&pool, placed[i])->taken = 1;
	}
	cr_assert_not(pool_place(&pool, UINT32_MAX));
	/* Given back while numbers come from the log: found free at the end like the others, and once. */
	thing_at(&pool, 2)->taken = 0;
	pool_give(&pool, 2);
	pool_settle(&pool, is_free);
	const uint32_t expected[] = {1, 2, 3, 4, 6, 8, 9};
	for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
		cr_assert_eq(pool_take(&pool), expected[i]);
	}
	pool_fini(&pool);
}

Test(pool, many_taken_at_once_are_in_a_row_and_new)
{
	struct pool pool = new_pool(1 << 20);
	cr_assert_eq(pool_take(&pool), 1);
	pool_give(&pool, 1);
	/* A record that was given back says something; these say nothing. */
	cr_assert_eq(pool_take_many(&pool, 5), 2);
	cr_assert_eq(pool_take_many(&pool, 1), 7);
	cr_assert_eq(pool_take(&pool), 1);
	cr_assert_eq(pool_take(&pool), 8);
	cr_assert_eq(pool_take_many(&pool, pool.count_max - 7), 0);
	cr_assert_eq(pool_take_many(&pool, pool.count_max - 8), 9);
	cr_assert_eq(pool_take_many(&pool, 1), 0);
	pool_fini(&pool);
}
