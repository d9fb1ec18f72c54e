/*
 * clock: the port through which slotd learns the time, so that a simulator or a test can own it.
 *
 * Wall time is data (created_at, expiry, what is past); it never orders anything: the lsn does. Deadlines and durations
 * use the monotonic clock.
 *
 * Threads: the real clock may be asked by any thread.
 */
#pragma once

#include <stdint.h>

typedef uint64_t clock_wall_ms_f(void *context);      /* milliseconds since 1970-01-01 UTC */
typedef uint64_t clock_monotonic_ns_f(void *context); /* nanoseconds since some fixed moment */

struct clock {
	void *context;
	clock_wall_ms_f *wall_ms;
	clock_monotonic_ns_f *monotonic_ns;
};

/* The clock of the operating system: clock_gettime(2). */
struct clock clock_real(void);

/* From the next time this thread asks for it, the real wall time stands still for it, until clock_go_on: requests that came
 * together are done at one time, which is asked for once. Only around what takes a few milliseconds at most. */
void clock_stand(void);
void clock_go_on(void);

static inline uint64_t clock_wall_ms(const struct clock *clock)
{
	return clock->wall_ms(clock->context);
}

static inline uint64_t clock_monotonic_ns(const struct clock *clock)
{
	return clock->monotonic_ns(clock->context);
}
