/*
 * table_purge: days that are gone, out of sight at once and reclaimed in slices. See slot/table.h.
 *
 * Why reclaiming is safe while others work. Nothing finds a slot or a session of a purged day from the horizon on, but
 * a thread may have found one before and be anywhere in its claim, cancellation or close. Whatever it still does ends
 * in a compare-and-swap with a word it saw, and reclaiming changes both words first, so:
 *   - it came first: then its change is unsettled, or the word CLOSED, and reclaiming waits until it is through;
 *   - or it comes later, and fails, now and for ever, since such words never come back (slot/claim.h).
 * Nobody waits for the purge, so waiting cannot go round in circles.
 *
 * A session goes together with the slot whose word means it, and before that word, so that no cancellation can free
 * (and promise) a slot that is being taken out. A session its slot does not mean any more, cancelled long ago, goes
 * alone. Before it is free it leaves its thread (slot/thread.h); where threads are long that takes more than one slice.
 */
#include "pause.h"
#include "records.h"
#include <base/check.h>

void table_purge_horizon(struct table *table, uint16_t day, uint64_t lsn)
{
	removed_lsn_raise(table, lsn); /* before the days go: see table_removed_lsn */
	busy_forget(&table->busy, (uint32_t)day * MINUTES_PER_DAY);
	/* Relaxed reading: only a larger one is stored, whoever is first. */
	uint32_t horizon = atomic_load_explicit(&table->purged_before_day, memory_order_relaxed);
	while (horizon < day && !atomic_compare_exchange_weak_explicit(&table->purged_before_day, &horizon, day,
								       memory_order_release, memory_order_relaxed)) {
		/* Release; pairs with key_purged. */
	}
}

enum slot_state slot_state(uint64_t word, enum session_status status)
{
	switch (claim_kind(word)) {
	case CLAIM_OPEN:
		return claim_listed(word) ? SLOT_OPEN : SLOT_UNCOUNTED;
	case CLAIM_BLOCKED:
		return SLOT_BLOCKED;
	case CLAIM_SESSION:
		if (!session_occupies(status)) {
			return SLOT_OPEN;
		}
		return status == SESSION_HELD ? SLOT_HELD : SLOT_BOOKED;
	default:
		return SLOT_UNCOUNTED;
	}
}

static void count_removed(struct purge_cursor *cursor, enum slot_state state)
{
	cursor->removed_open += state == SLOT_OPEN;
	cursor->removed_booked += state == SLOT_BOOKED;
	cursor->removed_held += state == SLOT_HELD;
	cursor->removed_blocked += state == SLOT_BLOCKED;
}

/* Makes the session free, if its state still is the settled one that was seen. Its id is never given out again. */
static bool free_session(struct table *table, uint32_t number, uint64_t state)
{
	struct session *session = session_of(table, number);
	/* Unsettled first, so that whoever sees it free sees the new generation as well (table_copy_sessions). Pairs with
	 * session_wait_settled, and with the compare-and-swap of table_change. */
	const uint64_t unsettled = session_state(session_status(state), session_version(state), 0);
	if (!atomic_compare_exchange_strong_explicit(&session->state, &state, unsettled, memory_order_acq_rel,
						     memory_order_relaxed)) {
		return false;
	}
	/* Relaxed: of this thread alone until the pool gives it to another. */
	atomic_fetch_add_explicit(&session->generation, 1, memory_order_release); /* pairs with the looks */
	atomic_store_explicit(&session->state, session_state(SESSION_FREE, 0, 0),
			      memory_order_release); /* pairs with session_wait_settled */
	return true;
}

/* Changes the word to CLOSED if it still is the one that was seen. */
static bool close_word(struct slot *slot, uint64_t word)
{
	return atomic_compare_exchange_strong_explicit(
	    &slot->word, &word, claim_make(CLAIM_CLOSED, claim_minutes(word), 0), memory_order_acq_rel,
	    memory_order_relaxed); /* pairs with slot_word */
}

/* What became of an attempt to reclaim something. */
enum reclaim {
	RECLAIM_DONE,
	RECLAIM_AGAIN, /* somebody else changed it: look again */
	RECLAIM_LATER, /* the looks of this slice are spent */
};

/* Takes the session with this settled state out of its thread, and makes it free. */
static enum reclaim take_session(struct table *table, uint32_t number, uint64_t state, struct purge_cursor *cursor,
				 uint32_t *looks)
{
	if (!thread_clear(table, number, &cursor->thread, looks)) {
		return RECLAIM_LATER;
	}
	if (thread_has(table, number) || !free_session(table, number, state)) {
		return RECLAIM_AGAIN;
	}
	session_give(table, number);
	return RECLAIM_DONE;
}

