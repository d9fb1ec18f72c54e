/*
 * index_many: many entries put in at once, stripe by stripe.
 *
 * They are dealt to their stripes by counting (a radix sort by the low bits of the hash), so that each lock is taken once, and
 * what comes is known: the cell of an entry some places ahead is called to the cache while this one is put in.
 */
#include "index_stripe.h"

#include <base/check.h>

#define AHEAD 16

/* Deals the entries to their stripes: those of stripe s are order[ends[s - 1]] .. order[ends[s] - 1]. */
static void deal(const struct index *index, const struct index_entry *entries, uint32_t count, uint16_t *order,
		 uint16_t *ends)
{
	for (uint32_t s = 0; s < index->stripe_count; s++) {
		ends[s] = 0;
	}
	for (uint32_t i = 0; i < count; i++) {
		ends[index_stripe_number(index, entries[i].hash)]++;
	}
	uint32_t begin = 0;
	for (uint32_t s = 0; s < index->stripe_count; s++) {
		const uint32_t here = ends[s];
		ends[s] = (uint16_t)begin;
		begin += here;
	}
	/* Each begin moves on to its end. */
	for (uint32_t i = 0; i < count; i++) {
		order[ends[index_stripe_number(index, entries[i].hash)]++] = (uint16_t)i;
	}
}

void index_insert_many(struct index *index, struct index_entry *entries, uint32_t count)
{
	uint16_t order[INDEX_MANY_MAX];
	uint16_t ends[INDEX_STRIPES_MAX];
	CHECK(count <= INDEX_MANY_MAX);
	deal(index, entries, count, order, ends);
	for (uint32_t at = 0; at < AHEAD && at < count; at++) {
		index_prefetch(index, entries[order[at]].hash);
	}
	for (uint32_t s = 0, at = 0; s < index->stripe_count; s++) {
		if (at == ends[s]) {
			continue;
		}
		struct index_stripe *stripe = &index->stripes[s];
		lock_take(&stripe->lock);
		for (; at < ends[s]; at++) {
			struct index_entry *entry = &entries[order[at]];
			index_prefetch(index, entries[order[at + AHEAD < count ? at + AHEAD : at]].hash);
			entry->there = index_stripe_put(index, stripe, entry->hash, entry->key, entry->number);
		}
		lock_give(&stripe->lock);
	}
}
