/*
 * histogram: how long things took, in little memory and with a stated error.
 *
 *   value      0 .. 255          256 .. 511       512 .. 1023           each further power of two
 *   cells      256, one a value  128, two values  128, four values      128, twice as wide as before
 *
 * Log-linear: every power of two is cut into HISTOGRAM_CELLS equal cells, so a quantile is too high by less than
 * 1/HISTOGRAM_CELLS of its value (0.8 %), never too low, and exact below 256. Least, greatest, count and sum are exact.
 * Values of HISTOGRAM_VALUE_LIMIT and more share the last cell. Histograms of several threads are added up with
 * histogram_merge, which loses nothing.
 *
 * Threads: a histogram belongs to one thread.
 * See: Gil Tene's HdrHistogram, http://hdrhistogram.org
 */
#pragma once

#include <stdint.h>

#define HISTOGRAM_CELL_BITS   7
#define HISTOGRAM_CELLS       (1u << HISTOGRAM_CELL_BITS)
#define HISTOGRAM_VALUE_BITS  42 /* of nanoseconds: 73 minutes */
#define HISTOGRAM_VALUE_LIMIT (UINT64_C(1) << HISTOGRAM_VALUE_BITS)
#define HISTOGRAM_SIZE        ((HISTOGRAM_VALUE_BITS - HISTOGRAM_CELL_BITS + 1) * HISTOGRAM_CELLS)

/* Zero-initialised is empty. */
struct histogram {
	uint64_t count;
	uint64_t sum;
	uint64_t least;
	uint64_t greatest;
	uint64_t cells[HISTOGRAM_SIZE];
};

void histogram_add(struct histogram *histogram, uint64_t value);
void histogram_merge(struct histogram *target, const struct histogram *source);

/* The value that a share of `quantile` (0 to 1) of all values does not exceed; 0 if there are none. */
uint64_t histogram_quantile(const struct histogram *histogram, double quantile);
/* What a value of this cell is taken for: the greatest that falls into it, and no more than the greatest there was. */
uint64_t histogram_cell_value(const struct histogram *histogram, uint32_t cell);
/* 0 if there are none. */
double histogram_average(const struct histogram *histogram);