/* Takes the session that this word of a slot means, and the word. */
static enum reclaim close_session(struct table *table, struct slot *slot, uint64_t word, struct purge_cursor *cursor,
				  uint32_t *looks, enum session_status *status)
{
	const uint32_t number = claim_session(word);
	const struct session *session = session_of(table, number);
	const uint64_t state = session_wait_settled(session);
	const uint32_t generation = atomic_load_explicit(&session->generation, memory_order_acquire); /* as in a look */
	/* It may have moved to another slot while we waited. */
	const uint64_t key = session_key(session);
	/* Another purge may have come as far, and the session be free or somebody else's. */
	if (session_status(state) == SESSION_FREE || !word_means(word, generation) || key != slot_key(slot)) {
		return RECLAIM_AGAIN;
	}
	const enum reclaim taken = take_session(table, number, state, cursor, looks);
	if (taken != RECLAIM_DONE) {
		return taken;
	}
	*status = session_status(state);
	return close_word(slot, word) ? RECLAIM_DONE : RECLAIM_AGAIN;
}

/* Is this slot, free or not, one whose booking is promised? */
static bool is_promised(uint64_t word, enum slot_state state)
{
	return claim_listed(word) && (state == SLOT_OPEN || state == SLOT_BLOCKED);
}

/* False: the looks are spent. */
static bool reclaim_slot(struct table *table, uint32_t number, struct purge_cursor *cursor, uint32_t *looks)
{
	struct slot *slot = slot_of(table, number);
	for (unsigned round = 0;; round++) {
		const uint64_t word = slot_word(slot);
		const uint64_t key = slot_key(slot);
		if (key == 0 || claim_kind(word) == CLAIM_NONE || !key_purged(table, key)) {
			return true; /* no slot, being made one, or one of a day that stays */
		}
		enum session_status status = SESSION_FREE;
		enum reclaim taken = RECLAIM_AGAIN;
		if (claim_kind(word) == CLAIM_SESSION) {
			taken = close_session(table, slot, word, cursor, looks, &status);
		} else if (claim_kind(word) != CLAIM_CLOSED && close_word(slot, word)) {
			taken = RECLAIM_DONE;
		}
		if (taken == RECLAIM_LATER) {
			return false;
		}
		if (taken == RECLAIM_DONE) {
			const enum slot_state state = slot_state(word, status);
			slot_take_out(table, number);
			count_removed(cursor, state);
			if (is_promised(word, state)) {
				memory_redeem(table->memory, TABLE_BOOKING_BYTES);
			}
			return true;
		}
		pause_round(round); /* somebody else is just changing it, or closing it: that ends without us */
	}
}

/* Does the slot of this session still mean it? */
static bool is_meant(const struct table *table, uint32_t number, const struct session *session)
{
	const uint64_t key = session_key(session);
	/* Acquire: as in table_session_view. */
	const uint32_t generation = atomic_load_explicit(&session->generation, memory_order_acquire);
	const uint32_t slot = slot_find(table, key);
	const uint64_t word = slot != 0 ? slot_word(slot_of(table, slot)) : 0;
	return claim_kind(word) == CLAIM_SESSION && claim_session(word) == number && word_means(word, generation);
}

/* False: the looks are spent. */
static bool reclaim_session(struct table *table, uint32_t number, struct purge_cursor *cursor, uint32_t *looks)
{
	const struct session *session = session_of(table, number);
	const uint64_t state = session_wait_settled(session);
	/* The state loaded before says the session is not free, so the key is its own; if it changes meanwhile, the
	 * compare-and-swap on the state fails, and whoever changed it leaves it to the next purge. */
	const uint64_t key = session_key(session);
	return session_status(state) == SESSION_FREE || !key_purged(table, key) || is_meant(table, number, session) ||
	       take_session(table, number, state, cursor, looks) != RECLAIM_LATER;
}

bool table_purge_reclaim(struct table *table, struct purge_cursor *cursor, uint32_t count)
{
	for (; count > 0 && pool_has(&table->slots, cursor->slot + 1); count -= count > 0) {
		if (!reclaim_slot(table, cursor->slot + 1, cursor, &count)) {
			return true;
		}
		cursor->slot++;
	}
	for (; count > 0 && pool_has(&table->sessions, cursor->session + 1); count -= count > 0) {
		if (!reclaim_session(table, cursor->session + 1, cursor, &count)) {
			return true;
		}
		cursor->session++;
	}
	return count == 0;
}
