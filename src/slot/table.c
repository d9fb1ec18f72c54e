/*
 * table: which slots there are: found, added, taken out. See slot/table.h.
 *
 *   table_claim.c    whose a slot is: look, claim, change, settle, close
 *   table_move.c     sessions that go to another slot
 *   table_busy.c     which slots are blocked
 *   table_set.c      what is set for a psychologist
 *   table_client.c   threads: the sessions of a client
 *   table_day.c      day cards, listing, overlap [I9]
 *   table_restore.c  replay [I4]
 *   table_purge.c    days that are gone
 *   table_image.c    copies of records, for snapshots
 *   table_put.c      the table from such copies
 *   table_redo.c     records that copies may have or not
 *   table_dump.c     everything in words
 *   table_check.c    everything looked at: invariants, counts
 */
#include "records.h"
#include <base/check.h>

/* There are few psychologists beside their slots and clients. */
#define PSYCHOLOGIST_STRIPES_MAX 64

static bool has_key(const void *context, uint32_t number, const void *key)
{
	const struct table *table = context;
	/* Relaxed: only compared; table_view looks again. */
	return atomic_load_explicit(&slot_of(table, number)->key, memory_order_relaxed) == *(const uint64_t *)key;
}

static bool init_interns(struct table *table, const struct table_options *options, struct error *error)
{
	const uint32_t few =
	    options->stripe_count < PSYCHOLOGIST_STRIPES_MAX ? options->stripe_count : PSYCHOLOGIST_STRIPES_MAX;
	/* One secret, three hashes that have nothing to do with each other. */
	if (!intern_init(&table->psychologists, table->memory, few, hash_u64(1, table->seed), error)) {
		return false;
	}
	if (!intern_init(&table->clients, table->memory, options->stripe_count, hash_u64(2, table->seed), error)) {
		intern_fini(&table->psychologists);
		return false;
	}
	if (!intern_keep_words(&table->clients, error)) {
		intern_fini(&table->clients);
		intern_fini(&table->psychologists);
		return false;
	}
	return true;
}

static bool init_slots(struct table *table, const struct table_options *options, struct error *error)
{
	const uint64_t limit = table->memory->limit;
	if (!pool_init(&table->slots, limit, sizeof(struct slot), 0, error)) {
		return false;
	}
	if (!pool_init(&table->sessions, limit, sizeof(struct session), sizeof(session_change), error)) {
		goto undo_slots;
	}
	if (!index_init(&table->index, limit / TABLE_SLOT_BYTES * MEMORY_ADDRESS_FACTOR, options->stripe_count, has_key,
			table, error)) {
		goto undo_sessions;
	}
	return true;

undo_sessions:
	pool_fini(&table->sessions);
undo_slots:
	pool_fini(&table->slots);
	return false;
}

bool table_init(struct table *table, struct memory *memory, const struct table_options *options, struct error *error)
{
	table->memory = memory;
	table->seed = options->seed;
	if (!init_interns(table, options, error)) {
		return false;
	}
	if (!init_slots(table, options, error)) {
		intern_fini(&table->clients);
		intern_fini(&table->psychologists);
		return false;
	}
	for (uint32_t i = 0; i < TABLE_HOURS_LOCKS; i++) {
		lock_init(&table->hours[i]);
	}
	lock_init(&table->moves);
	threads_init(&table->threads);
	busy_init(&table->busy, memory);
	settings_init(&table->settings, memory);
	zone_map_init(&table->zones, memory);
	table->derives = false;
	atomic_init(&table->removals, 0);
	atomic_init(&table->purged_before_day, 0);
	atomic_init(&table->removed_lsn, 0);
	return true;
}

void table_fini(struct table *table)
{
	for (uint32_t i = 0; i < TABLE_HOURS_LOCKS; i++) {
		lock_fini(&table->hours[i]);
	}
	lock_fini(&table->moves);
	busy_fini(&table->busy);
	settings_fini(&table->settings);
	zone_map_fini(&table->zones);
	threads_fini(&table->threads);
	index_fini(&table->index);
	pool_fini(&table->sessions);
	pool_fini(&table->slots);
	intern_fini(&table->clients);
	intern_fini(&table->psychologists);
}

bool table_clear(struct table *table, struct error *error)
{
	struct memory *memory = table->memory;
	const struct table_options options = {.stripe_count = table->index.stripe_count, .seed = table->seed};
	table_fini(table);
	memory_clear(memory);
	return table_init(table, memory, &options, error);
}

uint32_t table_find(const struct table *table, uint64_t key)
{
	return key_purged(table, key) ? 0 : slot_find(table, key);
}

void table_prefetch(const struct table *table, uint64_t key)
{
	index_prefetch(&table->index, slot_hash(table, key));
}

uint64_t table_removed_lsn(const struct table *table)
{
	return atomic_load_explicit(&table->removed_lsn, memory_order_acquire); /* see the header */
}

void removed_lsn_raise(struct table *table, uint64_t lsn)
{
	/* Relaxed reading: only a larger one is stored, whoever is first. */
	uint64_t removed = atomic_load_explicit(&table->removed_lsn, memory_order_relaxed);
	while (removed < lsn && !atomic_compare_exchange_weak_explicit(&table->removed_lsn, &removed, lsn,
								       memory_order_release, memory_order_relaxed)) {
		/* Release; pairs with table_removed_lsn. */
	}
}

