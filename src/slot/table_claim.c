/*
 * table_claim: whose a slot is. Looking, claiming, changing and settling, all without a lock. See slot/table.h.
 *
 * Keeps I1 (one compare-and-swap decides, and it compares with a word that says the slot is free), I2 (a look waits for
 * the lsn of what it saw), I4 (a change is settled before the next can be made, so the log has them in this order).
 *
 * A look at a slot reads its word, its key and up to six fields of a session, one after the other. That they belong
 * together follows from two words that never come back once they have changed (slot/claim.h, slot/session.h): if the
 * session's state is the same before and after its fields were read, they are of one state; if the slot's word is the
 * same before and after all that, it is that session's, with that state, at one moment in between.
 */
#include "pause.h"
#include "records.h"
#include <base/check.h>

#define LSN_MAX CLAIM_VALUE_MASK

/* Reads the session that the slot's word means. False if it is not that one any more. */
static bool view_session(const struct table *table, struct slot_view *view)
{
	const uint32_t number = claim_session(view->word);
	const struct session *session = session_of(table, number);
	const uint64_t state = session_wait_settled(session);
	/* Acquire: each pairs with the release store of the field in table_claim, and keeps the second look at the
	 * state behind it. */
	const uint32_t generation = atomic_load_explicit(&session->generation, memory_order_acquire);
	const uint64_t key = session_key(session);
	view->client = atomic_load_explicit(&session->client, memory_order_acquire);
	view->expires_ms =
	    session_status(state) == SESSION_HELD ? session_expires_ms(session_updated_of(table, number, state, 0)) : 0;
	view->session = session_id(number, generation);
	view->status = session_status(state);
	view->lsn = session_lsn(state);
	view->free = !session_occupies(view->status);
	/* Relaxed: ordered by the acquire loads above. */
	return atomic_load_explicit(&session->state, memory_order_relaxed) == state && view->status != SESSION_FREE &&
	       key == view->key && word_means(view->word, generation);
}

/* Looks once. False: look again, unless the slot is gone. */
static bool view_once(const struct table *table, const struct slot *slot, struct slot_view *view)
{
	switch (view->kind) {
	case CLAIM_OPEN:
		view->free = true;
		view->lsn = claim_listed(view->word) ? claim_lsn(view->word) : 0;
		break;
	case CLAIM_BLOCKED:
		view->lsn = claim_lsn(view->word);
		break;
	case CLAIM_SESSION:
		if (!view_session(table, view)) {
			return false;
		}
		break;
	default:
		return false;
	}
	return slot_word(slot) == view->word;
}

bool table_view(const struct table *table, uint32_t slot, uint64_t key, struct slot_view *view)
{
	const struct slot *record = slot_of(table, slot);
	/* Every round but the last saw somebody else in the middle of a change: of the word, or CLOSED, or NONE while
	 * it is being added. These are waited for as a state that is not settled is. */
	for (unsigned round = 0;; round++) {
		const uint64_t word = slot_word(record);
		*view = (struct slot_view){.word = word, .kind = claim_kind(word), .minutes = claim_minutes(word)};
		view->key = slot_key(record);
		if (view->key == key && view_once(table, record, view)) {
			return true;
		}
		/* In a purged day there are no slots, and perhaps words whose session is reclaimed already. */
		if (view->key != key || key_purged(table, key)) {
			*view = (struct slot_view){.lsn = table_removed_lsn(table)};
			return false;
		}
		pause_round(round);
	}
}

uint32_t table_session_take(struct table *table, bool promised)
{
	if (promised) {
		memory_force(table->memory, TABLE_SESSION_BYTES);
	} else if (!memory_take(table->memory, TABLE_SESSION_BYTES)) {
		return 0;
	}
	const uint32_t session = pool_take(&table->sessions);
	if (session == 0) {
		memory_give(table->memory, TABLE_SESSION_BYTES);
	}
	return session;
}

void session_give(struct table *table, uint32_t session)
{
	/* A place that is used up stays paid for: nobody will ever have it again. */
	if (!session_used_up(session_of(table, session))) {
		memory_give(table->memory, TABLE_SESSION_BYTES);
		pool_give(&table->sessions, session);
	}
}

void table_session_give(struct table *table, uint32_t session)
{
	/* Nobody was ever told the id, so the generation stays. Somebody who guessed it may be waiting for the state.
	 * */
	atomic_store_explicit(&session_of(table, session)->state, session_state(SESSION_FREE, 0, 0),
			      memory_order_release); /* pairs with session_wait_settled */
	session_give(table, session);
}

