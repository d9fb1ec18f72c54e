/*
 * desk_hours: what changes which slots there are: OPEN, CLOSE, PURGE.
 *
 * OPEN and CLOSE hold the hours lock of the psychologist from the first look to the last change, so that no two of them
 * work on the same hours at the same time: that is how OPEN can promise that nothing overlaps [I9] and nothing or all is
 * opened. Claims and cancellations of that psychologist's slots go on meanwhile.
 */
#include "desk_hours.h"

#include <base/check.h>
#include <slot/zone.h>

/* Is the slot there already, with the same minutes? OUTCOME_DONE: leave it. OUTCOME_NOSLOT: to be opened. */
static enum outcome_code look_for(const struct desk *desk, uint64_t key, uint16_t minutes, struct opening *opening)
{
	struct slot_view view;
	const uint32_t slot = table_find(desk->table, key);
	if (slot == 0 || !table_view(desk->table, slot, key, &view)) {
		return OUTCOME_NOSLOT;
	}
	opening->seen_lsn = lsn_later(opening->seen_lsn, view.lsn);
	/* minutes 0: claimed as an unlisted slot. It is there, and whoever has it keeps it. */
	return view.minutes == minutes || view.minutes == 0 ? OUTCOME_DONE : OUTCOME_OVERLAP;
}

enum outcome_code desk_plan_slot(const struct desk *desk, uint64_t key, uint16_t minutes, struct opening *opening,
				 uint64_t *other)
{
	*other = key;
	const enum outcome_code there = look_for(desk, key, minutes, opening);
	return there == OUTCOME_NOSLOT && table_overlap(desk->table, key, minutes, other) ? OUTCOME_OVERLAP : there;
}

/* Collects the slots that are not there yet; an outcome other than DONE refuses them all. Hours lock held. */
static struct outcome plan_opening(const struct desk *desk, uint32_t psychologist, const struct place *place,
				   uint16_t minutes, uint32_t count, uint32_t every, struct opening *opening)
{
	*opening = (struct opening){.count = 0};
	if (count > 1 && every < minutes) {
		const uint64_t key = key_make(psychologist, place->day, place->minute);
		return (struct outcome){.code = OUTCOME_OVERLAP, .key = key};
	}
	for (uint32_t i = 0; i < count; i++) {
		const uint64_t at = place->minute + (uint64_t)i * every;
		const uint64_t day = place->day + at / MINUTES_PER_DAY;
		CHECK(day < DAY_COUNT); /* checked by the command */
		const uint64_t key = key_make(psychologist, (uint16_t)day, (uint16_t)(at % MINUTES_PER_DAY));
		uint64_t other;
		const enum outcome_code there = desk_plan_slot(desk, key, minutes, opening, &other);
		if (there == OUTCOME_OVERLAP) {
			look_for(desk, other, minutes, opening); /* the answer is about that one [I2] */
			return (struct outcome){.code = OUTCOME_OVERLAP, .key = other, .lsn = opening->seen_lsn};
		}
		if (there == OUTCOME_NOSLOT) {
			opening->keys[opening->count++] = key;
		}
	}
	return (struct outcome){.code = OUTCOME_DONE};
}

/* Writes the keys as the record's slots. */
static void encode_slots(const uint64_t *keys, uint32_t count, uint8_t *bytes)
{
	for (uint32_t i = 0; i < count; i++) {
		store16(bytes + 4 * i, key_day(keys[i]));
		store16(bytes + 4 * i + 2, key_minute(keys[i]));
	}
}

static uint64_t append_slots(struct desk *desk, enum record_type type, struct span psychologist, uint16_t minutes,
			     const uint64_t *keys, uint32_t count)
{
	uint8_t slots[4 * OPEN_COUNT_MAX];
	encode_slots(keys, count, slots);
	const struct record record = {.type = type,
				      .at_ms = clock_wall_ms(desk->clock),
				      .psychologist = psychologist,
				      .minutes = minutes,
				      .slot_count = (uint16_t)count,
				      .slots = slots};
	return wal_append(desk_wal(desk), &record);
}

/* Puts the slots in, closed, so that nobody answers from them yet. False, with none of them left in, if memory is spent.
 * Afterwards *opening lists those that are new: a claim may have made one an unlisted slot a moment ago. */
