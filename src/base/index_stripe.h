/*
 * index_stripe: what the files of the index share.
 */
#pragma once

#include <base/index.h>

static inline uint32_t index_stripe_number(const struct index *index, uint64_t hash)
{
	/* The low bits: independent of the tag, which must spread evenly within a stripe. */
	return (uint32_t)hash & (index->stripe_count - 1);
}

/* index_insert, the lock being held. */
uint32_t index_stripe_put(struct index *index, struct index_stripe *stripe, uint64_t hash, const void *key,
			  uint32_t number) REQUIRES(stripe->lock);
