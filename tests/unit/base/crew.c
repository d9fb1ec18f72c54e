/*
 * Proves: a crew does each part of a job once, however many it is, and crew_run returns when all is done.
 * Method: numbers that are counted by whoever gets them.
 */
#include <base/crew.h>
#include <criterion/criterion.h>

#define COUNT 100000

struct counting {
	struct crew_parts parts;
	_Atomic uint32_t members;
	uint8_t seen[COUNT + 2];
};

static struct counting counting;

static void count(void *context)
{
	struct counting *mine = context;
	uint32_t first;
	uint32_t last;
	atomic_fetch_add_explicit(&mine->members, 1, memory_order_relaxed);
	while (crew_take_part(&mine->parts, &first, &last)) {
		for (uint32_t number = first; number <= last; number++) {
			mine->seen[number]++;
		}
	}
}

Test(crew, does_each_part_once)
{
	for (uint32_t size = 1; size <= CREW_MAX; size += 5) {
		counting = (struct counting){.parts.last = COUNT};
		crew_run(size, count, &counting);
		cr_assert_eq(counting.members, size);
		cr_assert_eq(counting.seen[0], 0);
		cr_assert_eq(counting.seen[COUNT + 1], 0);
		for (uint32_t number = 1; number <= COUNT; number++) {
			cr_assert_eq(counting.seen[number], 1, "%u of %u", number, size);
		}
	}
}

Test(crew, of_nothing_does_nothing)
{
	counting = (struct counting){.parts.last = 0};
	crew_run(2, count, &counting);
	cr_assert_eq(counting.members, 2);
	cr_assert_eq(counting.seen[0] + counting.seen[1], 0);
}

Test(crew, is_as_many_as_there_are_processors)
{
	cr_assert_geq(crew_size(), 1);
	cr_assert_leq(crew_size(), CREW_MAX);
}
