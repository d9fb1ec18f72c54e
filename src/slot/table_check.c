/*
 * table_check: everything there is, looked at. For tests; nobody else is at work.
 *
 * Checks what slot/table.h promises: I1 as far as one moment shows it (a slot means one session, and only one session
 * says it occupies the slot), I9, the cards, and that the accounts of memory say what is there.
 */
#include "records.h"
#include <base/check.h>

static struct session_view session_seen(const struct table *table, uint32_t number)
{
	const struct session *session = session_of(table, number);
	/* Relaxed: nobody else is at work. */
	const uint64_t state = atomic_load_explicit(&session->state, memory_order_relaxed);
	return (struct session_view){
	    .state = state,
	    .id = session_id(number, atomic_load_explicit(&session->generation, memory_order_relaxed)),
	    .key = session_key(session),
	    .expires_ms = session_expires_ms(session_updated_of(table, number, state, 0)),
	    .lsn = session_lsn(state),
	    .status = session_status(state),
	    .client = atomic_load_explicit(&session->client, memory_order_relaxed),
	    .minutes = session_minutes(atomic_load_explicit(&session->made, memory_order_relaxed)),
	};
}

static enum session_status status_of(const struct table *table, uint64_t word)
{
	return claim_kind(word) == CLAIM_SESSION ? session_seen(table, claim_session(word)).status : SESSION_FREE;
}

/* What a walk has come across. */
struct tally {
	const struct table *table;
	uint64_t records;  /* slots and cards */
	uint64_t occupied; /* slots whose session keeps them */
	uint64_t promised; /* listed slots that are free */
};

static void count_slot(struct tally *tally, uint64_t word)
{
	const enum slot_state state = slot_state(word, status_of(tally->table, word));
	tally->occupied += state == SLOT_BOOKED || state == SLOT_HELD;
	tally->promised += claim_listed(word) && (state == SLOT_OPEN || state == SLOT_BLOCKED);
}

static void check_session_of(const struct table *table, uint64_t key, uint64_t word)
{
	CHECK(pool_has(&table->sessions, claim_session(word)));
	const struct session_view session = session_seen(table, claim_session(word));
	CHECK(session.status != SESSION_FREE);
	CHECK(session.lsn != 0);
	CHECK(session.key == key);
	CHECK(session.client != 0);
	CHECK(session.minutes == claim_minutes(word));
	CHECK(word_means(word, (uint32_t)(session.id >> 32)));
}

static void check_slot(const struct table *table, uint64_t key, uint64_t word)
{
	CHECK(claim_kind(word) == CLAIM_OPEN || claim_kind(word) == CLAIM_SESSION || claim_kind(word) == CLAIM_BLOCKED);
	CHECK(claim_minutes(word) <= SLOT_MINUTES_MAX);
	if (claim_kind(word) == CLAIM_SESSION) {
		check_session_of(table, key, word);
	}
	if (key_purged(table, key)) {
		return; /* added by somebody the purge overtook; the card may be gone before it */
	}
	uint64_t other;
	CHECK(!claim_listed(word) || card_has(table, key));
	CHECK(!claim_listed(word) || !table_overlap(table, key, claim_minutes(word), &other));
}

static void check_record(struct tally *tally, uint32_t number, uint64_t key)
{
	const struct table *table = tally->table;
	const uint64_t word = slot_word(slot_of(table, number));
	CHECK(slot_find(table, key) == number);
	CHECK(key_psychologist(key) != 0);
	tally->records++;
	if (key_minute(key) == KEY_MINUTE_CARD) {
		CHECK(claim_kind(word) == CLAIM_CARD);
		return;
	}
	CHECK(key_minute(key) < MINUTES_PER_DAY);
	check_slot(table, key, word);
	count_slot(tally, word);
}

static void check_records(struct tally *tally)
{
	const struct table *table = tally->table;
	for (uint32_t number = 1; pool_has(&table->slots, number); number++) {
		const uint64_t key = slot_key(slot_of(table, number));
		if (key != 0) {
			check_record(tally, number, key);
		}
	}
}

/* All that have a key are found, so it is enough that there are as many. */
static void count_indexed(void *context, uint32_t number)
{
	uint64_t *count = context;
	CHECK(number != 0);
	++*count;
}

/* Returns how many sessions there are. Those of days that stay are in the threads of their clients. */
static uint64_t check_sessions(const struct table *table, uint64_t occupied)
{
	uint64_t count = 0;
	uint64_t threaded = 0;
	for (uint32_t number = 1; pool_has(&table->sessions, number); number++) {
		const struct session_view session = session_seen(table, number);
		if (session.status == SESSION_FREE) {
			continue;
		}
		count++;
		CHECK(session.lsn != 0);
		CHECK((session.expires_ms != 0) == (session.status == SESSION_HELD));
		CHECK(thread_has(table, number) || key_purged(table, session.key));
		threaded += thread_has(table, number);
		if (session_occupies(session.status)) {
			const uint32_t slot = slot_find(table, session.key);
			CHECK(slot != 0);
			CHECK(claim_kind(slot_word(slot_of(table, slot))) == CLAIM_SESSION);
			CHECK(claim_session(slot_word(slot_of(table, slot))) == number);
			CHECK(occupied-- > 0);
		}
	}
	CHECK(occupied == 0);
	CHECK(threads_check(table) == threaded);
	return count;
}

void table_check(const struct table *table)
{
	struct tally tally = {.table = table};
	uint64_t indexed = 0;
	index_each(&table->index, count_indexed, &indexed);
	check_records(&tally);
	CHECK(indexed == tally.records);
	const uint64_t sessions = check_sessions(table, tally.occupied);
	/* Relaxed: nobody else is at work. */
	const uint64_t promised = atomic_load_explicit(&table->memory->promised, memory_order_relaxed);
	const uint64_t used = atomic_load_explicit(&table->memory->used, memory_order_relaxed);
	CHECK(promised == tally.promised * TABLE_BOOKING_BYTES);
	CHECK(used >= promised + tally.records * TABLE_SLOT_BYTES + sessions * TABLE_SESSION_BYTES); /* and tokens */
}
