/*
 * index: a lock-striped hash index from a key to a record number.
 *
 * The low bits of a hash choose the stripe, the high 16 are the entry's tag. A stripe is an array of lines, each a cache line
 * of ten cells, and a cell is a number and a tag; number 0 is an empty cell. An entry's home is the line its tag falls on when
 * all tags are spread evenly over the array. It lives there in any cell or, if all are taken, in the next line with an empty
 * one, the first coming after the last. Each line it passed on the way counts it:
 *
 *                    home of x
 *                        v
 *   line       | . . . | a b c | d e f | g x . |
 *   passed by     0        1       1       0
 *
 * So a search ends at the first line that nobody passed, which mostly is the first it looks at. Whether a record has the key
 * is for the caller to say (index_equal_f), looking at the record. That another one has the same tag, among the n entries of a
 * stripe, is so in one of 65,536 / n looks, and costs a look at its record.
 *
 * Reading takes no lock. A hit proves itself: the record says it has the key. An entry stays in its cell until it is removed
 * or the stripe grows, so a miss is believed unless the stripe's version was odd or changed while looking; then the question
 * is asked again under the stripe lock, so nobody ever spins. Who makes a stripe grow holds its lock and makes the version odd.
 *
 * A stripe over 9/10 full grows by a quarter, on its own: no pause over the whole table. It grows where it is: each
 * stripe has address space for the largest array it can come to. So arrays are never replaced, and there is no old array
 * that a reader might still be in. The memory for it is made ready a little before, from 87/100 on (base/ready.h).
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

#define INDEX_LINE_CELLS 10

/* The tags are four to a word, that of the first cell in its lowest bits. The highest 32 bits of the last word are how many
 * entries passed the line. */
#define INDEX_TAG_WORDS 3
struct index_line {
	alignas(64) _Atomic uint32_t numbers[INDEX_LINE_CELLS];
	_Atomic uint64_t tags[INDEX_TAG_WORDS];
};

/* One cache line: who inserts has looked in vain before. */
struct index_stripe {
	/* shared: written under lock, read by all */
	alignas(64) _Atomic uint64_t version; /* odd while the stripe grows */
	_Atomic uint32_t line_count;          /* whole pages */
	/* guarded by lock */
	uint32_t count; /* entries */
	struct lock lock;
};

struct index {
	/* const after index_init */
	uint32_t stripe_count; /* a power of two */
	size_t row_lines;      /* from one page of a stripe to its next */
	index_equal_f *equal;
	const void *context;
	struct index_stripe *stripes;
	struct index_line *lines; /* row 0 */
	/* shared: relaxed, see index_hurry */
	_Atomic bool hurries;
	/* guards how far the region is committed */
	struct lock lock;
	struct region region;
	/* shared: written under lock */
	_Atomic size_t rows; /* committed, and made ready (base/ready.h) */
};

/* A stripe costs a page at least, of 1 KiB. */
#define INDEX_STRIPES_MAX 4096

/* Has address space for `entry_count_max` entries. `context` is handed to `equal` and borrowed for the life of the
 * index. `stripe_count` is a power of two, at most INDEX_STRIPES_MAX. */
bool index_init(struct index *index, uint64_t entry_count_max, uint32_t stripe_count, index_equal_f *equal,
		const void *context, struct error *error);
void index_fini(struct index *index);

/* The number of the record that has this key, or 0. */
uint32_t index_find(const struct index *index, uint64_t hash, const void *key);

/* Brings the home's cache line near; first half of a find of many. */
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

/* Bytes of cells an entry costs where they are emptiest, 72/100 full; what a budget should count per record. */
#define INDEX_BYTES_PER_ENTRY 9

/* From here on, or (false) no more, a stripe that is full doubles instead of growing by a quarter: as many entries again are to
 * come at least. Then growing costs less. */
void index_hurry(struct index *index, bool hurries);
/* Its locks rest, or do so no more (base/lock.h). */
void index_rest(struct index *index, bool rests);

/* Calls `visit` for each number; for invariant walks, so it CHECKs on the way that each entry is found from its home. */
typedef void index_visit_f(void *context, uint32_t number);
void index_each(const struct index *index, index_visit_f *visit, void *context);
