/*
 * options: the command line of slotd-replay.
 *
 * Threads: one.
 */
#pragma once

#include "format.h"
#include "select.h"

/* Exit statuses. */
#define STATUS_SOUND     0
#define STATUS_DAMAGED   1
#define STATUS_NO_ANSWER 2 /* bad usage, or what was asked for cannot be read or written */
#define STATUS_LOSS      3 /* repaired; acknowledged records are gone from the log */

struct options {
	const char *directory;
	enum format format;
	bool verify;
	bool dump;
	bool stats;
	bool quiet;
	bool follow;
	bool repair;
	bool yes;
	struct selection selection;
};

/* False to end at once with *status; what there is to say has been said. */
bool options_parse(struct options *options, int argc, char **argv, int *status);
