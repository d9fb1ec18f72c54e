/*
 * Proves: figures are found by row, who, metric and repetition; ratios are taken within a repetition, and only where all
 * figures are there; a goal is met from its bound on, in its direction; what was not measured is not met.
 */
#include <bench/goals.h>
#include <criterion/criterion.h>

static struct sheet read(const char *text)
{
	struct sheet sheet = {0};
	struct error error;
	FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	cr_assert(sheet_read(&sheet, file, &error), "%s", error.text);
	fclose(file);
	return sheet;
}

static const struct goal ratio = {
    .left = {"book", "slotd", "rate"},
    .right = {{1, {"book", "redis", "rate"}}},
    .at_least = true,
    .bound = 3,
};

Test(goals, a_ratio_is_taken_within_a_repetition)
{
	/* The medians of the sides, 30 and 11, would give another ratio than the median of the ratios. */
	struct sheet sheet = read("book slotd 1 rate 30\nbook redis 1 rate 10\n"
				  "book slotd 2 rate 100\nbook redis 2 rate 20\n"
				  "book slotd 3 rate 22\nbook redis 3 rate 11\n"
				  "book slotd 4 rate 1\nmixed redis 4 rate 1\nbook redis 4 p50_us 1\n");
	const struct statistics reached = goal_reached(&ratio, &sheet);
	cr_assert_eq(reached.count, 3);
	cr_assert_float_eq(reached.median, 3, 1e-12);
	cr_assert_float_eq(reached.least, 2, 1e-12);
	cr_assert_float_eq(reached.greatest, 5, 1e-12);
	cr_assert(goal_met(&ratio, &reached));
	sheet_fini(&sheet);
}

Test(goals, a_divisor_is_the_sum_of_its_terms)
{
	const struct goal goal = {
	    .left = {"book", "slotd", "p50_us"},
	    .constant = 100,
	    .right = {{1, {"ping", "slotd", "p50_us"}}, {3, {"probe", "device", "p50_us"}}},
	    .bound = 1.15,
	};
	struct sheet sheet = read("book slotd 1 p50_us 460\nping slotd 1 p50_us 60\nprobe device 1 p50_us 80\n");
	const struct statistics reached = goal_reached(&goal, &sheet);
	cr_assert_float_eq(reached.median, 1.15, 1e-12);
	sheet_fini(&sheet);
}

Test(goals, a_bound_is_met_when_it_is_reached_and_missed_beyond)
{
	const struct goal least = {.at_least = true, .bound = 3};
	const struct goal most = {.at_least = false, .bound = 3};
	const struct {
		double median;
		bool met_least;
		bool met_most;
	} cases[] = {{2.99, false, true}, {3, true, true}, {3.01, true, false}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct statistics reached = {.count = 1, .median = cases[i].median};
		cr_assert_eq(goal_met(&least, &reached), cases[i].met_least, "%g", cases[i].median);
		cr_assert_eq(goal_met(&most, &reached), cases[i].met_most, "%g", cases[i].median);
	}
}

Test(goals, what_was_not_measured_is_not_met)
{
	struct sheet sheet = read("book slotd 1 rate 30\n");
	for (size_t i = 0; i < goal_count; i++) {
		const struct statistics reached = goal_reached(&goals[i], &sheet);
		cr_assert_eq(reached.count, 0);
		cr_assert_not(goal_met(&goals[i], &reached), "%s", goals[i].what);
	}
	sheet_fini(&sheet);
}

Test(goals, a_line_that_is_no_figure_is_refused)
{
	static const char *const lines[] = {"book slotd 1 rate\n", "book slotd 0 rate 1\n", "book slotd 101 rate 1\n",
					    "book slotd x rate 1\n", "book slotd 1 rate 1 2\n"};
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		struct sheet sheet = {0};
		struct error error;
		FILE *file = fmemopen((void *)(uintptr_t)lines[i], strlen(lines[i]), "r");
		cr_assert_not(sheet_read(&sheet, file, &error), "%s", lines[i]);
		fclose(file);
		sheet_fini(&sheet);
	}
}
