/*
 * table_ahead: what claims will look at, brought near. See slot/table.h.
 *
 * Where a claim looks next it learns from where it looked before:
 *
 *   cell of the psychologist -> cell of the slot -> record of the slot -> record of its session
 *   cell of the client       -> bytes of the token
 *
 * So it goes step by step, each for all claims: by the time the last has asked for its line, that of the first is there.
 * An entry is taken for the right one if its tag is (index_guess). One in billions is not, and costs a cache line.
 */
#include "records.h"
#include <base/check.h>

void table_expect(const struct table *table, struct table_prospect *prospect, struct span psychologist,
		  struct span client)
{
	prospect->psychologist = intern_hash(&table->psychologists, psychologist);
	prospect->client = intern_hash(&table->clients, client);
	intern_prefetch(&table->psychologists, prospect->psychologist);
	intern_prefetch(&table->clients, prospect->client);
}

/* The hash of its slot, or 0. */
static uint64_t approach_slot(const struct table *table, const struct table_prospect *prospect)
{
	const uint32_t psychologist = intern_guess(&table->psychologists, prospect->psychologist);
	if (psychologist == 0) {
		return 0;
	}
	const uint64_t hash = slot_hash(table, key_make(psychologist, prospect->day, prospect->minute));
	index_prefetch(&table->index, hash);
	return hash;
}

/* From the cell of each slot (hash 0: none is known) to its record and its session's. */
static void approach_records(const struct table *table, const uint64_t *hashes, size_t count)
{
	uint32_t slots[TABLE_PROSPECTS_MAX];
	for (size_t i = 0; i < count; i++) {
		slots[i] = hashes[i] != 0 ? index_guess(&table->index, hashes[i]) : 0;
		__builtin_prefetch(slot_of(table, slots[i]));
	}
	for (size_t i = 0; i < count; i++) {
		const uint64_t word = slots[i] != 0 ? slot_word(slot_of(table, slots[i])) : 0;
		if (claim_kind(word) == CLAIM_SESSION) {
			__builtin_prefetch(session_of(table, claim_session(word)));
		}
	}
}

void table_approach(const struct table *table, const struct table_prospect *prospects, size_t count)
{
	uint64_t hashes[TABLE_PROSPECTS_MAX];
	CHECK(count <= TABLE_PROSPECTS_MAX);
	for (size_t i = 0; i < count; i++) {
		intern_guess(&table->clients, prospects[i].client);
		hashes[i] = approach_slot(table, &prospects[i]);
	}
	approach_records(table, hashes, count);
}

void table_approach_slots(const struct table *table, const uint64_t *keys, const uint32_t *clients, size_t count)
{
	uint64_t hashes[TABLE_PROSPECTS_MAX];
	CHECK(count <= TABLE_PROSPECTS_MAX);
	for (size_t i = 0; i < count; i++) {
		hashes[i] = slot_hash(table, keys[i]);
		index_prefetch(&table->index, hashes[i]);
		__builtin_prefetch(intern_word(&table->clients, clients[i]), 1);
	}
	approach_records(table, hashes, count);
}
