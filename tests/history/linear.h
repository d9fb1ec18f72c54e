/*
 * linear: could a recorded history have happened one operation at a time?
 *
 * It is linearizable if each operation can be given one moment between its question and its answer such that, done one after
 * another at these moments, each is answered as it was (the sequential desk is spec.h). An operation without an answer may be
 * given any moment from its question on, or none.
 *
 * The search is that of Wing and Gong: of the operations that no unplaced answer is before, place one, if the state allows its
 * answer, and go on from there; or take it back and try another. Lowe's memory: a set of placed operations and a state that
 * led nowhere once is not tried again. What only looks (readers, losers) is placed as soon as its answer is right, and that
 * is not tried otherwise: moved to here from wherever a later order has it, it is answered the same, and nobody else notices.
 *
 * Parts that share nothing are searched alone (P-compositionality: a history is linearizable if and only if it is for each
 * object; Herlihy and Wing). An object here is a slot with its sessions. But an operation that does something to several slots
 * at one moment (BOOKALL, RESCHEDULE, EXEC) makes one object of them: looked at slot by slot, half a BOOKALL has nothing wrong
 * with it. So slots are joined that such an operation names, and the sessions go with the slots they were told of at. An
 * operation that was refused joins nothing: it is a look at each slot for itself (spec.h says why). Holds of a client at
 * several slots share nothing as long as no limit is reached; histories are recorded without one.
 *
 * See: Wing and Gong, Testing and Verifying Concurrent Objects (1993); Lowe, Testing for Linearizability (2017); Horn and
 * Kroening, Faster Linearizability Checking via P-Compositionality (2015).
 *
 * Threads: one.
 */
#pragma once

#include <history/recorder.h>
#include <history/spec.h>

enum linear_verdict {
	LINEAR_YES,
	LINEAR_NO,
	LINEAR_GAVE_UP, /* too many possibilities: nothing is known */
};

struct linear {
	uint64_t steps;  /* of all histories */
	uint64_t placed; /* as often as one was placed, those included that were taken back */
	uint64_t parts;
	struct buffer text; /* of what was not linearizable; the owner's to free */
};

/* Checks what the recorder's clients recorded. `wall_ms` was the wall clock when CLOCK_MONOTONIC was `at_ns`. */
enum linear_verdict linear_check(struct linear *linear, const struct recorder *recorder, uint64_t wall_ms,
				 uint64_t at_ns);
