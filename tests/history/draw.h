/*
 * draw: random operations, of a mix that is given.
 *
 * What is drawn follows from the seed; which sessions it names, from what clients were told until then.
 *
 * Threads: each client has its own state; the pool is shared.
 */
#pragma once

#include <history/op.h>
#include <stdatomic.h>

#define DRAW_UNITS_MAX 4
#define DRAW_POOL      32 /* sessions told of last, of a unit */

/* Sessions that clients were told of, shared so that each also names those of others. Relaxed: any will do. */
struct draw_pool {
	_Atomic uint64_t sessions[DRAW_UNITS_MAX][DRAW_POOL];
	_Atomic uint64_t over[DRAW_UNITS_MAX][DRAW_POOL]; /* that took place, or not: COMPLETE and NOSHOW ask again */
};

struct draw_mix {
	uint16_t weights[OP_VERBS]; /* of each verb; all together at most UINT16_MAX */
	uint32_t units;         /* commands for several slots stay in one of so many parts of the agenda, of one size */
	uint16_t seconds_max;   /* of a HOLD */
	uint16_t client_claims; /* a connection takes another client's token after so many claims; 0: never */
	uint32_t clients;       /* that many tokens at a time */
	bool multi_holds;       /* in a MULTI also HOLD and RENEW, and a session more than once */
	uint32_t lone_holds;    /* one HOLD of so many is left alone until it is over; 0: none */
};

/* The clients of lone holds, all others have higher numbers; and their slots, of which others are told nothing by readers. */
#define DRAW_LONE_CLIENTS 4
static inline bool draw_is_lone(uint32_t slot)
{
	return slot % 10 == 9;
}

struct draw {
	const struct draw_mix *mix;
	const struct agenda *agenda;
	struct draw_pool *pool;
	uint64_t random;
	uint64_t number;      /* of the next op, */
	uint64_t number_step; /* and from there to the one behind it */
	uint32_t claims;
};

struct op draw_op(struct draw *draw);
/* The client was told of a session, in answer to this op. */
void draw_told(struct draw *draw, const struct op *op, uint64_t session);
/* The client was told that the session it asked for has ended, or ended it. */
void draw_ended(struct draw *draw, const struct op *op);
