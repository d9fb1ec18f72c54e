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

bool table_move_begin(struct table *table, const struct session_view *seen, uint64_t key)
{
	return !key_purged(table, seen->key) && !key_purged(table, key) &&
	       table_change_begin(table, seen, SESSION_RESCHEDULED);
}

bool table_move_take(struct table *table, const struct session_view *seen, uint32_t slot, const struct slot_view *to)
{
	CHECK(to->free && to->key != seen->key);
	uint64_t word = to->word;
	const uint64_t number = (uint32_t)seen->id;
	const uint64_t generation = (uint16_t)(seen->id >> 32);
	const uint64_t mine = claim_make(CLAIM_SESSION, to->minutes, generation << 32 | number);
	/* Release: who sees the word sees that the session is not settled. Pairs with slot_word. */
	if (!atomic_compare_exchange_strong_explicit(&slot_of(table, slot)->word, &word, mine, memory_order_acq_rel,
						     memory_order_relaxed)) {
		return false;
	}
	if (claim_listed(mine)) {
		memory_redeem(table->memory, TABLE_BOOKING_BYTES);
	}
	return true;
}

void table_move_give(struct table *table, uint32_t slot, const struct slot_view *to)
{
	if (claim_listed(to->word)) {
		memory_promise_again(table->memory, TABLE_BOOKING_BYTES); /* before anybody can claim the slot on it */
	}
	/* A store: nobody else changes a word whose session is not settled. Release; pairs with slot_word. */
	atomic_store_explicit(&slot_of(table, slot)->word, to->word, memory_order_release);
}

void table_move_end(struct table *table, const struct session_view *seen, const struct slot_view *to, uint64_t at_ms)
{
	struct session *session = session_of(table, (uint32_t)seen->id);
	session_set_made(session, to->key, seen->created_ms, to->minutes);
	session_set_updated(table, (uint32_t)seen->id, session_updated(at_ms, 0));
	if (seen->minutes != 0) {
		memory_promise_again(table->memory, TABLE_BOOKING_BYTES); /* before anybody can claim the slot on it */
	}
}

bool table_move(struct table *table, const struct session_view *seen, uint32_t slot, const struct slot_view *to,
		uint64_t at_ms)
{
	if (!table_move_begin(table, seen, to->key)) {
		return false;
	}
	if (!table_move_take(table, seen, slot, to)) {
		table_change_undo(table, seen);
		return false;
	}
	table_move_end(table, seen, to, at_ms);
	return true;
}

bool table_moved(struct table *table, const struct session_view *seen, uint64_t lsn)
{
	/* It is there: who would take it out waits for the session, or for the one of the same group that took it. */
	const uint32_t slot = slot_find(table, seen->key);
	CHECK(slot != 0);
	struct slot *left = slot_of(table, slot);
	const uint64_t word = slot_word(left);
	uint64_t freed = 0;
	CHECK(claim_kind(word) == CLAIM_SESSION);
	const bool stays = claim_session(word) != (uint32_t)seen->id; /* it has been taken by the same group */
	if (!stays && claim_listed(word)) {
		freed = freed_word(table, seen->key, claim_minutes(word), lsn);
		atomic_store_explicit(&left->word, freed, memory_order_release); /* pairs with slot_word */
	} else if (!stays) {
		atomic_store_explicit(&left->word, claim_make(CLAIM_CLOSED, 0, 0), memory_order_release);
		table_remove(table, slot, lsn);
	}
	table_settle(table, seen->id, lsn);
	return claim_kind(freed) == CLAIM_BLOCKED;
}
