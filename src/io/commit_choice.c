/*
 * commit_choice: see the header.
 */
#include <base/check.h>
#include <io/commit_choice.h>

/* How far the average follows one that took less, and one that took more. On a shared machine any commit may be slow for no
 * reason of its own, so it takes some in a row to give a way up, and few to come back to it. */
#define WEIGHT_LESS 4
#define WEIGHT_MORE 32

/* And what counts of one that took more at most, times the average. */
#define SLOW_MAX 4

enum disk_commit commit_choice_next(struct commit_choice *choice)
{
	const uint64_t dsync_ns = choice->usual_ns[DISK_COMMIT_DSYNC];
	const uint64_t linked_ns = choice->usual_ns[DISK_COMMIT_LINKED];
	if (dsync_ns == 0) {
		return DISK_COMMIT_DSYNC;
	}
	if (linked_ns == 0) {
		return DISK_COMMIT_LINKED;
	}
	bool dsync = dsync_ns <= linked_ns;
	if (++choice->since_trial == COMMIT_TRIAL_EVERY) {
		choice->since_trial = 0;
		dsync = !dsync;
	}
	return dsync ? DISK_COMMIT_DSYNC : DISK_COMMIT_LINKED;
}

void commit_choice_took(struct commit_choice *choice, enum disk_commit way, uint64_t took_ns)
{
	CHECK(way == DISK_COMMIT_DSYNC || way == DISK_COMMIT_LINKED);
	uint64_t *usual_ns = &choice->usual_ns[way];
	if (*usual_ns == 0) {
		*usual_ns = took_ns + 1; /* not 0, which is: not tried */
		return;
	}
	const uint64_t counted_ns = took_ns < SLOW_MAX * *usual_ns ? took_ns : SLOW_MAX * *usual_ns;
	if (counted_ns < *usual_ns) {
		*usual_ns -= (*usual_ns - counted_ns) / WEIGHT_LESS;
	} else {
		*usual_ns += (counted_ns - *usual_ns) / WEIGHT_MORE;
	}
	*usual_ns += *usual_ns == 0;
}
