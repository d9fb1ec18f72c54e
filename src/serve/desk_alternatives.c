/*
 * desk_alternatives: the walk outwards from a slot that somebody wanted. Keeps I2 (the answer carries the lsn of every slot
 * that was looked at, taken ones too, and of what may be missing) and I8 (a step is bounded).
 */
#include "desk_parts.h"
#include <base/check.h>
#include <serve/alternatives.h>
#include <slot/zone.h>

/* What a step may cost: a slot looked at is 1, a day, also an empty one, DAY_COST. So 120 empty days are one step, and a step
 * over full ones takes some hundred microseconds. */
#define STEP_COST 512
#define DAY_COST  4

void alternatives_begin(struct alternatives *walk, const struct desk *desk, const struct place *place, uint32_t count)
{
	CHECK(count >= 1);
	CHECK(count <= ALTERNATIVES_COUNT_MAX);
	const uint32_t psychologist = intern_find(&desk->table->psychologists, place->psychologist);
	*walk = (struct alternatives){
	    .key = psychologist != 0 ? key_make(psychologist, place->day, place->minute) : 0,
	    .count_max = count,
	    .day_count = desk->service->config->alternatives_days,
	};
	const struct zone *zone = zone_map_get(&desk->table->zones, psychologist, &walk->lsn);
	walk->now = zone_reached(zone, clock_wall_ms(desk->clock));
	walk->day_first = walk->now.day;
}

/* Minutes between two times. */
static uint32_t minutes_between(uint64_t a, uint64_t b)
{
	const int32_t at_a = (int32_t)key_day(a) * MINUTES_PER_DAY + key_minute(a);
	const int32_t at_b = (int32_t)key_day(b) * MINUTES_PER_DAY + key_minute(b);
	return (uint32_t)(at_a > at_b ? at_a - at_b : at_b - at_a);
}

static bool is_nearer(const struct alternatives *walk, uint64_t a, uint64_t b)
{
	const uint32_t to_a = minutes_between(walk->key, a);
	const uint32_t to_b = minutes_between(walk->key, b);
	return to_a < to_b || (to_a == to_b && a < b);
}

/* Keeps the nearest, nearest first. */
static void keep(struct alternatives *walk, uint64_t key, uint16_t minutes)
{
	uint32_t at = walk->count;
	while (at > 0 && is_nearer(walk, key, walk->found[at - 1].key)) {
		at--;
	}
	if (at == walk->count_max) {
		return;
	}
	walk->count += walk->count < walk->count_max;
	memmove(&walk->found[at + 1], &walk->found[at], (walk->count - 1 - at) * sizeof walk->found[0]);
	walk->found[at] = (struct alternative){key, minutes};
}

/* Is it open, or held for a time that is over, and listed? Also notes what the answer depends on from here on. */
static bool look_at(struct alternatives *walk, struct desk *desk, uint32_t slot, uint64_t key, uint16_t *minutes)
{
	struct slot_view view;
	if (slot == 0 || !table_view(desk->table, slot, key, &view)) {
		return false; /* taken out; what that depends on is asked at the end */
	}
	/* Once somebody says that a hold is over, its slot is free, or, if a calendar is busy over it, blocked [I11]. */
	const bool over =
	    desk_hold_is_over(desk, view.expires_ms) && !table_is_busy(desk->table, key, view.minutes, &view.lsn);
	walk->lsn = lsn_later(walk->lsn, view.lsn);
	*minutes = view.minutes;
	return (view.free || over) && claim_listed(view.word);
}

/* Looks at a day; returns what that cost. */
static uint32_t look_at_day(struct alternatives *walk, struct desk *desk, int64_t day)
{
	if (day < walk->day_first || day >= DAY_COUNT) {
		return 0;
	}
	uint32_t slots[TABLE_DAY_SLOTS_MAX];
	const uint32_t psychologist = key_psychologist(walk->key);
	const size_t count = table_day(desk->table, psychologist, (uint16_t)day, slots);
	for (size_t i = 0; i < count; i++) {
		const struct slot *slot = pool_at(&desk->table->slots, slots[i]);
		/* Relaxed: table_view checks the key against the word. */
		const uint64_t key = atomic_load_explicit(&slot->key, memory_order_relaxed);
		const bool past = day == walk->now.day && key_minute(key) <= walk->now.minute;
		uint16_t minutes;
		if (key_psychologist(key) == psychologist && key_day(key) == day && key != walk->key && !past &&
		    look_at(walk, desk, slots[i], key, &minutes)) {
			keep(walk, key, minutes);
		}
	}
	return DAY_COST + (uint32_t)count;
}

/* Can no day that is left have a nearer slot? */
static bool is_over(const struct alternatives *walk)
{
	const int64_t day = key_day(walk->key);
	const uint32_t minute = key_minute(walk->key);
	const uint32_t distance = walk->distance;
	if (walk->key == 0 || distance > walk->day_count ||
	    (day - distance < walk->day_first && day + distance >= DAY_COUNT)) {
		return true;
	}
	if (walk->count < walk->count_max || distance == 0) {
		return false;
	}
	const uint32_t after = distance * MINUTES_PER_DAY - minute;            /* its 00:00 */
	const uint32_t before = (distance - 1) * MINUTES_PER_DAY + minute + 1; /* its 23:59 */
	return minutes_between(walk->key, walk->found[walk->count - 1].key) < (after < before ? after : before);
}

/* Leaves out what was taken since an earlier step found it. */
static void look_again(struct alternatives *walk, struct desk *desk)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < walk->count; i++) {
		const uint64_t key = walk->found[i].key;
		uint16_t minutes;
		if (look_at(walk, desk, table_find(desk->table, key), key, &minutes)) {
			walk->found[kept++] = (struct alternative){key, minutes};
		}
	}
	walk->count = kept;
}

bool alternatives_step(struct alternatives *walk, struct desk *desk)
{
	uint32_t cost = 0;
	walk->steps++;
	for (; !is_over(walk); walk->distance++) {
		if (cost >= STEP_COST) {
			return false;
		}
		const int64_t day = key_day(walk->key);
		cost += look_at_day(walk, desk, day + walk->distance);
		cost += walk->distance > 0 ? look_at_day(walk, desk, day - walk->distance) : 0;
	}
	if (walk->steps > 1) {
		look_again(walk, desk);
	}
	if (walk->key != 0) {
		walk->lsn = lsn_later(walk->lsn, table_removed_lsn(desk->table)); /* after looking: see there */
	}
	return true;
}
