/*
 * schedule: see schedule.h.
 */
#include <base/check.h>
#include <bench/schedule.h>

#define NS_PER_S   UINT64_C(1000000000)
#define KEPT_SHARE 0.99

/* Whole seconds apart, so that no product exceeds 64 bits. */
uint64_t schedule_due_ns(const struct schedule *schedule, uint64_t request)
{
	CHECK(schedule->rate > 0);
	const uint64_t seconds = request / schedule->rate;
	const uint64_t rest = request % schedule->rate;
	/* Rounded up: at that nanosecond the request is due, before it it is not. */
	const uint64_t rest_ns = (rest * NS_PER_S + schedule->rate - 1) / schedule->rate;
	return schedule->start_ns + seconds * NS_PER_S + rest_ns;
}

uint64_t schedule_count(const struct schedule *schedule, uint64_t now_ns)
{
	if (now_ns < schedule->start_ns) {
		return 0;
	}
	const uint64_t passed = now_ns - schedule->start_ns;
	return passed / NS_PER_S * schedule->rate + passed % NS_PER_S * schedule->rate / NS_PER_S + 1;
}

bool schedule_kept(double achieved, double target)
{
	return achieved >= KEPT_SHARE * target;
}