uint32_t slot_take(struct table *table, bool promised)
{
	if (promised) {
		memory_force(table->memory, TABLE_SLOT_BYTES);
	} else if (!memory_take(table->memory, TABLE_SLOT_BYTES)) {
		return 0;
	}
	const uint32_t slot = pool_take(&table->slots);
	if (slot == 0) {
		memory_give(table->memory, TABLE_SLOT_BYTES);
	}
	return slot;
}

uint32_t slot_insert(struct table *table, uint32_t slot, uint64_t key, uint64_t word)
{
	struct slot *record = slot_of(table, slot);
	/* The key, then the index, then the word. In between, the record says NONE with a key: others who find it wait,
	 * and a purge leaves it alone, which could not take it out of an index it is not yet in. */
	atomic_store_explicit(&record->key, key, memory_order_release); /* pairs with slot_key */
	const uint32_t first = index_insert(&table->index, slot_hash(table, key), &key, slot);
	if (first == slot) {
		atomic_store_explicit(&record->word, word, memory_order_release); /* pairs with slot_word */
	} else {
		slot_give(table, slot);
	}
	return first;
}

void slot_give(struct table *table, uint32_t slot)
{
	/* Relaxed: a stamp only has to be its own. 48 bits last for years of a removal every microsecond. */
	const uint64_t stamp = 1 + atomic_fetch_add_explicit(&table->removals, 1, memory_order_relaxed);
	struct slot *record = slot_of(table, slot);
	/* The key first: NONE with a key is a slot being made. Release; pairs with slot_key and slot_word. */
	atomic_store_explicit(&record->key, 0, memory_order_release);
	atomic_store_explicit(&record->word, claim_make(CLAIM_NONE, 0, stamp & CLAIM_VALUE_MASK), memory_order_release);
	memory_give(table->memory, TABLE_SLOT_BYTES);
	pool_give(&table->slots, slot);
}

void slot_take_out(struct table *table, uint32_t slot)
{
	const struct slot *record = slot_of(table, slot);
	CHECK(claim_kind(slot_word(record)) == CLAIM_CLOSED);
	/* Out of the index before the word changes: who waited for that must not find it again. */
	index_remove(&table->index, slot_hash(table, slot_key(record)), slot);
	slot_give(table, slot);
}

/* What a listed slot promises for its booking. */
static bool promise_booking(struct table *table, bool promised)
{
	if (promised) {
		memory_promise_again(table->memory, TABLE_BOOKING_BYTES);
		return true;
	}
	return memory_promise(table->memory, TABLE_BOOKING_BYTES);
}

uint32_t table_add(struct table *table, uint64_t key, uint64_t word, bool promised, bool *added)
{
	CHECK(key_minute(key) < MINUTES_PER_DAY);
	CHECK(claim_kind(word) == CLAIM_OPEN || (claim_kind(word) == CLAIM_CLOSED && claim_listed(word)));
	*added = false;
	/* An unlisted slot is on no card, and is added by who has just looked for it in vain. */
	if (claim_listed(word)) {
		const uint32_t there = slot_find(table, key);
		if (there != 0) {
			return there;
		}
		if (!card_mark(table, key, promised) || !promise_booking(table, promised)) {
			return 0;
		}
	}
	const uint32_t slot = slot_take(table, promised);
	uint32_t first = 0;
	if (slot != 0) {
		/* An unlisted slot goes on with its record's stamp, a listed one has an lsn of its own. */
		const uint64_t stamp = claim_listed(word) ? 0 : claim_lsn(slot_word(slot_of(table, slot)));
		first = slot_insert(table, slot, key, word | stamp);
		*added = first == slot;
	}
	if (!*added && claim_listed(word)) {
		memory_redeem(table->memory, TABLE_BOOKING_BYTES);
	}
	return first;
}

bool table_open(struct table *table, uint32_t slot, uint64_t lsn)
{
	struct slot *record = slot_of(table, slot);
	const uint64_t word = slot_word(record);
	CHECK(claim_kind(word) == CLAIM_CLOSED);
	CHECK(lsn != 0 && lsn <= CLAIM_VALUE_MASK);
	const uint64_t freed = freed_word(table, slot_key(record), claim_minutes(word), lsn);
	atomic_store_explicit(&record->word, freed, memory_order_release); /* pairs with slot_word */
	return claim_kind(freed) == CLAIM_BLOCKED;
}

void table_remove(struct table *table, uint32_t slot, uint64_t lsn)
{
	const uint64_t word = slot_word(slot_of(table, slot));
	removed_lsn_raise(table, lsn); /* before the slot goes: see table_removed_lsn */
	slot_take_out(table, slot);
	if (claim_listed(word)) {
		memory_redeem(table->memory, TABLE_BOOKING_BYTES); /* it was free, so promised */
	}
}

void table_hours_lock(struct table *table, uint32_t psychologist)
{
	lock_take(&table->hours[psychologist % TABLE_HOURS_LOCKS]);
}

void table_hours_unlock(struct table *table, uint32_t psychologist)
{
	lock_give(&table->hours[psychologist % TABLE_HOURS_LOCKS]);
}