static bool add_planned(struct desk *desk, uint16_t minutes, struct opening *opening, uint32_t *slots)
{
	uint32_t new_count = 0;
	for (uint32_t i = 0; i < opening->count; i++) {
		bool added;
		const uint64_t key = opening->keys[i];
		const uint32_t slot = table_add(desk->table, key, claim_make(CLAIM_CLOSED, minutes, 0), false, &added);
		if (slot == 0) {
			while (new_count > 0) {
				table_remove(desk->table, slots[--new_count], 0);
			}
			return false;
		}
		if (added) {
			slots[new_count] = slot;
			opening->keys[new_count++] = key;
		} else {
			look_for(desk, key, minutes, opening);
		}
	}
	opening->count = new_count;
	return true;
}

/* Everything that can fail is behind us [I5]: the record, then the slots appear with its lsn. */
static uint64_t open_added(struct desk *desk, struct span psychologist, uint16_t minutes, const struct opening *opening,
			   const uint32_t *slots)
{
	const uint64_t lsn = append_slots(desk, RECORD_OPEN, psychologist, minutes, opening->keys, opening->count);
	int64_t blocked = 0;
	for (uint32_t i = 0; i < opening->count; i++) {
		blocked += table_open(desk->table, slots[i], lsn);
	}
	count(&service_counters(desk->service)->slots_open, (int64_t)opening->count);
	desk_count_blocked(desk, blocked);
	return lsn;
}

uint64_t desk_open_planned(struct desk *desk, struct span psychologist, uint16_t minutes, struct opening *opening,
			   bool *memory_spent)
{
	uint32_t slots[OPEN_COUNT_MAX];
	*memory_spent = !add_planned(desk, minutes, opening, slots);
	return *memory_spent || opening->count == 0 ? 0 : open_added(desk, psychologist, minutes, opening, slots);
}

struct outcome desk_open(struct desk *desk, const struct place *place, uint16_t minutes, uint32_t count, uint32_t every)
{
	if (place->day < atomic_load_explicit(&desk->table->purged_before_day, memory_order_acquire)) {
		/* Pairs with table_purge_horizon. It is the PURGE that says so, not the clock [I2]. */
		return (struct outcome){.code = OUTCOME_PAST, .lsn = table_removed_lsn(desk->table)};
	}
	const uint32_t psychologist = intern_add(&desk->table->psychologists, place->psychologist, false);
	if (psychologist == 0) {
		return (struct outcome){.code = OUTCOME_MEMORY};
	}
	table_hours_lock(desk->table, psychologist);
	struct opening opening;
	struct outcome outcome = plan_opening(desk, psychologist, place, minutes, count, every, &opening);
	if (outcome.code == OUTCOME_DONE) {
		bool memory_spent;
		const uint64_t lsn = desk_open_planned(desk, place->psychologist, minutes, &opening, &memory_spent);
		outcome = memory_spent ? (struct outcome){.code = OUTCOME_MEMORY}
				       : (struct outcome){.code = OUTCOME_DONE,
							  .lsn = lsn != 0 ? lsn : opening.seen_lsn,
							  .value = opening.count};
	}
	table_hours_unlock(desk->table, psychologist);
	return outcome;
}

/* Holds that one CLOSE makes expired, at most: with their records and its own it appends no more than it may. The others
 * are occupied until the sweep. */
#define CLOSE_EXPIRES_MAX 32

/* Starts closing one slot of the day. True if this call took it out; it is then in *keys. */
static bool close_slot(struct desk *desk, uint32_t slot, uint64_t key, struct slot_view *view, uint32_t *expires_left)
{
	for (;;) {
		const bool there = table_view(desk->table, slot, key, view);
		if (there && *expires_left > 0 && desk_hold_is_over(desk, view->expires_ms)) {
			--*expires_left;
			desk_expire(desk, view->session);
			continue;
		}
		const bool occupied = there && !view->free && view->kind != CLAIM_BLOCKED;
		if (!there || occupied || view->lsn == 0) {
			return false; /* gone; occupied; or made by a claim that is just taking it */
		}
		if (table_close(desk->table, slot, view)) {
			return true;
		}
	}
}

