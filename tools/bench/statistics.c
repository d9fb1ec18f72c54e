/*
 * statistics: see statistics.h.
 */
#include <bench/statistics.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a;
	const double y = *(const double *)b;
	return (x > y) - (x < y);
}

struct statistics statistics_of(double *values, size_t count)
{
	if (count == 0) {
		return (struct statistics){0};
	}
	qsort(values, count, sizeof *values, compare);
	const double upper = values[count / 2];
	const double lower = values[(count - 1) / 2];
	return (struct statistics){
	    .count = count,
	    .median = lower + (upper - lower) / 2,
	    .least = values[0],
	    .greatest = values[count - 1],
	};
}
