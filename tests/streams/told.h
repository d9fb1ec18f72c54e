/*
 * told: is what clients were told what the log says, each answer at some moment between its question and itself?
 *
 * A log is one order of everything that happened, so nothing has to be searched for (as in history/linear.h): it is only asked
 * whether each answer has a place in this order. An answer is right at some lsns: those at which the slots and sessions were
 * as it says. It goes to the first of them that is not before
 *
 *   - the answers that its connection was given before it: requests of one connection are done in their order
 *   - any answer that somebody was given before this question was sent
 *
 * That is the lowest place it can have, so if no place is left for an answer, there is none for all of them. An answer that
 * knew too much is placed high, and then those after it, which know less, are not placed any more. What is past the end of the
 * log was lost [I2].
 *
 * An answer about several slots is right if each is so at some lsn; what was done is right at one lsn for all (history/spec.h
 * says why).
 *
 * Threads: one.
 */
#pragma once

#include <history/answer.h>
#include <streams/witness.h>

#define TOLD_SLACK_MS 250 /* between the server's clock for holds and the stamps */
#define TOLD_NOWHERE  UINT64_MAX

/* An answered operation. */
struct told {
	const struct op *op;
	const struct answer *answer;
	/* its stamps on the wall clock */
	uint64_t invoked_ms;
	uint64_t returned_ms;
	bool threads; /* the server has several: a limit may count what another is just giving back */
};

/* The lowest lsn from `from` on where the answer can be; TOLD_NOWHERE: there is none. */
uint64_t told_place(const struct witness *witness, const struct told *told, uint64_t from);

/* What many an answer is made of: the lowest lsn where a slot is so. */
enum wanted_kind {
	WANTED_OWN,      /* `session` (0: any) of `client` has it, other than for a while */
	WANTED_OWN_HOLD, /* `session` of `client` holds it until `expires_ms` */
	WANTED_TAKEN,    /* somebody has it, other than for a while; not `client`, nor one of `but` */
	WANTED_HELD,     /* somebody holds it; not `client` */
	WANTED_BLOCKED,
	WANTED_OPEN,      /* it is there, free and not blocked */
	WANTED_CLAIMABLE, /* that, or `client` has it already */
	WANTED_THERE,
	WANTED_GONE,
	WANTED_STUCK, /* not there, or not free: nothing to CLOSE */
	WANTED_SEEN_HELD,
	WANTED_SEEN_BOOKED,
	WANTED_SEEN_OPEN, /* as lists have it: a hold that is over is no hold */
	WANTED_SEEN_BLOCKED,
	WANTED_NOT_OPEN, /* the contrary of open */
};

#define TOLD_NOBODY UINT32_MAX

struct wanted {
	enum wanted_kind kind;
	uint32_t client; /* or TOLD_NOBODY */
	uint64_t session;
	uint64_t expires_ms;
	bool holds;           /* it is asked for with HOLD */
	const struct op *but; /* the sessions that the parts of this MULTI before `part` cancel or move, or NULL */
	uint32_t part;
};

uint64_t told_slot(const struct witness *witness, const struct told *told, uint32_t slot, const struct wanted *wanted,
		   uint64_t from);
/* The lowest where the session's status is one of these letters (as in model.c: fhbrcxeyn), and, unless `slot` is
 * WITNESS_NONE, it is at that slot. */
uint64_t told_session(const struct witness *witness, uint64_t id, const char *letters, uint32_t slot, uint64_t from);

/* The lowest where nobody had made the session. */
uint64_t told_no_session(const struct witness *witness, uint64_t id, uint64_t from);
/* The lowest where the client held as many as it may. */
uint64_t told_many_holds(const struct witness *witness, const struct told *told, uint64_t from);
/* The lowest where what a MULTI got in its part `number`, as wanted, has become what a part behind it made of it. */
uint64_t told_claimed_and_changed(const struct witness *witness, const struct told *told, uint32_t number,
				  const struct wanted *wanted, uint64_t from);
/* The lowest where the session is held until then. */
uint64_t told_renewed(const struct witness *witness, uint64_t id, uint64_t expires_ms, uint64_t from);

/* What readers were told: SLOT, SLOTS, ALTERNATIVES, SESSION, SESSIONS; and the alternatives in a refusal. */
uint64_t told_look(const struct witness *witness, const struct told *told, uint64_t from);
uint64_t told_alternatives_of_error(const struct witness *witness, const struct told *told, uint64_t from);

static inline uint64_t told_later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}
