/*
 * Proves: a quantile of the bench's histogram is never below the true one and above it by less than 1/HISTOGRAM_CELLS;
 * count, average, least and greatest are exact; merging loses nothing.
 *
 * How: values of all magnitudes from a seeded generator, sorted, and asked for by rank.
 */
#include <bench/histogram.h>
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>

#define SAMPLES 20000

/* splitmix64 (Steele, Lea, Flood 2014), cut to a random number of bits, so that every magnitude is as likely. */
static uint64_t next_value(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	z ^= z >> 31;
	return z >> (64 - HISTOGRAM_VALUE_BITS) >> (z % HISTOGRAM_VALUE_BITS);
}

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a;
	const uint64_t y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static uint64_t samples[SAMPLES];

static void fill(struct histogram *histogram)
{
	uint64_t state = 1;
	for (size_t i = 0; i < SAMPLES; i++) {
		samples[i] = next_value(&state);
		histogram_add(histogram, samples[i]);
	}
	qsort(samples, SAMPLES, sizeof samples[0], compare);
}

/* The least sample that so many of all do not exceed. */
static uint64_t true_quantile(double quantile)
{
	const double share = quantile * SAMPLES;
	const size_t below = (size_t)share;
	const size_t rank = below + ((double)below < share);
	return samples[rank == 0 ? 0 : rank - 1];
}

Test(histogram, a_quantile_is_off_by_less_than_one_cell_and_never_too_low)
{
	struct histogram histogram = {0};
	fill(&histogram);
	for (uint32_t step = 0; step <= 1000; step++) {
		const double quantile = step / 1000.0;
		const uint64_t truth = true_quantile(quantile);
		const uint64_t told = histogram_quantile(&histogram, quantile);
		cr_assert(told >= truth, "quantile %g: %" PRIu64 " is below %" PRIu64, quantile, told, truth);
		cr_assert(told - truth <= truth / HISTOGRAM_CELLS, "quantile %g: %" PRIu64 " is far above %" PRIu64,
			  quantile, told, truth);
	}
}

Test(histogram, the_first_256_values_are_exact)
{
	for (uint64_t value = 0; value < 256; value++) {
		struct histogram histogram = {0};
		histogram_add(&histogram, value);
		histogram_add(&histogram, 1000000);
		cr_assert_eq(histogram_quantile(&histogram, 0.5), value);
	}
}

Test(histogram, both_sides_of_every_power_of_two_stay_apart)
{
	for (uint32_t bits = 1; bits < HISTOGRAM_VALUE_BITS; bits++) {
		const uint64_t power = UINT64_C(1) << bits;
		struct histogram histogram = {0};
		histogram_add(&histogram, power - 1);
		histogram_add(&histogram, power);
		cr_assert_eq(histogram_quantile(&histogram, 0.5), power - 1, "below 2^%" PRIu32, bits);
		cr_assert_eq(histogram_quantile(&histogram, 1), power, "at 2^%" PRIu32, bits);
	}
}

Test(histogram, count_average_least_and_greatest_are_exact)
{
	struct histogram histogram = {0};
	fill(&histogram);
	double sum = 0;
	for (size_t i = 0; i < SAMPLES; i++) {
		sum += (double)samples[i];
	}
	cr_assert_eq(histogram.count, SAMPLES);
	cr_assert_eq(histogram.least, samples[0]);
	cr_assert_eq(histogram.greatest, samples[SAMPLES - 1]);
	cr_assert_float_eq(histogram_average(&histogram), sum / SAMPLES, 1e-6 * sum / SAMPLES);
	cr_assert_eq(histogram_quantile(&histogram, 1), samples[SAMPLES - 1]);
}

Test(histogram, merged_is_as_if_all_had_been_added_to_one)
{
	struct histogram one = {0};
	struct histogram parts[3] = {0};
	struct histogram merged[2] = {0};
	uint64_t state = 7;
	for (size_t i = 0; i < SAMPLES; i++) {
		const uint64_t value = next_value(&state) + 100 * (i % 2); /* the parts have ends of their own */
		histogram_add(&one, value);
		histogram_add(&parts[i % 2], value); /* the third stays empty */
	}
	for (size_t i = 0; i < 3; i++) {
		histogram_merge(&merged[0], &parts[i]);
		histogram_merge(&merged[1], &parts[2 - i]);
	}
	cr_assert_arr_eq(&merged[0], &one, sizeof one);
	cr_assert_arr_eq(&merged[1], &one, sizeof one);
}

Test(histogram, values_beyond_the_limit_share_the_last_cell_and_keep_the_greatest)
{
	struct histogram histogram = {0};
	histogram_add(&histogram, 1);
	histogram_add(&histogram, HISTOGRAM_VALUE_LIMIT);
	histogram_add(&histogram, UINT64_MAX / 4);
	cr_assert_eq(histogram_quantile(&histogram, 0.2), 1);
	cr_assert_eq(histogram_quantile(&histogram, 0.9), UINT64_MAX / 4);
}

Test(histogram, empty_tells_zero)
{
	const struct histogram histogram = {0};
	cr_assert_eq(histogram_quantile(&histogram, 0.99), 0);
	cr_assert_float_eq(histogram_average(&histogram), 0, 0);
}
