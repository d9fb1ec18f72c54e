/*
 * session: one client's claim on one slot, and the state word that says what became of it.
 *
 *    63                            16 15          4 3     0
 *   +--------------------------------+-------------+--------+
 *   |   lsn that made it so (48)     | version (12)| status |
 *   +--------------------------------+-------------+--------+
 *
 * lsn 0 says the state is not settled yet: its thread has changed the word and is appending the record. Nobody answers
 * from, or changes, an unsettled state: they wait for it (session_wait_settled), a bounded wait like that for a lock,
 * since between the change and the append nothing can fail [I5]. This is what makes the order of the log the order of
 * the changes [I4], and gives every answer the lsn it depends on [I2].
 *
 *   (free) --BOOK--> booked --CANCEL--> cancelled        table_claim, table_change; then table_settle
 *   (free) <--------------------------- any              table_purge_reclaim; a claim that lost: table_session_give
 *
 * The other rows of the life of a session (docs/ARCHITECTURE.md) are values of the same word. The word is also the version
 * of the record: its lsn changes with every change, so that a reader who finds the same settled word before and after
 * reading the other fields has read one state (seqlock). Who changes another field has unsettled the word first, stores
 * the field with release, and the reader loads it with acquire: having seen the new field, the reader sees the word
 * changed.
 *
 * A session's id is (generation << 32 | number): the number is its place in the pool, the generation counts how often
 * the place was given back after it was seen, so that an id is never given out twice. The log records ids, so they
 * survive a restart [I10].
 */
#pragma once

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum session_status {
	SESSION_FREE, /* no session: the record is in the pool */
	SESSION_HELD,
	SESSION_BOOKED,
	SESSION_RESCHEDULED,
	SESSION_CONFIRMED,
	SESSION_CANCELLED,
	SESSION_EXPIRED,
	SESSION_COMPLETED,
	SESSION_NO_SHOW,
};

#define SESSION_VERSION_MAX 4095

struct session {
	_Atomic uint64_t state; /* the word above; every other field is read between two loads of it */
	_Atomic uint64_t key;
	_Atomic uint64_t made;       /* session_made: when, and of how many minutes */
	_Atomic uint64_t updated_ms; /* wall clock, from the record that changed it last */
	_Atomic uint32_t client;     /* intern number */
	_Atomic uint32_t generation;
};
static_assert(sizeof(struct session) == 40, "docs/OPERATIONS.md says what a booking costs");

/* The wall clock of the record that made it, in 48 bits (the year 9999 needs no more), and the minutes of its slot. */
#define SESSION_CREATED_MS_MAX ((UINT64_C(1) << 48) - 1)
static inline uint64_t session_made(uint64_t created_ms, uint16_t minutes)
{
	return created_ms << 16 | minutes;
}

static inline uint64_t session_created_ms(uint64_t made)
{
	return made >> 16;
}

static inline uint16_t session_minutes(uint64_t made)
{
	return (uint16_t)made;
}

static inline uint64_t session_state(enum session_status status, uint32_t version, uint64_t lsn)
{
	return lsn << 16 | (uint64_t)version << 4 | (uint64_t)status;
}

static inline enum session_status session_status(uint64_t state)
{
	return (enum session_status)(state & 15);
}

static inline uint32_t session_version(uint64_t state)
{
	return (uint32_t)(state >> 4 & SESSION_VERSION_MAX);
}

static inline uint64_t session_lsn(uint64_t state)
{
	return state >> 16;
}

/* Does a session of this status keep its slot (held booked rescheduled confirmed)? */
static inline bool session_occupies(enum session_status status)
{
	return status >= SESSION_HELD && status <= SESSION_CONFIRMED;
}

/* Is there a command that leads from one status to the other (docs/ARCHITECTURE.md)? */
bool session_may_become(enum session_status from, enum session_status to);

/* "booked", "no_show", ...: the words of the protocol. */
const char *session_status_name(enum session_status status);

static inline uint64_t session_id(uint32_t number, uint32_t generation)
{
	return (uint64_t)generation << 32 | number;
}

/* Loads the state, waiting for it to be settled, or free. Acquire; pairs with the release stores of table_settle and
 * table_session_give. */
uint64_t session_wait_settled(const struct session *session);
