/*
 * Proves: the budget is never exceeded by takes and promises, also when threads ask at the same time; promises come and
 * go without leaving a trace; a region is usable exactly as far as it was committed, at addresses that stay.
 * Method: examples; four threads that take and give back against a limit that fits three of their pieces, watching the
 * sum of what was granted.
 */
#include <base/memory.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static uint64_t used_of(struct memory *memory)
{
	return atomic_load_explicit(&memory->used, memory_order_relaxed);
}

Test(memory, takes_up_to_the_limit_and_not_past_it)
{
	struct memory memory;
	memory_init(&memory, 100);
	cr_assert(memory_take(&memory, 60));
	cr_assert_not(memory_take(&memory, 41));
	cr_assert(memory_take(&memory, 40));
	cr_assert_not(memory_take(&memory, 1));
	cr_assert_not(memory_take(&memory, UINT64_MAX / 2));
	memory_give(&memory, 40);
	cr_assert(memory_take(&memory, 40));
	cr_assert_eq(used_of(&memory), 100);
}

Test(memory, a_promise_counts_until_it_is_redeemed)
{
	struct memory memory;
	memory_init(&memory, 100);
	cr_assert(memory_promise(&memory, 70));
	cr_assert_not(memory_take(&memory, 31));
	cr_assert_not(memory_promise(&memory, 31));
	memory_force(&memory, 50);
	memory_redeem(&memory, 70);
	cr_assert_eq(used_of(&memory), 50);
	memory_promise_again(&memory, 70);
	cr_assert_eq(used_of(&memory), 120);
	cr_assert_eq(atomic_load_explicit(&memory.promised, memory_order_relaxed), 70);
}

Test(memory, redeeming_what_was_not_promised_is_a_bug, .signal = SIGABRT)
{
	struct memory memory;
	memory_init(&memory, 100);
	memory_redeem(&memory, 1);
}

#define PIECE 100

struct takers {
	struct memory memory;
	_Atomic uint64_t granted; /* bytes held by all of them: the limit's to bound */
	_Atomic bool exceeded;
};

static void *take_and_give(void *argument)
{
	struct takers *takers = argument;
	for (int i = 0; i < 50000; i++) {
		if (!memory_take(&takers->memory, PIECE)) {
			continue;
		}
		if (atomic_fetch_add_explicit(&takers->granted, PIECE, memory_order_relaxed) + PIECE > 3 * PIECE) {
			atomic_store_explicit(&takers->exceeded, true, memory_order_relaxed);
		}
		atomic_fetch_sub_explicit(&takers->granted, PIECE, memory_order_relaxed);
		memory_give(&takers->memory, PIECE);
	}
	return NULL;
}

Test(memory, the_limit_holds_when_threads_ask_at_the_same_time)
{
	struct takers takers = {.granted = 0};
	memory_init(&takers.memory, 3 * PIECE);
	pthread_t threads[4];
	for (int i = 0; i < 4; i++) {
		cr_assert_eq(pthread_create(&threads[i], NULL, take_and_give, &takers), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
	}
	cr_assert_not(atomic_load_explicit(&takers.exceeded, memory_order_relaxed));
	cr_assert_eq(used_of(&takers.memory), 0);
}

Test(region, is_zero_filled_and_stays_where_it_is)
{
	struct region region;
	struct error error;
	cr_assert(region_reserve(&region, (size_t)1 << 36, &error), "%s", error.text);
	uint8_t *base = region.base;
	cr_assert(region_commit(&region, 10));
	base[9] = 1;
	cr_assert(region_commit(&region, (size_t)100 << 20));
	cr_assert_eq(region.base, base);
	cr_assert_eq(base[9], 1);
	cr_assert_eq(base[((size_t)100 << 20) - 1], 0);
	cr_assert_geq(region.committed, (size_t)100 << 20);
	region_release(&region);
}

Test(region, does_not_commit_past_its_end)
{
	struct region region;
	cr_assert(region_reserve(&region, 5000, NULL));
	cr_assert_eq(region.size, 8192);
	cr_assert(region_commit(&region, 8192));
	region.base[8191] = 1;
	cr_assert_not(region_commit(&region, 8193));
	region_release(&region);
}

Test(region, what_was_not_committed_is_not_there)
{
	struct region region;
	cr_assert(region_reserve(&region, (size_t)1 << 30, NULL));
	cr_assert(region_commit(&region, 1));
	/* The kernel tells without a signal whether an address may be written. */
	const int zeros = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	cr_assert_eq(read(zeros, region.base, 1), 1);
	cr_assert_eq(read(zeros, region.base + ((size_t)1 << 29), 1), -1);
	cr_assert_eq(errno, EFAULT);
	close(zeros);
	region_release(&region);
}

Test(region, an_impossible_reservation_is_refused_with_its_reason)
{
	struct region region;
	struct error error = {.code = ERROR_NONE};
	cr_assert_not(region_reserve(&region, (size_t)1 << 60, &error));
	cr_assert_eq(error.code, ERROR_NO_MEMORY);
	cr_assert_not_null(strstr(error.text, "maxmemory"));
}

Test(memory, after_a_clear_nothing_is_taken)
{
	struct memory memory;
	memory_init(&memory, 100);
	cr_assert(memory_take(&memory, 60));
	cr_assert(memory_promise(&memory, 40));
	memory_clear(&memory);
	cr_assert(memory_promise(&memory, 100));
	memory_redeem(&memory, 100);
}
