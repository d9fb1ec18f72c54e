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
 *   (free) --BOOK--> booked --CONFIRM--> confirmed --CANCEL--> cancelled   table_claim, table_change; then table_settle
 *   (free) <-------------------------------------------------- any   table_purge_reclaim; a claim that lost:
 *                                                                      table_session_give
 *
 * The whole life of a session is the table of slot/life.h. The word is also the version
 * of the record: its lsn changes with every change, so that a reader who finds the same settled word before and after
 * reading the other fields has read one state (seqlock). Who changes another field has unsettled the word first, stores
 * the field with release, and the reader loads it with acquire: having seen the new field, the reader sees the word
 * changed.
 *
 * A session's id is (generation << 32 | number): the number is its place in the pool, the generation counts how often
 * the place was given back after it was seen, so that an id is never given out twice; a place whose generations are used up
 * is not used any more. The log records ids, so they survive a restart [I10].
 *
 * Most sessions are booked and then left alone for long. So when a session was last changed, and how long it is held, is beside
 * the record (base/pool.h), and asked for only if the state says that there is more to say than when it was made.
 */
#pragma once

#include <assert.h>
#include <slot/key.h>
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
	_Atomic uint64_t state; /* the word above; every other field but `link` is read between two loads of it */
	_Atomic uint64_t made;  /* session_made */
	/* of its slot's key (slot/key.h) */
	_Atomic uint32_t psychologist;
	_Atomic uint16_t day;
	_Atomic uint16_t generation;
	_Atomic uint32_t client; /* intern number */
	_Atomic uint32_t link;   /* the client's session before this one: slot/thread.h */
};
static_assert(sizeof(struct session) == 32, "docs/OPERATIONS.md says what a booking costs");

/* Beside it: session_updated, if not session_is_new. */
typedef _Atomic uint64_t session_change;

/* The last generation of a place. */
#define SESSION_GENERATION_MAX UINT16_MAX

/* When it was made, at what minute its slot begins, and how many minutes that has.
 *
 *    63                                   22 21        11 10         0
 *   +---------------------------------------+------------+------------+
 *   |  wall clock, ms (42)                  |   minute   |  minutes   |
 *   +---------------------------------------+------------+------------+
 *
 * The wall clock of the record that made it; what is later than 42 bits can say, which is in May 2109, is taken for that.
 */
#define SESSION_CREATED_MS_MAX ((UINT64_C(1) << 42) - 1)
static inline uint64_t session_made(uint64_t created_ms, uint16_t minute, uint16_t minutes)
{
	const uint64_t said_ms = created_ms < SESSION_CREATED_MS_MAX ? created_ms : SESSION_CREATED_MS_MAX;
	return said_ms << 22 | (uint64_t)minute << 11 | minutes;
}

static inline uint64_t session_created_ms(uint64_t made)
{
	return made >> 22;
}

static inline uint16_t session_minute(uint64_t made)
{
	return (uint16_t)(made >> 11 & 2047);
}

static inline uint16_t session_minutes(uint64_t made)
{
	return (uint16_t)(made & 2047);
}

/* Says where it is, and when it was made. Release, each; pairs with the looks. */
static inline void session_set_made(struct session *session, uint64_t key, uint64_t created_ms, uint16_t minutes)
{
	const uint64_t made = session_made(created_ms, key_minute(key), minutes);
	atomic_store_explicit(&session->psychologist, key_psychologist(key), memory_order_release);
	atomic_store_explicit(&session->day, key_day(key), memory_order_release);
	atomic_store_explicit(&session->made, made, memory_order_release);
}

/* The key of its slot, of parts that are of one state if `state` is the same before and after. Acquire, each; pairs with
 * session_set_made. */
static inline uint64_t session_key(const struct session *session)
{
	const uint64_t made = atomic_load_explicit(&session->made, memory_order_acquire);
	const uint32_t psychologist = atomic_load_explicit(&session->psychologist, memory_order_acquire);
	const uint16_t day = atomic_load_explicit(&session->day, memory_order_acquire);
	return key_make(psychologist, day, session_minute(made));
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

/* The last change and, of a held session, for how many seconds from then on it is held; 0 of any other. Both change
 * together.
 *
 *    63            48 47                                      0
 *   +----------------+-----------------------------------------+
 *   |  hold seconds  |  wall clock, ms (RECORD_AT_MS_MAX fits) |
 *   +----------------+-----------------------------------------+
 */
#define SESSION_UPDATED_MS_MAX ((UINT64_C(1) << 48) - 1)
static inline uint64_t session_updated(uint64_t at_ms, uint16_t hold_seconds)
{
	return (uint64_t)hold_seconds << 48 | at_ms;
}

static inline uint64_t session_updated_ms(uint64_t updated)
{
	return updated & ((UINT64_C(1) << 48) - 1);
}

static inline uint16_t session_hold_seconds(uint64_t updated)
{
	return (uint16_t)(updated >> 48);
}

/* When the hold is over; 0: it is none. */
static inline uint64_t session_expires_ms(uint64_t updated)
{
	const uint64_t hold_ms = UINT64_C(1000) * session_hold_seconds(updated);
	return hold_ms != 0 ? session_updated_ms(updated) + hold_ms : 0;
}

/* Booked and never changed: then all there is to say of changes is when it was made. */
static inline bool session_is_new(uint64_t state)
{
	return session_status(state) == SESSION_BOOKED && session_version(state) == 1;
}

/* Does a session of this status keep its slot (held booked rescheduled confirmed)? */
static inline bool session_occupies(enum session_status status)
{
	return status >= SESSION_HELD && status <= SESSION_CONFIRMED;
}

/* Is there a command that leads from one status to the other (slot/life.h)? */
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
