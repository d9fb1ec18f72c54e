/*
 * Proves: an open loop's requests are due at start + i / rate, to the nanosecond and without drift, and what is due at a
 * moment is exactly what was due until then; a rate counts as kept from 99 % on.
 */
#include <bench/schedule.h>
#include <criterion/criterion.h>
#include <inttypes.h>

#define NS_PER_S UINT64_C(1000000000)

static const uint64_t rates[] = {1, 3, 7, 1000, 9999, 333333, 999999937, 10000000};
static const uint64_t requests[] = {0, 1, 2, 3, 6, 7, 999, 1000, 1001, 123456789, 10000000000};

Test(schedule, requests_are_due_one_after_the_other_from_the_start_on)
{
	const struct schedule schedule = {.start_ns = 500, .rate = 4};
	cr_assert_eq(schedule_due_ns(&schedule, 0), 500);
	cr_assert_eq(schedule_due_ns(&schedule, 1), 500 + NS_PER_S / 4);
	cr_assert_eq(schedule_due_ns(&schedule, 4), 500 + NS_PER_S);
}

Test(schedule, nothing_drifts)
{
	for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
		const struct schedule schedule = {.start_ns = 77, .rate = rates[i]};
		/* An hour's worth of requests is due after an hour, whatever the rate. */
		cr_assert_eq(schedule_due_ns(&schedule, 3600 * rates[i]), 77 + 3600 * NS_PER_S, "rate %" PRIu64,
			     rates[i]);
	}
}

Test(schedule, what_is_due_at_a_moment_is_what_was_due_until_then)
{
	for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
		const struct schedule schedule = {.start_ns = NS_PER_S, .rate = rates[i]};
		for (size_t k = 0; k < sizeof requests / sizeof requests[0]; k++) {
			const uint64_t due = schedule_due_ns(&schedule, requests[k]);
			cr_assert_eq(schedule_count(&schedule, due), requests[k] + 1,
				     "rate %" PRIu64 ", request %" PRIu64, rates[i], requests[k]);
			cr_assert_eq(schedule_count(&schedule, due - 1), requests[k],
				     "rate %" PRIu64 ", before request %" PRIu64, rates[i], requests[k]);
		}
	}
}

Test(schedule, ninety_nine_percent_is_kept_and_less_is_not)
{
	cr_assert(schedule_kept(1000, 1000));
	cr_assert(schedule_kept(990, 1000));
	cr_assert_not(schedule_kept(989.9, 1000));
}
