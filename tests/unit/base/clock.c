/*
 * Proves: the real clock tells milliseconds of today and never goes backwards. Method: examples.
 */
#include <base/clock.h>
#include <criterion/criterion.h>
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