/* A claim for a session that is held for so many seconds, or booked (0). */
static uint64_t claim(struct table *table, uint32_t slot, const struct slot_view *seen, uint32_t session,
		      uint32_t client, uint64_t at_ms, uint16_t seconds)
{
	const enum session_status status = seconds != 0 ? SESSION_HELD : SESSION_BOOKED;
	CHECK(seen->free);
	CHECK(at_ms <= SESSION_UPDATED_MS_MAX);
	__builtin_prefetch(intern_word(&table->clients, client), 1); /* table_settle will link the session */
	struct session *record = session_of(table, session);
	/* Relaxed: as long as it is free, a session is of the thread that took it. */
	const uint32_t generation = atomic_load_explicit(&record->generation, memory_order_relaxed);
	CHECK(session_lsn(atomic_load_explicit(&record->state, memory_order_relaxed)) == 0);
	/* Release: each pairs with the acquire loads of the looks (above, and table_session_view). */
	session_set_made(record, seen->key, at_ms, seen->minutes);
	if (status == SESSION_HELD) {
		session_set_updated(table, session, session_updated(at_ms, seconds));
	}
	atomic_store_explicit(&record->client, client, memory_order_release);
	atomic_store_explicit(&record->state, session_state(status, 1, 0), memory_order_release);

	uint64_t word = seen->word;
	const uint64_t mine = claim_make(CLAIM_SESSION, seen->minutes, (uint64_t)generation << 32 | session);
	/* Release: who sees the word sees the session. Acquire: what comes next comes after. Pairs with slot_word. */
	if (!atomic_compare_exchange_strong_explicit(&slot_of(table, slot)->word, &word, mine, memory_order_acq_rel,
						     memory_order_relaxed)) {
		return 0;
	}
	if (claim_listed(mine)) {
		memory_redeem(table->memory, TABLE_BOOKING_BYTES);
	}
	return session_id(session, generation);
}

uint64_t table_claim(struct table *table, uint32_t slot, const struct slot_view *seen, uint32_t session,
		     uint32_t client, uint64_t at_ms)
{
	return claim(table, slot, seen, session, client, at_ms, 0);
}

uint64_t table_hold(struct table *table, uint32_t slot, const struct slot_view *seen, uint32_t session, uint32_t client,
		    uint64_t at_ms, uint16_t seconds)
{
	CHECK(seconds != 0);
	return claim(table, slot, seen, session, client, at_ms, seconds);
}

void table_unclaim(struct table *table, uint32_t slot, const struct slot_view *seen, uint64_t id)
{
	struct slot *record = slot_of(table, slot);
	const uint64_t word = slot_word(record);
	CHECK(claim_kind(word) == CLAIM_SESSION && claim_session(word) == (uint32_t)id);
	if (claim_listed(word)) {
		memory_promise_again(table->memory, TABLE_BOOKING_BYTES); /* before anybody can claim the slot on it */
	}
	/* A store: nobody else changes a word whose session is not settled. Release; pairs with slot_word. */
	atomic_store_explicit(&record->word, seen->word, memory_order_release);
	table_session_give(table, (uint32_t)id);
}

bool table_session_view(const struct table *table, uint64_t id, struct session_view *view)
{
	const uint32_t number = (uint32_t)id;
	if (!pool_has(&table->sessions, number)) {
		return false;
	}
	const struct session *session = session_of(table, number);
	/* Each round but the last saw a change succeed. */
	for (;;) {
		const uint64_t state = session_wait_settled(session);
		/* Acquire: as in view_session. */
		const uint32_t generation = atomic_load_explicit(&session->generation, memory_order_acquire);
		const uint64_t made = atomic_load_explicit(&session->made, memory_order_acquire);
		const uint64_t updated = session_updated_of(table, number, state, made);
		*view = (struct session_view){
		    .state = state,
		    .id = session_id(number, generation),
		    .key = session_key(session),
		    .created_ms = session_created_ms(made),
		    .updated_ms = session_updated_ms(updated),
		    .expires_ms = session_expires_ms(updated),
		    .lsn = session_lsn(state),
		    .status = session_status(state),
		    .version = session_version(state),
		    .client = atomic_load_explicit(&session->client, memory_order_acquire),
		    .minutes = session_minutes(made),
		};
		/* Relaxed: ordered by the acquire loads above. */
		if (atomic_load_explicit(&session->state, memory_order_relaxed) == state) {
			return view->status != SESSION_FREE && view->id == id && !key_purged(table, view->key);
		}
	}
}

