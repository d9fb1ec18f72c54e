/*
 * Proves: median, least and greatest of repetitions are right, whatever their order and number.
 */
#include <bench/statistics.h>
#include <criterion/criterion.h>

Test(statistics, of_an_odd_number_the_median_is_the_middle_one)
{
	double values[] = {9, 1, 5, 1000, 3};
	const struct statistics of = statistics_of(values, 5);
	cr_assert_eq(of.count, 5);
	cr_assert_float_eq(of.median, 5, 0);
	cr_assert_float_eq(of.least, 1, 0);
	cr_assert_float_eq(of.greatest, 1000, 0);
}

Test(statistics, of_an_even_number_the_median_lies_between_the_middle_two)
{
	double values[] = {4, 1, 2, 100};
	cr_assert_float_eq(statistics_of(values, 4).median, 3, 0);
}

Test(statistics, of_one_value_everything_is_that_value)
{
	double values[] = {-2.5};
	const struct statistics of = statistics_of(values, 1);
	cr_assert_float_eq(of.median, -2.5, 0);
	cr_assert_float_eq(of.least, -2.5, 0);
	cr_assert_float_eq(of.greatest, -2.5, 0);
}

Test(statistics, of_nothing_everything_is_zero)
{
	const struct statistics of = statistics_of(NULL, 0);
	cr_assert_eq(of.count, 0);
	cr_assert_float_eq(of.median, 0, 0);
}
