/*
 * table_day: the slots of a day, by way of its card. See slot/table.h.
 *
 * A card is a record of the slot pool like any other, found through the same index; its word is CLAIM_CARD and a bit
 * for each 24 minutes of the day, which makes it 60.
 *
 *    bit   0            1            2                          59
 *        +------------+------------+------------+ ... +------------+
 *        | 00:00-00:23| 00:24-00:47| 00:48-01:11|     | 23:36-23:59|
 *        +------------+------------+------------+ ... +------------+
 *
 * A bit too many costs a reader some lookups, a bit too few would hide a slot; so bits are set first and never cleared.
 *
 * Invariant: I9, by table_overlap.
 */
#include "pause.h"
#include "records.h"
#include <base/check.h>

#define MINUTES_PER_BIT 24
#define BITS_PER_DAY    60

static_assert(MINUTES_PER_BIT * BITS_PER_DAY == MINUTES_PER_DAY, "the bits cover the day");
static_assert(BITS_PER_DAY <= 61, "the bits are below the kind");

static uint64_t bit_of(uint32_t minute)
{
	return UINT64_C(1) << minute / MINUTES_PER_BIT;
}

uint64_t card_bit(uint64_t key)
{
	return bit_of(key_minute(key));
}

/* Adds a card with the first of its bits. Returns the card that is in the index now; 0 when memory is spent. */
static uint32_t card_add(struct table *table, uint64_t key, uint64_t bits, bool promised)
{
	const uint32_t card = slot_take(table, promised);
	return card != 0 ? slot_insert(table, card, key, claim_make(CLAIM_CARD, 0, 0) | bits) : 0;
}

bool card_mark_bits(struct table *table, uint64_t key, uint64_t bits, bool promised)
{
	for (unsigned round = 0;; round++) {
		uint32_t card = slot_find(table, key);
		if (card == 0) {
			card = card_add(table, key, bits, promised);
		}
		if (card == 0) {
			return false;
		}
		struct slot *record = slot_of(table, card);
		uint64_t word = slot_word(record);
		const bool is_card = claim_kind(word) == CLAIM_CARD && slot_key(record) == key;
		/* Compare-and-swap, not an or: the card may go with its day while we look, and its record be a slot.
		 * Release: who sees the bit, sees no less than we did. Pairs with slot_word. */
		if (is_card && ((word & bits) == bits ||
				atomic_compare_exchange_strong_explicit(&record->word, &word, word | bits,
									memory_order_release, memory_order_relaxed))) {
			return true;
		}
		pause_round(round); /* somebody set another bit, is just adding the card, or purging it */
	}
}

bool card_mark(struct table *table, uint64_t key, bool promised)
{
	return card_mark_bits(table, card_key(key), card_bit(key), promised);
}

/* The bits of a day; 0 if there is no card. */
static uint64_t card_bits(const struct table *table, uint32_t psychologist, uint16_t day)
{
	const uint32_t card = table_find(table, key_make(psychologist, day, KEY_MINUTE_CARD));
	const uint64_t word = card != 0 ? slot_word(slot_of(table, card)) : 0;
	return claim_kind(word) == CLAIM_CARD ? word - claim_make(CLAIM_CARD, 0, 0) : 0;
}

bool card_has(const struct table *table, uint64_t key)
{
	return (card_bits(table, key_psychologist(key), key_day(key)) & bit_of(key_minute(key))) != 0;
}

size_t table_day(const struct table *table, uint32_t psychologist, uint16_t day, uint32_t *slots)
{
	size_t count = 0;
	const uint64_t bits = card_bits(table, psychologist, day);
	for (uint16_t begin = 0; begin < MINUTES_PER_DAY; begin += MINUTES_PER_BIT) {
		if ((bits & bit_of(begin)) == 0) {
			continue;
		}
		const uint64_t first = key_make(psychologist, day, begin);
		/* Two passes, so that the cache misses of the first overlap. */
		for (uint64_t key = first; key < first + MINUTES_PER_BIT; key++) {
			table_prefetch(table, key);
		}
		for (uint64_t key = first; key < first + MINUTES_PER_BIT; key++) {
			const uint32_t slot = table_find(table, key);
			if (slot != 0 && claim_listed(slot_word(slot_of(table, slot)))) {
				slots[count++] = slot;
			}
		}
	}
	return count;
}

/* One psychologist's listed slots, asked minute by minute; a minute is counted from the start of day 0. */
struct hours_scan {
	const struct table *table;
	uint32_t psychologist;
	uint32_t day; /* whose card is in bits */
	uint64_t bits;
};

#define NO_DAY UINT32_MAX

/* How long the listed slot that starts at this minute is; 0 if none does. */
static uint16_t listed_minutes(struct hours_scan *scan, uint32_t at, uint64_t *key)
{
	const uint32_t day = at / MINUTES_PER_DAY;
	const uint32_t minute = at % MINUTES_PER_DAY;
	if (day != scan->day) {
		scan->day = day;
		scan->bits = card_bits(scan->table, scan->psychologist, (uint16_t)day);
	}
	if ((scan->bits & bit_of(minute)) == 0) {
		return 0;
	}
	*key = key_make(scan->psychologist, (uint16_t)day, (uint16_t)minute);
	const uint32_t slot = table_find(scan->table, *key);
	const uint64_t word = slot != 0 ? slot_word(slot_of(scan->table, slot)) : 0;
	return claim_kind(word) != CLAIM_CARD ? claim_minutes(word) : 0;
}

bool table_overlap(const struct table *table, uint64_t key, uint16_t minutes, uint64_t *other)
{
	struct hours_scan scan = {.table = table, .psychologist = key_psychologist(key), .day = NO_DAY};
	const uint32_t begin = (uint32_t)key_day(key) * MINUTES_PER_DAY + key_minute(key);
	/* Of the slots that start before, only the last can reach us: they do not overlap each other. */
	for (uint32_t back = 1; back < SLOT_MINUTES_MAX && back <= begin; back++) {
		const uint16_t length = listed_minutes(&scan, begin - back, other);
		if (length > back) {
			return true;
		}
		if (length != 0) {
			break;
		}
	}
	for (uint32_t at = begin + 1; at < begin + minutes && at < (uint32_t)DAY_COUNT * MINUTES_PER_DAY; at++) {
		if (listed_minutes(&scan, at, other) != 0) {
			return true;
		}
	}
	return false;
}