/* False: its state is no longer the one seen. */
static bool unsettle(struct table *table, const struct session_view *seen, enum session_status status, uint32_t version)
{
	struct session *session = session_of(table, (uint32_t)seen->id);
	uint64_t state = seen->state;
	/* Acquire and release: between the settling of the state seen and that of this one. Pairs with
	 * session_wait_settled. */
	return atomic_compare_exchange_strong_explicit(&session->state, &state, session_state(status, version, 0),
						       memory_order_acq_rel, memory_order_relaxed);
}

bool table_change_begin(struct table *table, const struct session_view *seen, enum session_status status)
{
	CHECK(session_may_become(seen->status, status));
	return unsettle(table, seen, status,
			seen->version < SESSION_VERSION_MAX ? seen->version + 1 : SESSION_VERSION_MAX);
}

bool table_keep(struct table *table, const struct session_view *seen)
{
	return unsettle(table, seen, seen->status, seen->version);
}

void table_change_undo(struct table *table, const struct session_view *seen)
{
	struct session *session = session_of(table, (uint32_t)seen->id);
	/* Relaxed: nobody else changes an unsettled state. */
	CHECK(session_lsn(atomic_load_explicit(&session->state, memory_order_relaxed)) == 0);
	/* No other field has changed, so who read some before and some after has read one state all the same. Release;
	 * pairs with session_wait_settled. */
	atomic_store_explicit(&session->state, seen->state, memory_order_release);
}

void table_change_end(struct table *table, const struct session_view *seen, uint64_t at_ms, uint16_t seconds)
{
	struct session *session = session_of(table, (uint32_t)seen->id);
	/* Relaxed: ours, until it is settled. */
	const uint64_t state = atomic_load_explicit(&session->state, memory_order_relaxed);
	CHECK(session_lsn(state) == 0);
	session_set_updated(table, (uint32_t)seen->id, session_updated(at_ms, seconds));
	/* Before it is settled, that is before anybody can claim the slot on this promise. */
	if (session_occupies(seen->status) && !session_occupies(session_status(state)) && seen->minutes != 0) {
		memory_promise_again(table->memory, TABLE_BOOKING_BYTES);
	}
}

bool table_change(struct table *table, const struct session_view *seen, enum session_status status, uint64_t at_ms)
{
	CHECK(status != SESSION_HELD);
	if (!table_change_begin(table, seen, status)) {
		return false;
	}
	table_change_end(table, seen, at_ms, 0);
	return true;
}

bool table_renew(struct table *table, const struct session_view *seen, uint64_t at_ms, uint16_t seconds)
{
	CHECK(seconds != 0);
	if (!table_change_begin(table, seen, SESSION_HELD)) {
		return false;
	}
	table_change_end(table, seen, at_ms, seconds);
	return true;
}

bool table_settle(struct table *table, uint64_t id, uint64_t lsn)
{
	struct session *session = session_of(table, (uint32_t)id);
	/* Relaxed: nobody else changes an unsettled state, and ours we wrote ourselves. */
	const uint64_t state = atomic_load_explicit(&session->state, memory_order_relaxed);
	CHECK(session_lsn(state) == 0);
	CHECK(session_status(state) != SESSION_FREE);
	CHECK(lsn != 0 && lsn <= LSN_MAX);
	if (session_version(state) == 1) {
		/* Relaxed: as above. */
		thread_push(table, (uint32_t)id, atomic_load_explicit(&session->client, memory_order_relaxed));
	}
	const bool blocked = !session_occupies(session_status(state)) && block_freed(table, (uint32_t)id, lsn);
	atomic_store_explicit(&session->state, session_state(session_status(state), session_version(state), lsn),
			      memory_order_release); /* pairs with session_wait_settled */
	return blocked;
}

bool table_close(struct table *table, uint32_t slot, const struct slot_view *seen)
{
	CHECK(seen->free || seen->kind == CLAIM_BLOCKED);
	CHECK(seen->lsn != 0); /* no unlisted slot that was never booked: see the header */
	uint64_t word = seen->word;
	return atomic_compare_exchange_strong_explicit(&slot_of(table, slot)->word, &word,
						       claim_make(CLAIM_CLOSED, seen->minutes, 0), memory_order_acq_rel,
						       memory_order_relaxed); /* pairs with slot_word */
}
