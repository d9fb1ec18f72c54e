/*
 * table_move: a session goes to another slot (RESCHEDULE). See slot/table.h.
 *
 * Keeps I1 (the new slot is decided by one compare-and-swap, as for a claim, while the old one still means the session) and I2
 * (who looks at either slot, or at the session, waits until it is settled).
 *
 * Both slots mean the session for a while: the old one until table_moved. Nobody answers from that, since the session is not
 * settled; and once it is, its key says which of them it has, and the other's word is another by then.
 *
 * Why two moves cannot wait for each other: whoever has unsettled a session waits for nobody until it is settled again. Why
 * somebody always gets on: a swap fails because another's has succeeded, and one that is taken back (the state's) was lost to
 * one that was not.
 */
#include "records.h"
#include <base/check.h>

void table_moves_lock(struct table *table)
{
	lock_take(&table->moves);
}

void table_moves_unlock(struct table *table)
{
	lock_give(&table->moves);
}

bool table_move(struct table *table, const struct session_view *seen, uint32_t slot, const struct slot_view *to,
		uint64_t at_ms)
{
	CHECK(to->free && to->key != seen->key);
	if (key_purged(table, seen->key) || key_purged(table, to->key) ||
	    !table_change_begin(table, seen, SESSION_RESCHEDULED)) {
		return false;
	}
	uint64_t word = to->word;
	const uint64_t number = (uint32_t)seen->id;
	const uint64_t generation = (uint16_t)(seen->id >> 32);
	const uint64_t mine = claim_make(CLAIM_SESSION, to->minutes, generation << 32 | number);
	/* Release: who sees the word sees that the session is not settled. Pairs with slot_word. */
	if (!atomic_compare_exchange_strong_explicit(&slot_of(table, slot)->word, &word, mine, memory_order_acq_rel,
						     memory_order_relaxed)) {
		table_change_undo(table, seen);
		return false;
	}
	if (claim_listed(mine)) {
		memory_redeem(table->memory, TABLE_BOOKING_BYTES);
	}
	/* Only now: a state that is put back must find the fields as they were. */
	struct session *session = session_of(table, (uint32_t)seen->id);
	session_set_made(session, to->key, seen->created_ms, to->minutes);
	session_set_updated(table, (uint32_t)seen->id, session_updated(at_ms, 0));
	return true;
}

bool table_moved(struct table *table, const struct session_view *seen, uint64_t lsn)
{
	/* It is there: who would take it out waits for the session. */
	const uint32_t slot = slot_find(table, seen->key);
	CHECK(slot != 0);
	struct slot *left = slot_of(table, slot);
	const uint64_t word = slot_word(left);
	uint64_t freed = 0;
	CHECK(claim_kind(word) == CLAIM_SESSION && claim_session(word) == (uint32_t)seen->id);
	if (claim_listed(word)) {
		memory_promise_again(table->memory, TABLE_BOOKING_BYTES); /* before anybody can claim the slot on it */
		freed = freed_word(table, seen->key, claim_minutes(word), lsn);
		atomic_store_explicit(&left->word, freed, memory_order_release); /* pairs with slot_word */
	} else {
		atomic_store_explicit(&left->word, claim_make(CLAIM_CLOSED, 0, 0), memory_order_release);
		table_remove(table, slot, lsn);
	}
	table_settle(table, seen->id, lsn);
	return claim_kind(freed) == CLAIM_BLOCKED;
}