void desk_close_slot(struct desk *desk, uint32_t slot, uint64_t key, struct closing *closing)
{
	struct slot_view view;
	if (close_slot(desk, slot, key, &view, &closing->expires_left)) {
		closing->slots[closing->count] = slot;
		closing->keys[closing->count++] = key;
		closing->blocked += view.kind == CLAIM_BLOCKED;
	} else {
		closing->occupied++;
	}
	closing->seen_lsn = lsn_later(closing->seen_lsn, view.lsn);
}

uint64_t desk_close_started(struct desk *desk, struct span psychologist, const struct closing *closing)
{
	if (closing->count == 0) {
		return 0;
	}
	const uint64_t lsn = append_slots(desk, RECORD_CLOSE, psychologist, 0, closing->keys, closing->count);
	for (uint32_t i = 0; i < closing->count; i++) {
		table_remove(desk->table, closing->slots[i], lsn);
	}
	count(&service_counters(desk->service)->slots_open, -(int64_t)closing->count);
	desk_count_blocked(desk, -(int64_t)closing->blocked);
	return lsn;
}

static void close_day(struct desk *desk, uint32_t psychologist, const struct place *place, struct closing *closing)
{
	uint32_t slots[TABLE_DAY_SLOTS_MAX];
	const size_t count = table_day(desk->table, psychologist, place->day, slots);
	for (size_t i = 0; i < count; i++) {
		const struct slot *slot = pool_at(&desk->table->slots, slots[i]);
		/* Relaxed: under the hours lock a slot of this psychologist keeps its key. */
		const uint64_t key = atomic_load_explicit(&slot->key, memory_order_relaxed);
		if (place->minute == DESK_WHOLE_DAY || place->minute == key_minute(key)) {
			desk_close_slot(desk, slots[i], key, closing);
		}
	}
}

struct outcome desk_close(struct desk *desk, const struct place *place, uint64_t *occupied)
{
	*occupied = 0;
	const uint32_t psychologist = intern_find(&desk->table->psychologists, place->psychologist);
	if (psychologist == 0) {
		return (struct outcome){.code = OUTCOME_DONE};
	}
	table_hours_lock(desk->table, psychologist);
	struct closing closing = {.expires_left = CLOSE_EXPIRES_MAX};
	close_day(desk, psychologist, place, &closing);
	struct outcome outcome = {.code = OUTCOME_DONE,
				  .lsn = desk_close_started(desk, place->psychologist, &closing),
				  .value = closing.count};
	if (closing.count == 0) {
		outcome.lsn = lsn_later(closing.seen_lsn, table_removed_lsn(desk->table));
	}
	table_hours_unlock(desk->table, psychologist);
	*occupied = closing.occupied;
	return outcome;
}

struct outcome desk_purge(struct desk *desk, uint16_t day)
{
	const uint64_t now_ms = clock_wall_ms(desk->clock);
	if (day > zone_civil(civil_zone(), now_ms).day) {
		return (struct outcome){.code = OUTCOME_FUTURE};
	}
	if (day <= atomic_load_explicit(&desk->table->purged_before_day, memory_order_acquire)) {
		/* Purged already; pairs with table_purge_horizon. */
		return (struct outcome){.code = OUTCOME_DONE, .lsn = table_removed_lsn(desk->table)};
	}
	const struct record record = {.type = RECORD_PURGE, .at_ms = now_ms, .day = day};
	/* No move comes between the record and the horizon (slot/table.h). */
	table_moves_lock(desk->table);
	const uint64_t lsn = wal_append(desk_wal(desk), &record);
	table_purge_horizon(desk->table, day, lsn);
	table_moves_unlock(desk->table);
	return (struct outcome){.code = OUTCOME_DONE, .lsn = lsn};
}

/* Records a slice looks at: some tens of microseconds, well under one flush. */
#define PURGE_SLICE 4096

bool desk_purge_slice(struct desk *desk, struct purge_cursor *cursor)
{
	const struct purge_cursor before = *cursor;
	const bool more = table_purge_reclaim(desk->table, cursor, PURGE_SLICE);
	struct counters *counters = service_counters(desk->service);
	count(&counters->slots_open, -(int64_t)(cursor->removed_open - before.removed_open));
	count(&counters->slots_booked, -(int64_t)(cursor->removed_booked - before.removed_booked));
	count(&counters->slots_held, -(int64_t)(cursor->removed_held - before.removed_held));
	count(&counters->slots_blocked, -(int64_t)(cursor->removed_blocked - before.removed_blocked));
	return more;
}
