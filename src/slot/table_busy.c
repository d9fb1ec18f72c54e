/*
 * table_busy: which slots are blocked, by the sets of slot/busy.h. See slot/table.h.
 */
#include "records.h"
#include <base/check.h>

/* The part of slot/busy.h that a slot is. */
static bool find_busy(struct table *table, uint64_t key, uint16_t minutes, uint64_t *lsn)
{
	const uint32_t start = busy_minute(key);
	return busy_find(&table->busy, key_psychologist(key), start, start + minutes, lsn);
}

bool table_is_busy(struct table *table, uint64_t key, uint16_t minutes, uint64_t *lsn)
{
	return minutes != 0 && find_busy(table, key, minutes, lsn);
}

uint64_t freed_word(struct table *table, uint64_t key, uint16_t minutes, uint64_t lsn)
{
	const bool blocked = table->derives && find_busy(table, key, minutes, &lsn);
	return claim_make(blocked ? CLAIM_BLOCKED : CLAIM_OPEN, minutes, lsn);
}

static bool swap_word(struct table *table, uint32_t slot, uint64_t from, uint64_t to)
{
	return atomic_compare_exchange_strong_explicit(&slot_of(table, slot)->word, &from, to, memory_order_acq_rel,
						       memory_order_relaxed); /* pairs with slot_word */
}

bool block_freed(struct table *table, uint32_t session, uint64_t lsn)
{
	const struct session *record = session_of(table, session);
	/* Ours, until the state is settled; so relaxed would do. */
	const uint64_t key = session_key(record);
	const uint16_t minutes = session_minutes(atomic_load_explicit(&record->made, memory_order_relaxed));
	if (!table->derives || minutes == 0 || !find_busy(table, key, minutes, &lsn)) {
		return false;
	}
	/* As long as the word means the session, who would take the slot out, or claim it, waits for that. It may mean another
	 * by now, of the same group; and where the session had ended before, COMPLETE and NOSHOW correcting each other, it may
	 * mean anybody's, or the slot be no more. */
	const uint32_t slot = slot_find(table, key);
	if (slot == 0) {
		return false;
	}
	const uint64_t word = slot_word(slot_of(table, slot));
	return claim_kind(word) == CLAIM_SESSION && claim_session(word) == session &&
	       swap_word(table, slot, word, claim_make(CLAIM_BLOCKED, minutes, lsn));
}

enum table_busy table_derive(struct table *table, uint32_t slot, const struct slot_view *seen, uint64_t *lsn)
{
	uint64_t made = seen->lsn > *lsn ? seen->lsn : *lsn;
	const bool busy = find_busy(table, seen->key, seen->minutes, &made);
	*lsn = made > *lsn ? made : *lsn;
	if (seen->free && busy) {
		return swap_word(table, slot, seen->word, claim_make(CLAIM_BLOCKED, seen->minutes, made))
			   ? TABLE_BUSY_BLOCKED
			   : TABLE_BUSY_AGAIN;
	}
	if (seen->kind == CLAIM_BLOCKED && !busy) {
		return swap_word(table, slot, seen->word, claim_make(CLAIM_OPEN, seen->minutes, made))
			   ? TABLE_BUSY_UNBLOCKED
			   : TABLE_BUSY_AGAIN;
	}
	if (seen->kind == CLAIM_BLOCKED && made > seen->lsn) {
		/* By another update than before: who is told of it waits for that [I2]. */
		return swap_word(table, slot, seen->word, claim_make(CLAIM_BLOCKED, seen->minutes, made))
			   ? TABLE_BUSY_STANDS
			   : TABLE_BUSY_AGAIN;
	}
	return busy && seen->kind == CLAIM_SESSION ? TABLE_BUSY_CONFLICT : TABLE_BUSY_STANDS;
}

/* ---- after replay; one thread ---- */

/* Blocks what is free of a day and overlaps the interval. */
static void block_day(struct table *table, uint32_t psychologist, uint16_t day, const struct busy_interval *interval)
{
	uint32_t slots[TABLE_DAY_SLOTS_MAX];
	const size_t count = table_day(table, psychologist, day, slots);
	for (size_t i = 0; i < count; i++) {
		struct slot_view view;
		const uint64_t key = slot_key(slot_of(table, slots[i]));
		const uint32_t start = busy_minute(key);
		if (table_view(table, slots[i], key, &view) && view.free && start < interval->end &&
		    start + view.minutes > interval->start) {
			CHECK(swap_word(table, slots[i], view.word, claim_make(CLAIM_BLOCKED, view.minutes, view.lsn)));
		}
	}
}

static bool block_source(void *context, uint32_t psychologist, const struct busy_source *source)
{
	for (uint32_t i = 0; i < source->count; i++) {
		const struct busy_interval *interval = &source->intervals[i];
		/* A slot of the day before may reach into it. */
		const uint32_t first = interval->start / MINUTES_PER_DAY;
		const uint32_t last = (interval->end - 1) / MINUTES_PER_DAY;
		for (uint32_t day = first > 0 ? first - 1 : 0; day <= last && day < DAY_COUNT; day++) {
			block_day(context, psychologist, (uint16_t)day, interval);
		}
	}
	return true;
}

void block_all(struct table *table)
{
	struct busy_cursor cursor = {0};
	busy_walk(&table->busy, &cursor, block_source, table);
	table->derives = true;
}
