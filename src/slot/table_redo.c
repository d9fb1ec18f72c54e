/*
 * table_redo: the records that copies may have or not, applied blindly. See slot/image.h for why this comes out right.
 *
 * In between a slot may mean a session that is another by now or none yet, so nothing here goes from a slot to its session;
 * table_redo_done (table_redo_done.c) does. One thread: loads and stores are relaxed.
 */
#include "records.h"
#include <base/check.h>
#include <inttypes.h>
#include <slot/image.h>

static uint64_t state_of(const struct session *session)
{
	return atomic_load_explicit(&session->state, memory_order_relaxed);
}

static uint32_t generation_of(const struct session *session)
{
	return atomic_load_explicit(&session->generation, memory_order_relaxed);
}

bool table_redo_booking(struct table *table, uint64_t key, uint32_t client, uint64_t id, uint16_t minutes, uint64_t lsn,
			uint64_t at_ms, uint16_t hold_seconds, struct error *error)
{
	const struct session_image session = {
	    .state = session_state(hold_seconds != 0 ? SESSION_HELD : SESSION_BOOKED, 1, lsn),
	    .key = key,
	    .created_ms = at_ms,
	    .updated_ms = at_ms,
	    .number = (uint32_t)id,
	    .generation = (uint32_t)(id >> 32),
	    .client = client,
	    .minutes = minutes,
	    .hold_seconds = hold_seconds,
	};
	const uint64_t word = claim_make(CLAIM_SESSION, minutes, (uint64_t)session.generation << 32 | session.number);
	if (session.number == 0 || session.generation >= SESSION_GENERATION_MAX) {
		return error_set(error, ERROR_DAMAGED, "a session that cannot be: %" PRIu64, id);
	}
	return slot_put(table, key, word, error) && session_put(table, &session, error);
}

/* The session that a record changes to this status. False: there cannot be such a record, *error says why. *session is NULL if
 * the copy has the change, or has given the session up since. */
static bool session_to_change(struct table *table, uint64_t id, enum session_status status, uint64_t lsn,
			      struct session **session, struct error *error)
{
	const uint32_t number = (uint32_t)id;
	const uint32_t generation = (uint32_t)(id >> 32);
	struct session *found = pool_has(&table->sessions, number) ? session_of(table, number) : NULL;
	const uint64_t state = found != NULL ? state_of(found) : 0;
	*session = NULL;
	if (found != NULL && generation_of(found) > generation) {
		return true; /* given up since */
	}
	if (session_status(state) == SESSION_FREE || generation_of(found) != generation) {
		return error_set(
		    error, ERROR_DAMAGED,
		    "the record at lsn %" PRIu64 " changes a session that was never booked: session %" PRIu64, lsn, id);
	}
	if (session_lsn(state) >= lsn) {
		return true; /* the copy has it */
	}
	if (!session_may_become(session_status(state), status)) {
		return error_set(error, ERROR_DAMAGED,
				 "the record at lsn %" PRIu64 " makes session %" PRIu64 " %s, which is %s", lsn, id,
				 session_status_name(status), session_status_name(session_status(state)));
	}
	*session = found;
	return true;
}

static void change(struct table *table, uint32_t number, enum session_status status, uint64_t lsn, uint64_t updated)
{
	struct session *session = session_of(table, number);
	const uint32_t before = session_version(state_of(session));
	const uint32_t version = before < SESSION_VERSION_MAX ? before + 1 : SESSION_VERSION_MAX;
	session_set_updated(table, number, updated);
	atomic_store_explicit(&session->state, session_state(status, version, lsn), memory_order_relaxed);
}

bool table_redo_change(struct table *table, uint64_t id, enum session_status status, uint64_t lsn, uint64_t at_ms,
		       uint16_t hold_seconds, struct error *error)
{
	struct session *session;
	if (!session_to_change(table, id, status, lsn, &session, error)) {
		return false;
	}
	if (session != NULL) {
		change(table, (uint32_t)id, status, lsn, session_updated(at_ms, hold_seconds));
	}
	return true;
}

bool table_redo_open(struct table *table, uint64_t key, uint16_t minutes, uint64_t lsn, struct error *error)
{
	return slot_put(table, key, claim_make(CLAIM_OPEN, minutes, lsn), error);
}

void slot_drop(struct table *table, uint32_t slot)
{
	atomic_store_explicit(&slot_of(table, slot)->word, claim_make(CLAIM_CLOSED, 0, 0), memory_order_relaxed);
	slot_take_out(table, slot);
}

void table_redo_close(struct table *table, uint64_t key, uint64_t lsn)
{
	const uint32_t slot = slot_find(table, key);
	removed_lsn_raise(table, lsn);
	if (slot != 0) {
		slot_drop(table, slot);
	}
}

bool table_redo_move(struct table *table, uint64_t id, uint64_t from_key, uint16_t from_minutes, uint64_t key,
		     uint16_t minutes, uint64_t lsn, uint64_t at_ms, struct error *error)
{
	const uint64_t generation = (uint16_t)(id >> 32);
	const uint64_t word = claim_make(CLAIM_SESSION, minutes, generation << 32 | (uint32_t)id);
	struct session *session;
	if (!session_to_change(table, id, SESSION_RESCHEDULED, lsn, &session, error)) {
		return false;
	}
	if (session != NULL) {
		const uint64_t created_ms =
		    session_created_ms(atomic_load_explicit(&session->made, memory_order_relaxed));
		session_set_made(session, key, created_ms, minutes);
		change(table, (uint32_t)id, SESSION_RESCHEDULED, lsn, session_updated(at_ms, 0));
	}
	if (from_minutes == 0) {
		table_redo_close(table, from_key, lsn);
		return slot_put(table, key, word, error);
	}
	return table_redo_open(table, from_key, from_minutes, lsn, error) && slot_put(table, key, word, error);
}

void table_redo_purge(struct table *table, uint16_t day, uint64_t lsn)
{
	table_purge_horizon(table, day, lsn);
}
