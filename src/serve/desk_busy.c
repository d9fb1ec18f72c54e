/*
 * desk_busy: BUSY: what calendars say, and which slots are blocked by that. See slot/busy.h and slot/table.h.
 *
 * Keeps I2 (blocked and unblocked slots carry the lsn they depend on), I5 (everything that can fail comes before the append),
 * I8 (a slice of days at a time, the hours locked for no longer).
 */
#include "desk_parts.h"

#include <base/check.h>

/* Days a slice looks at: with slots of 50 minutes around the clock some tens of microseconds. */
#define BUSY_SLICE 4

struct appending {
	struct desk *desk;
	struct span psychologist;
	const struct busy_update *update;
};

static uint64_t append(void *context)
{
	const struct appending *appending = context;
	const struct busy_update *update = appending->update;
	uint8_t intervals[8 * (BUSY_COUNT_MAX + 1)];
	CHECK(update->count <= BUSY_COUNT_MAX);
	store32(intervals, update->window.start);
	store32(intervals + 4, update->window.end);
	for (uint32_t i = 0; i < update->count; i++) {
		store32(intervals + 8 * (i + 1), update->intervals[i].start);
		store32(intervals + 8 * (i + 1) + 4, update->intervals[i].end);
	}
	const struct record record = {.type = RECORD_BUSY,
				      .at_ms = update->at_ms,
				      .psychologist = appending->psychologist,
				      .source = update->source,
				      .generation = update->generation,
				      .busy_count = (uint16_t)(update->count + 1),
				      .busy = intervals};
	return wal_append(desk_wal(appending->desk), &record);
}

static const enum outcome_code outcomes[] = {
    [BUSY_CHANGED] = OUTCOME_DONE,    [BUSY_STANDS] = OUTCOME_DONE,         [BUSY_OLD] = OUTCOME_DONE,
    [BUSY_SOURCES] = OUTCOME_SOURCES, [BUSY_INTERVALS] = OUTCOME_INTERVALS, [BUSY_NO_MEMORY] = OUTCOME_MEMORY,
};

struct outcome desk_busy(struct desk *desk, struct span psychologist, const struct busy_update *update,
			 struct busy_walk *walk)
{
	const struct config *config = desk->service->config;
	const struct busy_limits limits = {.sources = config->busy_sources_max,
					   .intervals = config->busy_intervals_max};
	struct busy_update mine = *update;
	struct appending appending = {.desk = desk, .psychologist = psychologist, .update = &mine};
	mine.psychologist = intern_add(&desk->table->psychologists, psychologist, false);
	if (mine.psychologist == 0) {
		return (struct outcome){.code = OUTCOME_MEMORY};
	}
	uint64_t lsn;
	table_hours_lock(desk->table, mine.psychologist);
	const enum busy_outcome outcome = busy_update(&desk->table->busy, &mine, &limits, append, &appending, &lsn);
	table_hours_unlock(desk->table, mine.psychologist);
	const uint32_t first = update->window.start / MINUTES_PER_DAY;
	*walk = (struct busy_walk){
	    .psychologist = mine.psychologist,
	    .window = update->window,
	    .day = first > 0 ? first - 1 : 0,
	    .last_day = (update->window.end - 1) / MINUTES_PER_DAY,
	    .lsn = lsn,
	};
	if (outcome == BUSY_OLD) {
		walk->day = walk->last_day + 1;
	}
	return (struct outcome){.code = outcomes[outcome], .lsn = lsn};
}

/* One slot, as often as somebody changes it in between. Hours locked. */
static void derive_slot(struct desk *desk, uint32_t slot, uint64_t key, struct busy_walk *walk)
{
	for (;;) {
		struct slot_view view;
		if (!table_view(desk->table, slot, key, &view) || busy_minute(key) >= walk->window.end ||
		    busy_minute(key) + view.minutes <= walk->window.start) {
			return;
		}
		if (desk_hold_is_over(desk, view.expires_ms)) {
			return; /* whoever makes it expired sees to it */
		}
		switch (table_derive(desk->table, slot, &view, &walk->lsn)) {
		case TABLE_BUSY_AGAIN:
			continue;
		case TABLE_BUSY_BLOCKED:
			walk->blocked++;
			desk_count_blocked(desk, 1);
			return;
		case TABLE_BUSY_UNBLOCKED:
			walk->unblocked++;
			desk_count_blocked(desk, -1);
			return;
		case TABLE_BUSY_CONFLICT:
			walk->conflicts++;
			return;
		case TABLE_BUSY_STANDS:
			return;
		}
	}
}

bool desk_busy_step(struct desk *desk, struct busy_walk *walk)
{
	uint32_t slots[TABLE_DAY_SLOTS_MAX];
	table_hours_lock(desk->table, walk->psychologist);
	for (uint32_t i = 0; i < BUSY_SLICE && walk->day <= walk->last_day; i++, walk->day++) {
		const size_t count = table_day(desk->table, walk->psychologist, (uint16_t)walk->day, slots);
		for (size_t at = 0; at < count; at++) {
			const struct slot *slot = pool_at(&desk->table->slots, slots[at]);
			/* Relaxed: under the hours lock a slot of this psychologist keeps its key. */
			derive_slot(desk, slots[at], atomic_load_explicit(&slot->key, memory_order_relaxed), walk);
		}
	}
	table_hours_unlock(desk->table, walk->psychologist);
	if (walk->day <= walk->last_day) {
		return true;
	}
	count(&service_counters(desk->service)->busy_conflicts, (int64_t)walk->conflicts);
	return false;
}
