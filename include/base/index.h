/*
 * index: a lock-striped hash index from a key to a record number.
 *
 * The low bits of a hash choose the stripe, the high 32 are the entry's tag. A stripe is an array of 64-bit cells,
 * (tag << 32 | number), kept in the order of their tags; 0 is an empty cell. An entry's home is the cell its tag falls
 * on when all tags are spread evenly over the array; it lives there or, if that is taken, as near behind as the order
 * allows:
 *
 *   home of the tags below        0    1    1    4    4    5
 *   cells                       | 0x | 1x | 1x |    | 4x | 4x | 5x |    |    |       linear probing, sorted
 *
 * So a search stops at the first empty cell or larger tag. Whether a record has the key is for the caller to say
 * (index_equal_f), looking at the record.
 *
 * Reading takes no lock. A hit proves itself: the record says it has the key. A miss is only believed if the stripe's
 * version was even and did not change while probing; otherwise the question is asked again under the stripe lock, so
 * nobody ever spins. Writers hold the stripe lock and make the version odd while entries move towards the front.
 *
 * A stripe over 7/8 full grows by a quarter, on its own: no pause over the whole table. It grows where it is: each
 * stripe has address space for the largest array it can come to, and the order of tags means that every entry only
 * moves back. So arrays are never replaced, and there is no old array that a reader might still be in. The memory for it is
 * made ready a little before, from 27/32 on (base/ready.h).
 *
 * The arrays lie side by side, cut into pages: row r of the memory has page r of each stripe. Hashes fill all stripes
 * alike, so the rows fill one after the other and can be made of huge pages, and a look into any stripe finds its
 * address translated; arrays in places of their own would be small pages far apart.
 *
 *              stripe 0   stripe 1   stripe 2   ...
 *   row 0    |  page 0  |  page 0  |  page 0  | ... |
 *   row 1    |  page 1  |  page 1  |  page 1  | ... |
 *
 * Synchronization (- free, X caller excludes):      find  insert  remove  each
 *   find                                              -     -       -      -
 *   insert, insert_many, remove                       -     -       -      X
 *   each (walk of everything, for checks)             -     X       X      -
 */
#pragma once

#include <base/lock.h>
#include <base/memory.h>
#include <stdalign.h>

typedef bool index_equal_f(const void *context, uint32_t number, const void *key);

/* What readers look at comes first, a cache line apart from the lock that only writers take. */
struct index_stripe {
	/* const after index_init */
	alignas(64) _Atomic uint64_t *cells; /* of its page in row 0 */
	size_t row_cells;                    /* from one of its pages to the next */
	/* shared: written under lock, read by all */
	_Atomic uint64_t version;    /* odd while entries move towards the front */
	_Atomic uint32_t home_count; /* cells that can be a home; some more follow for entries behind theirs */
	/* guarded by lock */
	alignas(64) struct lock lock;
	uint32_t count; /* entries */
};

struct index {
	/* const after index_init */
	uint32_t stripe_count; /* a power of two */
	index_equal_f *equal;
	const void *context;
	struct index_stripe *stripes;
	/* shared: relaxed, see index_hurry */
	_Atomic bool hurries;
	/* guards how far the region is committed */
	struct lock lock;
	struct region region;
	/* shared: written under lock */
	_Atomic size_t rows; /* committed, and made ready (base/ready.h) */
};

/* A stripe in use costs a page of memory at least. */
#define INDEX_STRIPES_MAX 4096

/* Has address space for `entry_count_max` entries. `context` is handed to `equal` and borrowed for the life of the
 * index. `stripe_count` is a power of two, at most INDEX_STRIPES_MAX. */
bool index_init(struct index *index, uint64_t entry_count_max, uint32_t stripe_count, index_equal_f *equal,
		const void *context, struct error *error);
void index_fini(struct index *index);

/* The number of the record that has this key, or 0. */
uint32_t index_find(const struct index *index, uint64_t hash, const void *key);

/* Brings the cell's cache line near; first half of a find of many. */
void index_prefetch(const struct index *index, uint64_t hash);
/* The number of an entry that may be the one, going by its tag alone, or 0: a hint what to bring near next. */
uint32_t index_guess(const struct index *index, uint64_t hash);

/* Puts `number` in unless a record with this key is there already. Returns the number that is in the index afterwards:
 * `number` itself, or the one that was first. Never fails: callers ask the budget before, and a kernel that then
 * refuses what the budget allows ends the process, as malloc's refusal would. */
uint32_t index_insert(struct index *index, uint64_t hash, const void *key, uint32_t number);

/* The same of many at once: each stripe's lock is taken once, and the cache misses of all overlap. */
struct index_entry {
	uint64_t hash;
	const void *key;
	uint32_t number;
	uint32_t there; /* afterwards: what index_insert returns */
};
#define INDEX_MANY_MAX 4096
void index_insert_many(struct index *index, struct index_entry *entries, uint32_t count);
/* So many entries are to come: stripes that have none yet are made as large as their share of them asks for, so that they do
 * not grow on the way. Only a hint: it is no limit, and nothing where the kernel refuses. Before there are other threads. */
void index_expect(struct index *index, uint64_t count);

/* Takes `number` out. CHECKs that it was in. */
void index_remove(struct index *index, uint64_t hash, uint32_t number);

/* Bytes of cells an entry costs at the usual fill, between 7/10 and 7/8; what a budget should count per record. */
#define INDEX_BYTES_PER_ENTRY 11

/* From here on, or (false) no more, a stripe that is full doubles instead of growing by a quarter: as many entries again are to
 * come at least. Then growing costs less, and, with more cells empty, so does inserting. */
void index_hurry(struct index *index, bool hurries);
/* Its locks rest, or do so no more (base/lock.h). */
void index_rest(struct index *index, bool rests);

/* Calls `visit` for each number; for invariant walks, so it CHECKs the order of the cells on the way. */
typedef void index_visit_f(void *context, uint32_t number);
void index_each(const struct index *index, index_visit_f *visit, void *context);
