/*
 * alternatives: the open slots nearest in time to one that somebody wanted, of the same psychologist.
 *
 * The walk goes outwards day by day, by way of the day cards, `alternatives-days` to each side, and ends as soon as no day
 * further out can have a nearer slot:
 *
 *        day -2    day -1   | the day |    day +1    day +2
 *          3         2          1            2         3
 *
 * Nearer is by civil time; of two as near, the earlier one is. The slot itself, slots that have started and unlisted ones are
 * no alternatives. A walk takes as many steps as its days are full, each of a bounded amount of work [I8]; what an earlier step
 * found is looked at again in the last one, so that all of it is open at the moment of the answer, and left out if it is not.
 *
 *   alternatives_begin -> alternatives_step, until it returns true -> found[0 .. count), lsn
 *
 * Threads: a walk belongs to one worker; the table it looks at is everybody's.
 */
#pragma once

#include <serve/desk.h>
#include <slot/civil.h>

struct alternative {
	uint64_t key;
	uint16_t minutes;
};

struct alternatives {
	/* const after alternatives_begin */
	uint64_t key; /* the slot wanted; 0: nobody ever named the psychologist */
	uint32_t count_max;
	uint32_t day_first; /* before it everything is past */
	uint32_t day_count; /* to each side */
	struct civil_now now;
	/* so far */
	uint32_t distance; /* in days, of the next to be looked at */
	uint32_t steps;
	uint64_t lsn; /* of all that was looked at [I2] */
	uint32_t count;
	struct alternative found[ALTERNATIVES_COUNT_MAX]; /* nearest first */
};

/* `count` is 1 to ALTERNATIVES_COUNT_MAX. */
void alternatives_begin(struct alternatives *walk, const struct desk *desk, const struct place *place, uint32_t count);
/* Looks at some more days. True: it is over. */
bool alternatives_step(struct alternatives *walk, struct desk *desk);
