/*
 * hgrm: a histogram as the percentile table that HdrHistogram's tools read and plot.
 *
 *          Value     Percentile TotalCount 1/(1-Percentile)
 *
 *          0.123 0.500000000000         10           2.00
 *   #[Mean    =        0.130, StdDeviation   =        0.010]
 *   #[Max     =        0.150, Total count    =           20]
 *   #[Buckets =           36, SubBuckets     =          128]
 *
 * One line a cell that holds anything, so nothing is left out; values are divided by `unit`. The deviation is computed
 * from the cells, and is off by no more than they are.
 *
 * Threads: any.
 * See: http://hdrhistogram.github.io/HdrHistogram/plotFiles.html
 */
#pragma once

#include <bench/histogram.h>
#include <stdio.h>

void hgrm_print(FILE *file, const struct histogram *histogram, double unit);
