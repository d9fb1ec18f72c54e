/*
 * table_put: copies put into a table, many at a time. See slot/image.h.
 *
 * Several threads may put at once: records are of whoever puts them, the index and the pools have locks, and the cards are
 * changed by compare-and-swap. Stores are relaxed: who has put a copy joins whoever looks at it, or finds it through the index.
 */
#include "records.h"
#include <base/check.h>
#include <slot/image.h>

/* How many copies before it is put the card of a copy is called to the cache. */
#define AHEAD 16

static bool is_place(uint64_t key)
{
	return key_psychologist(key) != 0 && key_minute(key) < MINUTES_PER_DAY;
}

static bool is_slot(const struct slot_image *image)
{
	const uint64_t word = image->word;
	return is_place(image->key) && claim_minutes(word) <= SLOT_MINUTES_MAX &&
	       (claim_kind(word) == CLAIM_SESSION ||
		(claim_kind(word) == CLAIM_OPEN && claim_listed(word) && claim_lsn(word) != 0));
}

/* Slots mostly come in the order in which they were opened, a day at a time: one look at the card for all of them. */
static bool mark_cards(struct table *table, const struct slot_image *images, uint32_t count)
{
	uint64_t card = 0;
	uint64_t bits = 0;
	for (uint32_t i = 0; i < count; i++) {
		const uint64_t ahead = images[i + AHEAD < count ? i + AHEAD : i].key;
		if (card_key(ahead) != card) {
			table_prefetch(table, card_key(ahead));
		}
		if (!claim_listed(images[i].word)) {
			continue;
		}
		if (card_key(images[i].key) != card && card != 0 && !card_mark_bits(table, card, bits, true)) {
			return false;
		}
		bits = card_key(images[i].key) == card ? bits : 0;
		card = card_key(images[i].key);
		bits |= card_bit(images[i].key);
	}
	return card == 0 || card_mark_bits(table, card, bits, true);
}

/* Into new records with the numbers from `first` on; of a slot that is there already, the record there gets the word. */
static void put_group(struct table *table, const struct slot_image *images, uint32_t count, uint32_t first)
{
	struct index_entry entries[INDEX_MANY_MAX];
	for (uint32_t i = 0; i < count; i++) {
		struct slot *record = slot_of(table, first + i);
		atomic_store_explicit(&record->key, images[i].key, memory_order_relaxed);
		atomic_store_explicit(&record->word, images[i].word, memory_order_relaxed);
		entries[i] = (struct index_entry){
		    .hash = slot_hash(table, images[i].key), .key = &images[i].key, .number = first + i};
	}
	index_insert_many(&table->index, entries, count);
	for (uint32_t i = 0; i < count; i++) {
		if (entries[i].there != first + i) {
			atomic_store_explicit(&slot_of(table, entries[i].there)->word, images[i].word,
					      memory_order_relaxed);
			slot_give(table, first + i);
		}
	}
}

bool table_put_slots(struct table *table, const struct slot_image *images, uint32_t count, struct error *error)
{
	for (uint32_t i = 0; i < count; i++) {
		if (!is_slot(&images[i])) {
			return error_set(error, ERROR_DAMAGED, "not the copy of a slot");
		}
	}
	const uint32_t first = count > 0 && mark_cards(table, images, count) ? pool_take_many(&table->slots, count) : 0;
	if (count > 0 && first == 0) {
		return error_set(error, ERROR_NO_MEMORY, "no address space for another slot: raise maxmemory");
	}
	memory_force(table->memory, count * TABLE_SLOT_BYTES);
	for (uint32_t done = 0; done < count; done += INDEX_MANY_MAX) {
		const uint32_t left = count - done;
		put_group(table, images + done, left < INDEX_MANY_MAX ? left : INDEX_MANY_MAX, first + done);
	}
	return true;
}

static bool is_session(const struct session_image *image)
{
	const enum session_status status = session_status(image->state);
	if (image->state == session_state(SESSION_FREE, 0, 0)) {
		return image->number != 0 && image->generation <= SESSION_GENERATION_MAX;
	}
	return image->number != 0 && status != SESSION_FREE && status <= SESSION_NO_SHOW &&
	       session_lsn(image->state) != 0 && image->client != 0 && is_place(image->key) &&
	       image->minutes <= SLOT_MINUTES_MAX && image->created_ms <= SESSION_UPDATED_MS_MAX &&
	       image->updated_ms <= SESSION_UPDATED_MS_MAX && image->generation < SESSION_GENERATION_MAX &&
	       (image->hold_seconds != 0) == (status == SESSION_HELD);
}

bool table_put_sessions(struct table *table, const struct session_image *images, uint32_t count, struct error *error)
{
	uint32_t highest = 0;
	for (uint32_t i = 0; i < count; i++) {
		if (!is_session(&images[i])) {
			return error_set(error, ERROR_DAMAGED, "not the copy of a session");
		}
		highest = images[i].number > highest ? images[i].number : highest;
	}
	if (count > 0 && !pool_place(&table->sessions, highest)) {
		return error_set(error, ERROR_NO_MEMORY, "no address space for another session: raise maxmemory");
	}
	for (uint32_t i = 0; i < count; i++) {
		session_write(table, &images[i]);
	}
	return true;
}

void table_expect_copies(struct table *table, uint64_t slots, uint64_t tokens)
{
	index_expect(&table->index, slots);
	index_expect(&table->clients.index, tokens);
}
