/*
 * statistics: what several repetitions of one measurement say together.
 *
 * The median, since one bad repetition must not move it; least and greatest beside it, so that a reader sees how much
 * the repetitions differed. Of an even number of values the median is the mean of the middle two.
 *
 * Threads: any.
 */
#pragma once

#include <stddef.h>

struct statistics {
	size_t count;
	double median;
	double least;
	double greatest;
};

/* Sorts the values; all zero if there are none. */
struct statistics statistics_of(double *values, size_t count);
