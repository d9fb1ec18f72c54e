/*
 * table_count: how many slots there are in each state, after replay. Dealt out to a crew: nobody else is at work.
 */
#include "records.h"
#include <base/crew.h>

/* How many records before it the session of a slot is called to the cache. */
#define AHEAD 16

struct counting {
	const struct table *table;
	struct crew_parts parts;
	/* guarded by lock */
	struct lock lock;
	struct table_counts counts;
};

/* Relaxed: nobody else is at work. */
static enum session_status status_of(const struct table *table, uint64_t word)
{
	const struct session *session = session_of(table, claim_session(word));
	return claim_kind(word) == CLAIM_SESSION
		   ? session_status(atomic_load_explicit(&session->state, memory_order_relaxed))
		   : SESSION_FREE;
}

static void count_slot(const struct table *table, uint32_t number, struct table_counts *counts)
{
	const uint64_t key = slot_key(slot_of(table, number));
	const uint64_t word = slot_word(slot_of(table, number));
	if (key == 0 || key_minute(key) == KEY_MINUTE_CARD) {
		return;
	}
	const enum slot_state state = slot_state(word, status_of(table, word));
	counts->open += state == SLOT_OPEN;
	counts->booked += state == SLOT_BOOKED;
	counts->held += state == SLOT_HELD;
	counts->blocked += state == SLOT_BLOCKED;
}

static void count_parts(void *context)
{
	struct counting *counting = context;
	const struct table *table = counting->table;
	struct table_counts counts = {0};
	uint32_t first;
	uint32_t last;
	while (crew_take_part(&counting->parts, &first, &last)) {
		for (uint32_t number = first; number <= last; number++) {
			const uint64_t ahead =
			    slot_word(slot_of(table, number + AHEAD <= last ? number + AHEAD : last));
			__builtin_prefetch(session_of(table, claim_session(ahead)));
			count_slot(table, number, &counts);
		}
	}
	lock_take(&counting->lock);
	counting->counts.open += counts.open;
	counting->counts.booked += counts.booked;
	counting->counts.held += counts.held;
	counting->counts.blocked += counts.blocked;
	lock_give(&counting->lock);
}

void table_count(const struct table *table, uint32_t crew, struct table_counts *counts)
{
	/* Relaxed: nobody else is at work. */
	struct counting counting = {.table = table,
				    .parts.last = atomic_load_explicit(&table->slots.used, memory_order_relaxed)};
	lock_init(&counting.lock);
	crew_run(crew, count_parts, &counting);
	lock_fini(&counting.lock);
	*counts = counting.counts;
}
