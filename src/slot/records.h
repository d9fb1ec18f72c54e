/*
 * records: what the files of the table share: from numbers to records, and the ends of a slot's life.
 */
#pragma once

#include <base/hash.h>
#include <slot/table.h>

static inline struct slot *slot_of(const struct table *table, uint32_t slot)
{
	return pool_at(&table->slots, slot);
}

static inline struct session *session_of(const struct table *table, uint32_t session)
{
	return pool_at(&table->sessions, session);
}

static inline uint64_t slot_hash(const struct table *table, uint64_t key)
{
	return hash_u64(key, table->seed);
}

/* The record with this key, whatever the purge horizon says, or 0. */
static inline uint32_t slot_find(const struct table *table, uint64_t key)
{
	return index_find(&table->index, slot_hash(table, key), &key);
}

static inline uint64_t slot_key(const struct slot *slot)
{
	return atomic_load_explicit(&slot->key, memory_order_acquire); /* pairs with slot_insert and slot_give */
}

static inline uint64_t slot_word(const struct slot *slot)
{
	return atomic_load_explicit(&slot->word, memory_order_acquire); /* pairs with every store of it, all release */
}

/* When a session of this state was last changed, and how long it is held: session_updated. Acquire; pairs with the stores of
 * session_set_updated. Of a free one nothing is said. */
static inline uint64_t session_updated_of(const struct table *table, uint32_t session, uint64_t state, uint64_t made)
{
	if (session_is_new(state) || session_status(state) == SESSION_FREE) {
		return session_updated(session_created_ms(made), 0);
	}
	const session_change *change = pool_beside(&table->sessions, session);
	return atomic_load_explicit(change, memory_order_acquire);
}

/* The state is not settled, and one that others will look beside for. */
static inline void session_set_updated(struct table *table, uint32_t session, uint64_t updated)
{
	session_change *change = pool_beside(&table->sessions, session);
	atomic_store_explicit(change, updated, memory_order_release); /* pairs with session_updated_of */
}

/* Is the day of this key gone? Acquire; pairs with table_purge_horizon. */
static inline bool key_purged(const struct table *table, uint64_t key)
{
	return key_day(key) < atomic_load_explicit(&table->purged_before_day, memory_order_acquire);
}

/* Does the word (a SESSION) mean this session? Its number is that of the word. */
static inline bool word_means(uint64_t word, uint32_t generation)
{
	return claim_generation(word) == generation;
}

/* Stores `lsn` as table_removed_lsn, unless that is past it. */
void removed_lsn_raise(struct table *table, uint64_t lsn);

/* A record of the slot pool, paid for. 0 when memory is spent. */
uint32_t slot_take(struct table *table, bool promised);
/* Puts a record that was just taken into the index, as a slot or card with this key and word; or gives it back if there
 * is one already. Returns the one that is there. */
uint32_t slot_insert(struct table *table, uint32_t slot, uint64_t key, uint64_t word);
/* Gives the record and its bytes back; nobody finds it any more. */
void slot_give(struct table *table, uint32_t slot);
/* Takes a record whose word nobody else may change (CLOSED) out of the index, and gives it back. */
void slot_take_out(struct table *table, uint32_t slot);
/* Restoring: takes a slot or card out, whatever its word says. */
void slot_drop(struct table *table, uint32_t slot);

/* Has this place had all the ids it could give? */
static inline bool session_used_up(const struct session *session)
{
	/* Relaxed: of a free session, by whoever has it. */
	return atomic_load_explicit(&session->generation, memory_order_relaxed) == SESSION_GENERATION_MAX;
}

/* Links a session to those of its client: see slot/thread.h. */
void thread_push(struct table *table, uint32_t session, uint32_t client);
/* Takes all sessions of purged days out of the thread of this one, looking at up to *looks of them, which it counts down.
 * False: the looks are spent, there are more. True: this one is out, unless somebody has just changed it (thread_has). */
bool thread_clear(struct table *table, uint32_t session, struct thread_cursor *cursor, uint32_t *looks);
/* For checks, nobody else being at work: walks all threads, returns how many sessions they have; is this one in its thread? */
uint64_t threads_check(const struct table *table);
bool thread_has(const struct table *table, uint32_t session);

/* Gives a session and its bytes back; its state is FREE. */
void session_give(struct table *table, uint32_t session);

/* The word of a listed slot that is freed or opened by the record at `lsn`: OPEN, or BLOCKED. */
uint64_t freed_word(struct table *table, uint64_t key, uint16_t minutes, uint64_t lsn);
/* The session whose state is about to be settled at `lsn` does not keep its slot any more: blocks that, if it is to be. */
bool block_freed(struct table *table, uint32_t session, uint64_t lsn);
/* The end of replay: blocks all that are to be. */
void block_all(struct table *table);

/* Restoring from copies: the slot with this key has this word, and is made if it is missing. Nothing is promised for it. */
bool slot_put(struct table *table, uint64_t key, uint64_t word, struct error *error);
/* The same of a session's record. */
struct session_image;
bool session_put(struct table *table, const struct session_image *image, struct error *error);
/* The same, its place being usable. */
void session_write(struct table *table, const struct session_image *image);

/* The day card of a slot, and its bit there. */
static inline uint64_t card_key(uint64_t key)
{
	return key_make(key_psychologist(key), key_day(key), KEY_MINUTE_CARD);
}
uint64_t card_bit(uint64_t key);
/* Sets bits on the card with this key, adding the card if there is none. False when memory is spent. */
bool card_mark_bits(struct table *table, uint64_t card_key, uint64_t bits, bool promised);
/* Sets the bit of the key on its day card. */
bool card_mark(struct table *table, uint64_t key, bool promised);
/* Is it set? */
bool card_has(const struct table *table, uint64_t key);

/* As what INFO counts a slot. */
enum slot_state {
	SLOT_UNCOUNTED, /* an unlisted slot nobody ever booked, or on its way */
	SLOT_OPEN,
	SLOT_BOOKED,
	SLOT_HELD,
	SLOT_BLOCKED,
};
/* `status` is that of the word's session, if it is a SESSION. */
enum slot_state slot_state(uint64_t word, enum session_status status);
