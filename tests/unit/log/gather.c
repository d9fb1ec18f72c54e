/*
 * The policy that lets a commit wait for those who were just answered (src/log/gather.h), on a clock of its own.
 */
#include "../../../src/log/gather.h"

#include <criterion/criterion.h>

#define US UINT64_C(1000)
/* What a commit takes here, and when the first has ended. */
#define TOOK (800 * US)
#define DONE (5000 * US)

/* After a commit that took TOOK and answered `records`, with `waiting` in the open batch. */
static struct gather after(uint64_t limit_us, uint64_t records, uint64_t waiting)
{
	struct gather gather = {.limit_ns = limit_us * US};
	gather_sent(&gather, DONE - TOOK);
	gather_ended(&gather, records, waiting, DONE);
	return gather;
}

Test(gather, one_client_alone_never_waits)
{
	struct gather gather = after(1000, 1, 0);
	cr_assert_eq(gather_until(&gather, 1, DONE + US), 0);
}

Test(gather, whoever_was_answered_is_waited_for)
{
	struct gather gather = after(1000, 25, 25);
	cr_assert_gt(gather_until(&gather, 25, DONE), DONE);
	cr_assert_gt(gather_until(&gather, 49, DONE + US), DONE);
	cr_assert_eq(gather_until(&gather, 50, DONE + 2 * US), 0, "all are there");
}

Test(gather, a_batch_that_shares_its_flush_well_does_not_wait)
{
	struct gather gather = after(1000, 500, 0);
	cr_assert_gt(gather_until(&gather, GATHER_ENOUGH - 1, DONE), DONE);
	cr_assert_eq(gather_until(&gather, GATHER_ENOUGH, DONE), 0);
}

Test(gather, it_ends_when_nobody_comes_any_more)
{
	struct gather gather = after(1000, 25, 1);
	const uint64_t gap = TOOK / 4;
	cr_assert_eq(gather_until(&gather, 1, DONE + US), DONE + gap);
	cr_assert_eq(gather_until(&gather, 1, DONE + gap), 0);
	cr_assert_eq(gather_until(&gather, 2, DONE + gap), DONE + 2 * gap, "one more came: a gap from then on");
}

Test(gather, half_a_commit_from_when_they_begin_to_come_is_the_longest)
{
	struct gather gather = after(1000, 60, 0);
	/* Came with those before the end, and not because of an answer. */
	cr_assert_eq(gather_until(&gather, 1, DONE), DONE + TOOK / 4);
	/* The kernel has sent the answers, and a first one has asked again. */
	const uint64_t begin = DONE + TOOK;
	for (uint64_t i = 0; i <= 45; i++) {
		const uint64_t now = begin + i * 10 * US;
		cr_assert_eq(gather_until(&gather, i + 2, now) == 0, now >= begin + TOOK / 2, "%lu us", i * 10);
	}
}

Test(gather, commit_delay_bounds_it)
{
	struct gather gather = after(20, 25, 0);
	cr_assert_eq(gather_until(&gather, 1, DONE), DONE + 20 * US);
	cr_assert_eq(gather_until(&gather, 2, DONE + 20 * US), DONE + 40 * US);
	cr_assert_eq(gather_until(&gather, 3, DONE + 40 * US), 0);
	gather = after(0, 25, 0);
	cr_assert_eq(gather_until(&gather, 1, DONE), 0, "0: never");
}

Test(gather, after_a_rest_nobody_is_expected)
{
	struct gather gather = after(1000, 25, 0);
	cr_assert_eq(gather_until(&gather, 1, DONE + TOOK), 0);
}

Test(gather, one_slow_commit_does_not_make_the_next_wait_long)
{
	struct gather gather = after(100000, 25, 0);
	const uint64_t slow_end = DONE + 1000 * TOOK;
	gather_sent(&gather, DONE);
	gather_ended(&gather, 25, 0, slow_end);
	gather_sent(&gather, slow_end);
	for (uint64_t end = slow_end; end < slow_end + 200 * TOOK; end += TOOK) {
		gather_sent(&gather, end);
		gather_ended(&gather, 25, 0, end + TOOK);
	}
	cr_assert_lt(gather.usual_ns, 2 * TOOK, "the average comes back");
}
