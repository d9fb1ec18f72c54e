/*
 * hgrm: see hgrm.h.
 */
#include <bench/hgrm.h>
#include <inttypes.h>

/* Newton's method: no libm for one square root, and from above it comes down until it stands still. */
static double square_root(double value)
{
	double root = value > 1 ? value : 1;
	for (double next = root / 2 + value / root / 2; next < root; next = root / 2 + value / root / 2) {
		root = next;
	}
	return root;
}

static double deviation(const struct histogram *histogram)
{
	const double average = histogram_average(histogram);
	double sum = 0;
	for (uint32_t i = 0; i < HISTOGRAM_SIZE; i++) {
		const double distance = (double)histogram_cell_value(histogram, i) - average;
		sum += (double)histogram->cells[i] * distance * distance;
	}
	return histogram->count == 0 ? 0 : square_root(sum / (double)histogram->count);
}

static void print_line(FILE *file, double value, uint64_t passed, uint64_t count)
{
	const double share = (double)passed / (double)count;
	fprintf(file, "%12.3f %.12f %10" PRIu64, value, share, passed);
	if (passed < count) {
		fprintf(file, " %14.2f\n", (double)count / (double)(count - passed));
	} else {
		fputc('\n', file);
	}
}

void hgrm_print(FILE *file, const struct histogram *histogram, double unit)
{
	fprintf(file, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
	uint64_t passed = 0;
	for (uint32_t i = 0; i < HISTOGRAM_SIZE; i++) {
		passed += histogram->cells[i];
		if (histogram->cells[i] > 0) {
			print_line(file, (double)histogram_cell_value(histogram, i) / unit, passed, histogram->count);
		}
	}
	fprintf(file, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", histogram_average(histogram) / unit,
		deviation(histogram) / unit);
	fprintf(file, "#[Max     = %12.3f, Total count    = %12" PRIu64 "]\n", (double)histogram->greatest / unit,
		histogram->count);
	fprintf(file, "#[Buckets = %12u, SubBuckets     = %12u]\n", HISTOGRAM_VALUE_BITS - HISTOGRAM_CELL_BITS + 1,
		HISTOGRAM_CELLS);
}
