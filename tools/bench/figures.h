/*
 * figures: what one measurement found, printed for people and added to a sheet.
 *
 * Threads: same thread only.
 */
#pragma once

#include <bench/options.h>
#include <bench/traffic.h>
#include <stdio.h>

struct figures {
	const struct options *options;
	FILE *sheet;     /* or NULL */
	const char *row; /* those of the options, if the owner does not change them */
	const char *who;
	bool keeps; /* false: what is added is shown, but does not go to the sheet */
};

/* Opens the sheet if one is asked for. */
bool figures_open(struct figures *figures, const struct options *options, struct error *error);
bool figures_close(struct figures *figures, struct error *error);

void figures_add(struct figures *figures, const char *metric, double value);
/* To the sheet only. */
void figures_keep(const struct figures *figures, const char *metric, double value);
/* Count, quantiles in microseconds, average; and the .hgrm file if one is asked for. */
bool figures_add_latency(struct figures *figures, const struct histogram *latency_ns, struct error *error);
