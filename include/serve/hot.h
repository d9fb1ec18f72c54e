/*
 * hot: which slots lost most claims, in bounded memory (space-saving counters).
 *
 * Each worker has a table of `hot-entries` slots. A claim lost on a slot that is in it counts one more; else, if the table
 * is full, the slot takes the place of the one with the fewest, going on from its count, and notes how many of that were
 * another's.
 * So for every slot, of n losers that the worker counted:
 *
 *   certain <= true losers <= losers       certain = losers - excess, excess <= n / entries
 *
 * and a slot with more than n / entries losers is in the table. Ranks are kept in order of losers: one more moves an entry to
 * the front of those that had as many, a swap found by halving.
 *
 *   heads (by hash) -> entry -> next ...         ranks: entries, most losers first; entry.rank leads back
 *
 * The winner of a claim never comes here. Counts are of this process's life.
 *
 * Threads: a table belongs to its worker; its lock, a leaf, is for HOT, which may run on another.
 * See: Metwally, Agrawal, El Abbadi: Efficient Computation of Frequent and Top-k Elements in Data Streams, 2005.
 */
#pragma once

#include <base/error.h>
#include <base/lock.h>
#include <stddef.h>
#include <stdint.h>

struct hot_entry {
	uint64_t key;
	uint64_t losers;
	uint64_t excess;
	uint32_t rank;
	uint32_t next; /* of the same hash; HOT_NONE ends */
};

#define HOT_NONE UINT32_MAX

struct hot {
	/* const after hot_init */
	uint32_t entry_count_max; /* 0: nothing is counted */
	uint32_t head_count;      /* a power of two */
	/* guarded by lock */
	struct lock lock;
	struct hot_entry *entries;
	uint32_t *ranks;
	uint32_t *heads;
	uint32_t entry_count;
};

bool hot_init(struct hot *hot, uint32_t entry_count_max, struct error *error);
void hot_fini(struct hot *hot);

/* A claim on the slot with this key was lost. */
void hot_count(struct hot *hot, uint64_t key);

struct hot_row {
	uint64_t key;
	uint64_t losers;  /* at most */
	uint64_t certain; /* at least */
};

/* What several tables say together, of one psychologist (0: of all): up to `count` rows, most losers first. Returns how many.
 * The bounds above hold with n and 1 / entries summed over the tables. SIZE_MAX: there is no memory for it. */
size_t hot_merge(struct hot *hots, uint32_t hot_count, uint32_t psychologist, struct hot_row *rows, size_t count);
