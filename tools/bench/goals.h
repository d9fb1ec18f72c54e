/*
 * goals: what slotd is to reach against its peers and against the device, as ratios of measured figures.
 *
 *              left
 *   -----------------------------------
 *   constant + weight * right[0] + ...
 *
 * in each repetition; of that the median, which is to be at least, or at most, the bound.
 *
 * Threads: any.
 */
#pragma once

#include <bench/sheet.h>

#define GOAL_TERMS_MAX 2

struct goal_term {
	double weight;
	struct sheet_name name; /* .row NULL: no such term */
};

struct goal {
	const char *what;
	const char *against;
	struct sheet_name left;
	double constant;
	struct goal_term right[GOAL_TERMS_MAX];
	bool at_least; /* else at most */
	double bound;
};

extern const struct goal goals[];
extern const size_t goal_count;

/* The ratio over all repetitions that have every figure it needs; a count of 0: not measured. */
struct statistics goal_reached(const struct goal *goal, const struct sheet *sheet);
bool goal_met(const struct goal *goal, const struct statistics *reached);
