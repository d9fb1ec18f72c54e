/*
 * Proves: the real clock tells milliseconds of today and never goes backwards; where wall time stands, it stands for this
 * thread alone, at a moment it was asked for, and goes on afterwards. Method: examples.
 */
#include <base/clock.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <time.h>

Test(clock, wall_time_is_milliseconds_since_1970)
{
	const struct clock clock = clock_real();
	const uint64_t before = (uint64_t)time(NULL);
	const uint64_t now_ms = clock_wall_ms(&clock);
	cr_assert_geq(now_ms / 1000 + 1, before);
	cr_assert_leq(now_ms / 1000, (uint64_t)time(NULL));
}

Test(clock, monotonic_time_never_goes_back)
{
	const struct clock clock = clock_real();
	uint64_t last = clock_monotonic_ns(&clock);
	for (int i = 0; i < 10000; i++) {
		const uint64_t now = clock_monotonic_ns(&clock);
		cr_assert_geq(now, last);
		last = now;
	}
}

static void *ask(void *answer)
{
	const struct clock clock = clock_real();
	*(uint64_t *)answer = clock_wall_ms(&clock);
	return NULL;
}

Test(clock, stands_still_for_the_thread_that_wants_it)
{
	const struct clock clock = clock_real();
	const uint64_t before = clock_wall_ms(&clock);
	while (clock_wall_ms(&clock) == before) {
	}
	clock_stand();
	const uint64_t standing = clock_wall_ms(&clock);
	cr_assert_gt(standing, before, "it was asked for after it was to stand");
	uint64_t others = 0;
	while (others <= standing) {
		pthread_t other;
		cr_assert_eq(pthread_create(&other, NULL, ask, &others), 0);
		cr_assert_eq(pthread_join(other, NULL), 0);
	}
	cr_assert_eq(clock_wall_ms(&clock), standing);
	const uint64_t began_ns = clock_monotonic_ns(&clock);
	while (clock_monotonic_ns(&clock) == began_ns) {
	}
	clock_go_on();
	cr_assert_gt(clock_wall_ms(&clock), standing);
}
