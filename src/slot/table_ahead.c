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

static void approach_tokens(const struct table *table, struct table_prospect *prospect)
{
	intern_guess(&table->clients, prospect->client);
	const uint32_t psychologist = intern_guess(&table->psychologists, prospect->psychologist);
	prospect->slot = 0;
	if (psychologist != 0) {
		prospect->slot = slot_hash(table, key_make(psychologist, prospect->day, prospect->minute));
		index_prefetch(&table->index, prospect->slot);
	}
}

void table_approach(const struct table *table, struct table_prospect *prospects, size_t count)
{
	uint32_t slots[TABLE_PROSPECTS_MAX];
	CHECK(count <= TABLE_PROSPECTS_MAX);
	for (size_t i = 0; i < count; i++) {
		approach_tokens(table, &prospects[i]);
	}
	for (size_t i = 0; i < count; i++) {
		slots[i] = prospects[i].slot != 0 ? index_guess(&table->index, prospects[i].slot) : 0;
		__builtin_prefetch(slot_of(table, slots[i]));
	}
	for (size_t i = 0; i < count; i++) {
		const uint64_t word = slots[i] != 0 ? slot_word(slot_of(table, slots[i])) : 0;
		if (claim_kind(word) == CLAIM_SESSION) {
			__builtin_prefetch(session_of(table, claim_session(word)));
		}
	}
}
