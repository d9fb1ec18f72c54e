/*
 * table_redo_done: the end of redo, from where on slots and sessions mean each other again. See slot/image.h.
 *
 * Two walks, of all slots and then of all sessions, each dealt out to a crew: what one looks at nobody changes meanwhile, but
 * for what is below the horizon, which is nobody else's. Loads and stores are relaxed: the crew begins and ends together.
 */
#include "records.h"
#include <base/check.h>
#include <base/crew.h>
#include <inttypes.h>
#include <slot/image.h>

/* How many records before it a record that another one leads to is called to the cache. */
#define AHEAD 16

/* What there is, once everything below the horizon is out. */
struct census {
	uint64_t promised; /* listed slots that are free */
	uint64_t occupied; /* slots whose session keeps them */
	uint64_t keepers;  /* sessions that keep a slot */
	uint64_t sessions;
};

struct settling {
	struct table *table;
	struct crew_parts parts;
	/* guarded by lock */
	struct lock lock;
	struct census census;
	uint32_t stray; /* the first slot that a session is said to have which is not there; 0: none was found */
};

static uint64_t state_of(const struct session *session)
{
	return atomic_load_explicit(&session->state, memory_order_relaxed);
}

static uint64_t key_of(const struct session *session)
{
	return session_key(session);
}

static uint32_t generation_of(const struct session *session)
{
	return atomic_load_explicit(&session->generation, memory_order_relaxed);
}

static uint32_t client_of(const struct session *session)
{
	return atomic_load_explicit(&session->client, memory_order_relaxed);
}

/* Does the word of the slot mean a session that means the slot? *status is the session's. */
static bool means_session(const struct table *table, uint64_t key, uint64_t word, enum session_status *status)
{
	if (!pool_has(&table->sessions, claim_session(word))) {
		return false;
	}
	const struct session *session = session_of(table, claim_session(word));
	*status = session_status(state_of(session));
	return *status != SESSION_FREE && key_of(session) == key && word_means(word, generation_of(session)) &&
	       session_minutes(atomic_load_explicit(&session->made, memory_order_relaxed)) == claim_minutes(word);
}

/* False: its session is not there. */
static bool settle_slot(struct table *table, uint32_t number, struct census *census)
{
	const uint64_t key = slot_key(slot_of(table, number));
	const uint64_t word = slot_word(slot_of(table, number));
	if (key == 0) {
		return true;
	}
	if (key_purged(table, key)) {
		slot_drop(table, number);
		return true;
	}
	enum session_status status = SESSION_FREE;
	if (claim_kind(word) == CLAIM_SESSION && !means_session(table, key, word, &status)) {
		return false;
	}
	const enum slot_state state = slot_state(word, status);
	census->promised += claim_kind(word) != CLAIM_CARD && claim_listed(word) && state == SLOT_OPEN;
	census->occupied += state == SLOT_BOOKED || state == SLOT_HELD;
	return true;
}

static void settle_session(struct table *table, uint32_t number, struct census *census)
{
	struct session *session = session_of(table, number);
	const enum session_status status = session_status(state_of(session));
	if (status == SESSION_FREE) {
		return;
	}
	if (key_purged(table, key_of(session))) {
		atomic_fetch_add_explicit(&session->generation, 1, memory_order_relaxed);
		atomic_store_explicit(&session->state, session_state(SESSION_FREE, 0, 0), memory_order_relaxed);
		return;
	}
	thread_push(table, number, client_of(session));
	census->sessions++;
	census->keepers += session_occupies(status);
}

static void add_census(struct settling *settling, const struct census *more, uint32_t stray)
{
	lock_take(&settling->lock);
	struct census *census = &settling->census;
	census->promised += more->promised;
	census->occupied += more->occupied;
	census->keepers += more->keepers;
	census->sessions += more->sessions;
	if (stray != 0 && (settling->stray == 0 || stray < settling->stray)) {
		settling->stray = stray;
	}
	lock_give(&settling->lock);
}

static void settle_slots(void *context)
{
	struct settling *settling = context;
	struct table *table = settling->table;
	struct census census = {0};
	uint32_t stray = 0;
	uint32_t first;
	uint32_t last;
	while (crew_take_part(&settling->parts, &first, &last)) {
		for (uint32_t number = first; number <= last; number++) {
			const uint64_t ahead =
			    slot_word(slot_of(table, number + AHEAD <= last ? number + AHEAD : last));
			__builtin_prefetch(session_of(table, claim_session(ahead)));
			if (!settle_slot(table, number, &census) && stray == 0) {
				stray = number;
			}
		}
	}
	add_census(settling, &census, stray);
}

static void settle_sessions(void *context)
{
	struct settling *settling = context;
	struct table *table = settling->table;
	struct census census = {0};
	uint32_t first;
	uint32_t last;
	while (crew_take_part(&settling->parts, &first, &last)) {
		for (uint32_t number = first; number <= last; number++) {
			const uint32_t ahead = number + AHEAD <= last ? number + AHEAD : last;
			__builtin_prefetch(intern_word(&table->clients, client_of(session_of(table, ahead))), 1);
			settle_session(table, number, &census);
		}
	}
	add_census(settling, &census, 0);
}

static void walk(struct settling *settling, const struct pool *pool, uint32_t crew, crew_work_f *work)
{
	settling->parts.last = atomic_load_explicit(&pool->used, memory_order_relaxed);
	atomic_store_explicit(&settling->parts.done, 0, memory_order_relaxed);
	crew_run(crew, work, settling);
}

bool table_redo_done(struct table *table, uint32_t crew, struct error *error)
{
	struct settling settling = {.table = table};
	lock_init(&settling.lock);
	walk(&settling, &table->slots, crew, settle_slots);
	if (settling.stray == 0) {
		walk(&settling, &table->sessions, crew, settle_sessions);
	}
	lock_fini(&settling.lock);
	if (settling.stray != 0) {
		return error_set(error, ERROR_DAMAGED,
				 "a slot is taken by a session that is not there: session number %" PRIu32,
				 claim_session(slot_word(slot_of(table, settling.stray))));
	}
	/* Each slot means one session, which means the slot; so if there are as many of both, each session is meant. */
	const struct census *census = &settling.census;
	if (census->occupied != census->keepers) {
		return error_set(error, ERROR_DAMAGED,
				 "%" PRIu64 " sessions keep a slot, but %" PRIu64 " slots are kept", census->keepers,
				 census->occupied);
	}
	memory_force(table->memory, census->sessions * TABLE_SESSION_BYTES);
	memory_promise_again(table->memory, census->promised * TABLE_BOOKING_BYTES);
	return true;
}
