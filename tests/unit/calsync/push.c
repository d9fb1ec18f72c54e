/*
 * Proves: however many intervals there are, the windows they are sent in fit one command each, lie side by side, fill the whole
 * window, and have every interval in the one it belongs to.
 */
#include <calsync/push.h>
#include <criterion/criterion.h>

static const struct busy_interval window = {1000, 9000};

static void check(uint32_t count)
{
	static struct busy_interval intervals[2 * BUSY_COUNT_MAX + 10];
	for (uint32_t i = 0; i < count; i++) {
		intervals[i] = (struct busy_interval){1000 + 5 * i, 1003 + 5 * i};
	}
	struct push_part part;
	uint32_t at = 0;
	uint32_t seen = 0;
	uint32_t end = window.start;
	while (push_next(&window, intervals, count, &at, &part)) {
		cr_assert_leq(part.count, BUSY_COUNT_MAX);
		cr_assert_eq(part.window.start, end, "%u", count);
		cr_assert_gt(part.window.end, part.window.start);
		for (uint32_t i = 0; i < part.count; i++, seen++) {
			cr_assert_eq(part.intervals[i].start, intervals[seen].start);
			cr_assert_geq(part.intervals[i].start, part.window.start);
			cr_assert_leq(part.intervals[i].end, part.window.end);
		}
		end = part.window.end;
	}
	cr_assert_eq(end, window.end, "%u", count);
	cr_assert_eq(seen, count);
}

Test(push, parts_fill_the_window)
{
	static const uint32_t counts[] = {0,
					  1,
					  2,
					  BUSY_COUNT_MAX - 1,
					  BUSY_COUNT_MAX,
					  BUSY_COUNT_MAX + 1,
					  2 * BUSY_COUNT_MAX,
					  2 * BUSY_COUNT_MAX + 1};
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		check(counts[i]);
	}
}
