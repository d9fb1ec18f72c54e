/*
 * claim: the 64-bit word of a slot, on which claims are decided by one compare-and-swap.
 *
 *    63  61 60        50 49  48 47                                      0
 *   +------+------------+------+-----------------------------------------+
 *   | kind |  minutes   |  0   |  OPEN, BLOCKED, CLOSED: lsn             |
 *   |      |            |      |  SESSION: generation (16) number (32)   |
 *   +------+------------+------+-----------------------------------------+
 *
 * kind     says                                         the value is
 * NONE     the record is no slot (never used, given back)   a stamp: which removal gave the record back, 0 if none did
 * OPEN     nobody has claimed the slot since it was opened   lsn of the OPEN, or of the MOVE that left it; for an unlisted
 *                                                            slot (minutes 0), which no OPEN made, the stamp its record
 *                                                            had before
 * SESSION  the latest claim is this session's                the session: low 16 bits of its generation, its number
 * BLOCKED  nobody has it, and the psychologist is busy        the highest lsn that this depends on
 * CLOSED   on its way in or out: somebody is appending the    0
 *          record that opens or closes it; others wait
 * CARD     the record is no slot but a day card               its bitmap (slot/table.h), 60 bits
 *
 * Who may change it, and how (the claim protocol):
 *
 *   OPEN -> SESSION                 a claim: CAS                                        [table_claim]
 *   SESSION(dead) -> SESSION(new)   a claim on a freed slot: CAS                        [table_claim]
 *   SESSION(new) -> what it was     a claim, not settled, that is taken back            [table_unclaim]
 *   SESSION -> OPEN, BLOCKED, CLOSED   the session, not settled, has gone to another slot  [table_moved]
 *   OPEN, SESSION(dead) -> BLOCKED  the psychologist is busy: CAS                       [table_derive]
 *   SESSION(dead) -> BLOCKED        the same, by who is just freeing it, not settled: CAS  [table_settle]
 *   BLOCKED -> OPEN                 not any more: CAS                                   [table_derive]
 *   OPEN, SESSION(dead), BLOCKED -> CLOSED   a close: CAS                               [table_close]
 *   any but CLOSED -> CLOSED        a purge: CAS                                        [table_purge_reclaim]
 *   CLOSED -> NONE                  whoever closed it, once it is out of the index      [table_remove]
 *   NONE -> OPEN, CLOSED            whoever took the record from the pool               [table_add]
 *   CLOSED -> OPEN, BLOCKED         whoever added it so, the record being in the log    [table_open]
 *
 * A slot is free if it is OPEN, or SESSION and that session no longer occupies it: cancelling changes the session's
 * state word (slot/session.h), never this one.
 *
 * Why a compare-and-swap cannot succeed on a word that went away and came back (ABA): an OPEN carries the lsn that
 * opened or unblocked it or a stamp, a SESSION the number and generation of a session, and none of these is given out twice. (A
 * generation repeats its low 16 bits after 65,536 purges of the same record; no look at a slot lasts that long.) A claim
 * that is taken back is the one exception, and no harm: until it is settled nobody answers from it, and afterwards the slot
 * is in every respect what it was before.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum claim_kind {
	CLAIM_NONE,
	CLAIM_OPEN,
	CLAIM_SESSION,
	CLAIM_BLOCKED,
	CLAIM_CLOSED,
	CLAIM_CARD,
};

#define CLAIM_VALUE_BITS 48
#define CLAIM_VALUE_MASK ((UINT64_C(1) << CLAIM_VALUE_BITS) - 1)

static inline uint64_t claim_make(enum claim_kind kind, uint16_t minutes, uint64_t value)
{
	return (uint64_t)kind << 61 | (uint64_t)minutes << 50 | value;
}

static inline enum claim_kind claim_kind(uint64_t word)
{
	return (enum claim_kind)(word >> 61);
}

/* Duration of the slot in minutes, 0 to 1440; 0 for an unlisted slot, whose duration nobody said. */
static inline uint16_t claim_minutes(uint64_t word)
{
	return (uint16_t)(word >> 50 & 2047);
}

/* Is the slot one that an OPEN made? */
static inline bool claim_listed(uint64_t word)
{
	return claim_minutes(word) != 0;
}

static inline uint64_t claim_lsn(uint64_t word)
{
	return word & CLAIM_VALUE_MASK;
}

static inline uint32_t claim_session(uint64_t word)
{
	return (uint32_t)word;
}

static inline uint16_t claim_generation(uint64_t word)
{
	return (uint16_t)(word >> 32);
}
