/*
 * clock: the real one, clock_gettime(2). See base/clock.h.
 */
#include <base/check.h>
#include <base/clock.h>
#include <stddef.h>
#include <time.h>

static struct timespec now(clockid_t which)
{
	struct timespec time;
	CHECK(clock_gettime(which, &time) == 0);
	return time;
}

static uint64_t real_wall_ms(void *context)
{
	(void)context;
	const struct timespec time = now(CLOCK_REALTIME);
	return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static uint64_t real_monotonic_ns(void *context)
{
	(void)context;
	const struct timespec time = now(CLOCK_MONOTONIC);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

struct clock clock_real(void)
{
	return (struct clock){.context = NULL, .wall_ms = real_wall_ms, .monotonic_ns = real_monotonic_ns};
}
