/*
 * summary: a sheet as people read it: modes summary and medians.
 *
 *   summary    Markdown: each goal with what was reached, then every measurement
 *   medians    row, who, metric, median, least, greatest on a line, for gnuplot
 *
 * Threads: the main thread.
 */
#pragma once

#include <bench/options.h>

int summary_run(const struct options *options);
int summary_medians(const struct options *options);
