/*
 * clock: the real one, clock_gettime(2). See base/clock.h.
 */
#include <base/check.h>
#include <base/clock.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* Of this thread. */
static _Thread_local struct {
	bool stands;
	uint64_t wall_ms; /* 0: not asked for yet */
} held;

static struct timespec now(clockid_t which)
{
	struct timespec time;
	CHECK(clock_gettime(which, &time) == 0);
	return time;
}

static uint64_t real_wall_ms(void *context)
{
	(void)context;
	if (held.wall_ms != 0) {
		return held.wall_ms;
	}
	const struct timespec time = now(CLOCK_REALTIME);
	const uint64_t wall_ms = (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
	if (held.stands) {
		held.wall_ms = wall_ms;
	}
	return wall_ms;
}

void clock_stand(void)
{
	held.stands = true;
	held.wall_ms = 0;
}

void clock_go_on(void)
{
	held.stands = false;
	held.wall_ms = 0;
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
