/*
 * Proves: the space-saving counters keep their bounds against exact counts: certain <= true <= losers, no further apart than
 * n / entries, every slot with more losers than that is answered, most losers first; the same of several tables together.
 * Method: random streams, even and skewed, over more slots than there are entries.
 */
#include <criterion/criterion.h>
#include <model/random.h>
#include <serve/hot.h>
#include <slot/key.h>

#define SLOTS   400
#define ENTRIES 64
#define STREAM  20000
#define TABLES  3

struct run {
	uint64_t random;
	struct hot hots[TABLES];
	uint64_t exact[SLOTS];
};

static uint64_t key_of(uint32_t slot)
{
	return key_make(1 + slot % 2, 100, (uint16_t)slot);
}

static void count_stream(struct run *run, uint32_t tables, bool skewed)
{
	for (uint32_t i = 0; i < STREAM; i++) {
		uint32_t slot = random_below(&run->random, SLOTS);
		if (skewed) {
			slot = random_below(&run->random, slot + 1);
			slot = random_below(&run->random, slot + 1);
		}
		run->exact[slot]++;
		hot_count(&run->hots[random_below(&run->random, tables)], key_of(slot));
	}
}

static void check(struct run *run, uint32_t tables)
{
	struct hot_row rows[TABLES * ENTRIES];
	const size_t count = hot_merge(run->hots, tables, 0, rows, TABLES * ENTRIES);
	bool answered[SLOTS] = {false};
	cr_assert_leq(count, tables * ENTRIES);
	for (size_t i = 0; i < count; i++) {
		const uint32_t slot = key_minute(rows[i].key);
		answered[slot] = true;
		cr_assert_leq(rows[i].certain, run->exact[slot]);
		cr_assert_geq(rows[i].losers, run->exact[slot]);
		cr_assert_leq(rows[i].losers - rows[i].certain, STREAM / ENTRIES, "%zu", i);
		cr_assert(i == 0 || rows[i].losers <= rows[i - 1].losers);
	}
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		cr_assert(answered[slot] || run->exact[slot] <= STREAM / ENTRIES, "slot %u", slot);
	}
}

Test(hot, counts_keep_their_bounds_whatever_comes)
{
	struct error error;
	const uint64_t seed = random_seed();
	for (uint32_t round = 0; round < 20; round++) {
		struct run run = {.random = seed + round};
		const uint32_t tables = 1 + round % TABLES;
		for (uint32_t i = 0; i < tables; i++) {
			cr_assert(hot_init(&run.hots[i], ENTRIES, &error));
		}
		count_stream(&run, tables, round % 2 == 0);
		check(&run, tables);
		for (uint32_t i = 0; i < tables; i++) {
			hot_fini(&run.hots[i]);
		}
	}
}

Test(hot, while_there_is_room_counts_are_exact)
{
	struct error error;
	struct hot hot;
	struct hot_row rows[8];
	cr_assert(hot_init(&hot, 4, &error));
	for (uint32_t slot = 0; slot < 4; slot++) {
		for (uint32_t i = 0; i <= slot; i++) {
			hot_count(&hot, key_of(slot));
		}
	}
	cr_assert_eq(hot_merge(&hot, 1, 0, rows, 8), 4);
	for (uint32_t i = 1; i < 4; i++) {
		cr_assert_eq(key_minute(rows[i - 1].key), 4 - i);
		cr_assert_eq(rows[i - 1].certain, 5 - i);
		cr_assert_eq(rows[i - 1].losers, 5 - i);
	}
	cr_assert_eq(hot_merge(&hot, 1, 2, rows, 8), 2, "of one psychologist");
	cr_assert_eq(key_minute(rows[1].key), 1);
	cr_assert_eq(hot_merge(&hot, 1, 0, rows, 1), 1, "no more than asked for");
	hot_fini(&hot);
}

Test(hot, with_no_entries_nothing_is_counted)
{
	struct error error;
	struct hot hot;
	struct hot_row rows[1];
	cr_assert(hot_init(&hot, 0, &error));
	hot_count(&hot, key_of(1));
	cr_assert_eq(hot_merge(&hot, 1, 0, rows, 1), 0);
	hot_fini(&hot);
}
