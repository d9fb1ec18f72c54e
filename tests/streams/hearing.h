/*
 * hearing: all that the clients of one life of a server asked and were told, held against the log it left.
 *
 *   - each record was asked for by somebody, and by no more records than requests: nobody's booking is there, and nothing was
 *     done twice. A request that was refused asked for nothing
 *   - each answer has a place in the log (told.h)
 *   - a slot was not claimed over a calendar that was taken in before
 *
 * Threads: one, after the clients' have ended.
 */
#pragma once

#include <history/answer.h>
#include <history/recorder.h>
#include <streams/witness.h>

struct hearing {
	struct witness *witness; /* has the records of this life */
	const struct recorder *recorder;
	uint64_t wall_ms;                          /* when CLOCK_MONOTONIC was 0 */
	uint64_t first_lsn;                        /* of this life */
	bool threads;                              /* the server had several */
	struct list records;                       /* of this life, struct asked_record */
	uint64_t answers[OP_VERBS][ANSWER_BROKEN]; /* that were placed, of all lives */
};

/* Notes a record of this life, members one by one. */
void hearing_note(struct hearing *hearing, const struct record *record, uint64_t lsn);
/* False: said what is wrong. Then the next life begins. */
bool hearing_hold(struct hearing *hearing);
void hearing_fini(struct hearing *hearing);
