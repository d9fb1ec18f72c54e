/*
 * index: sorted linear probing under striped locks, read without them. See base/index.h for the idea.
 *
 * Invariants of a stripe, outside of writers:
 *   - tags never fall from one cell to the next occupied one;
 *   - an entry is at its home or behind it, with no empty cell in between;
 *   - the last cell is empty, so that every probe ends.
 *
 * Why a reader without the lock may believe what it finds. Cells are stored with release and loaded with acquire, so
 * whoever sees a number also sees the record it was inserted with.
 *
 *   A hit needs no more: `equal` looked at the record itself.
 *
 *   A miss while others insert. Inserting moves entries one cell back, the last one first, so at each moment every
 *   entry is somewhere, the order holds, and no cell before it is empty. A reader on its way to an entry is always at
 *   or before it: either it sees it, or what it sees instead was stored after the entry was one cell further back.
 *
 *   A miss while others remove or grow. Now entries do move towards the front, past the reader:
 *
 *       reader, looking for C                    writer, taking out B
 *       sees B in cell 4, goes on
 *                                                cell 4 := C
 *                                                cell 5 := empty
 *       sees cell 5 empty: "there is no C"
 *
 *   That is what the version is for: the writer makes it odd before the first such store. A reader that saw any of
 *   these cells (acquire) sees that version or a later one when it looks again (ordered behind the acquire load), and
 *   asks under the lock. A fence would say the same in one word, but ThreadSanitizer does not understand fences; on x86
 *   these loads and stores are plain ones anyway.
 *
 *   Growing while others read. The array stays where it is, so a reader with the old count of homes starts too far in
 *   front, and at worst walks. It cannot walk out of the memory: it goes on only from an occupied cell, and the last
 *   cell of the array, as it is when that cell is occupied, is empty.
 */
#include "index_stripe.h"

#include <base/check.h>
#include <base/ready.h>
#include <stdlib.h>

/* Cells come by the page: that is what a stripe costs anyway. */
#define PAGE_CELLS 512

/* Cells behind the last home. At 7/8 full an entry is 3.5 cells from home on average, and practically never more than
 * 64; if it has to be, the array grows earlier. */
#define TAIL_CELLS 64

/* A row of less is not worth the trouble of making it ready. */
#define HUGE_PAGE ((size_t)2 << 20)

/* Pages a stripe has address space for at least, and times its fair share: hashes spread keys evenly, not exactly. */
#define STRIPE_PAGES_MIN 64
#define STRIPE_SHARE     2

static uint32_t tag_of_hash(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}

static uint32_t tag_of(uint64_t cell)
{
	return (uint32_t)(cell >> 32);
}

static uint64_t cell_of(uint64_t hash, uint32_t number)
{
	return (uint64_t)tag_of_hash(hash) << 32 | number;
}

/* Spreads tags evenly over the homes, keeping their order. */
static uint32_t home_of(uint32_t tag, uint32_t home_count)
{
	return (uint32_t)((uint64_t)tag * home_count >> 32);
}

static _Atomic uint64_t *cell_at(const struct index_stripe *stripe, uint32_t at)
{
	return &stripe->cells[at / PAGE_CELLS * stripe->row_cells + at % PAGE_CELLS];
}

static uint64_t cell_load(const struct index_stripe *stripe, uint32_t at)
{
	return atomic_load_explicit(cell_at(stripe, at), memory_order_acquire); /* pairs with cell_store */
}

static void cell_store(struct index_stripe *stripe, uint32_t at, uint64_t cell)
{
	atomic_store_explicit(cell_at(stripe, at), cell, memory_order_release); /* pairs with cell_load */
}

static struct index_stripe *stripe_of(const struct index *index, uint64_t hash)
{
	return &index->stripes[index_stripe_number(index, hash)];
}

/* Under the lock, so relaxed would do. */
static uint32_t home_count_of(const struct index_stripe *stripe)
{
	return atomic_load_explicit(&stripe->home_count, memory_order_relaxed);
}

/* Makes so many pages of each stripe usable; `ahead` of their use, ready too, if they are huge ones. */
static bool commit_rows(struct index *index, size_t rows, bool ahead)
{
	/* Relaxed: what is committed stays so. */
	if (rows <= atomic_load_explicit(&index->rows, memory_order_relaxed)) {
		return true;
	}
	lock_take(&index->lock);
	const size_t row_size = (size_t)index->stripe_count * PAGE_CELLS * sizeof(uint64_t);
	const size_t before = atomic_load_explicit(&index->rows, memory_order_relaxed); /* ours: the lock is held */
	const bool committed = region_commit(&index->region, rows * row_size);
	if (committed && rows > before) {
		atomic_store_explicit(&index->rows, rows, memory_order_relaxed);
		if (ahead && row_size >= HUGE_PAGE) {
			ready_ask(index->region.base + before * row_size, (rows - before) * row_size);
		}
	}
	lock_give(&index->lock);
	return committed;
}

static void stripe_init(const struct index *index, uint32_t number)
{
	struct index_stripe *stripe = &index->stripes[number];
	stripe->cells = (_Atomic uint64_t *)(void *)index->region.base + (size_t)number * PAGE_CELLS;
	stripe->row_cells = (size_t)index->stripe_count * PAGE_CELLS;
	stripe->count = 0;
	atomic_init(&stripe->version, 0);
	atomic_init(&stripe->home_count, PAGE_CELLS - TAIL_CELLS);
	lock_init(&stripe->lock);
	/* Touched now: the first claim in each stripe would else wait for a page. */
	atomic_init(&stripe->cells[0], 0);
}

bool index_init(struct index *index, uint64_t entry_count_max, uint32_t stripe_count, index_equal_f *equal,
		const void *context, struct error *error)
{
	CHECK(stripe_count >= 1 && stripe_count <= INDEX_STRIPES_MAX);
	CHECK((stripe_count & (stripe_count - 1)) == 0);
	/* 7/10 full at the emptiest. */
	const uint64_t share = entry_count_max / stripe_count * 10 / 7 * STRIPE_SHARE;
	const size_t rows = share / PAGE_CELLS + STRIPE_PAGES_MIN;
	*index = (struct index){.stripe_count = stripe_count, .equal = equal, .context = context};
	if (!region_reserve(&index->region, rows * stripe_count * PAGE_CELLS * sizeof(uint64_t), error)) {
		return false;
	}
	index->region.unready = true; /* but by the row, below */
	lock_init(&index->lock);
	atomic_init(&index->hurries, false);
	if (!commit_rows(index, 1, false)) {
		lock_fini(&index->lock);
		region_release(&index->region);
		return error_set(error, ERROR_NO_MEMORY, "the kernel refuses memory for %u stripes", stripe_count);
	}
	index->stripes = aligned_alloc(alignof(struct index_stripe), stripe_count * sizeof *index->stripes);
	CHECK(index->stripes != NULL);
	for (uint32_t i = 0; i < stripe_count; i++) {
		stripe_init(index, i);
	}
	return true;
}

void index_fini(struct index *index)
{
	for (uint32_t i = 0; i < index->stripe_count; i++) {
		lock_fini(&index->stripes[i].lock);
	}
	free(index->stripes);
	lock_fini(&index->lock);
	region_release(&index->region);
}

/* Looks for the key from its home on. Without the lock, a result of 0 is to be doubted. */
static uint32_t probe(const struct index *index, const struct index_stripe *stripe, uint64_t hash, const void *key)
{
	const uint32_t tag = tag_of_hash(hash);
	/* Acquire: whoever sees a new count sees the odd version it was stored under. Pairs with grow. */
	const uint32_t home_count = atomic_load_explicit(&stripe->home_count, memory_order_acquire);
	uint64_t cell;
	for (uint32_t at = home_of(tag, home_count); (cell = cell_load(stripe, at)) != 0 && tag_of(cell) <= tag; at++) {
		if (tag_of(cell) == tag && index->equal(index->context, (uint32_t)cell, key)) {
			return (uint32_t)cell;
		}
	}
	return 0;
}

uint32_t index_find(const struct index *index, uint64_t hash, const void *key)
{
	struct index_stripe *stripe = stripe_of(index, hash);
	const uint64_t version =
	    atomic_load_explicit(&stripe->version, memory_order_acquire); /* pairs with moving_end */
	uint32_t number = probe(index, stripe, hash, key);
	/* Relaxed: ordered behind the loads of the probe, which are acquire. */
	const uint64_t version_after = atomic_load_explicit(&stripe->version, memory_order_relaxed);
	if (number != 0 || (version % 2 == 0 && version == version_after)) {
		return number;
	}
	lock_take(&stripe->lock);
	number = probe(index, stripe, hash, key);
	lock_give(&stripe->lock);
	return number;
}

void index_prefetch(const struct index *index, uint64_t hash)
{
	const struct index_stripe *stripe = stripe_of(index, hash);
	/* Relaxed: a wrong guess costs a cache line. */
	const uint32_t home_count = atomic_load_explicit(&stripe->home_count, memory_order_relaxed);
	__builtin_prefetch((const void *)cell_at(stripe, home_of(tag_of_hash(hash), home_count)));
}

uint32_t index_guess(const struct index *index, uint64_t hash)
{
	const struct index_stripe *stripe = stripe_of(index, hash);
	const uint32_t tag = tag_of_hash(hash);
	/* Relaxed: as in index_prefetch. */
	uint32_t at = home_of(tag, atomic_load_explicit(&stripe->home_count, memory_order_relaxed));
	uint64_t cell;
	while ((cell = cell_load(stripe, at)) != 0 && tag_of(cell) < tag) {
		at++;
	}
	return tag_of(cell) == tag ? (uint32_t)cell : 0;
}

/* Between these two, entries may move past a reader. */
static void moving_begin(struct index_stripe *stripe) REQUIRES(stripe->lock)
{
	const uint64_t version =
	    atomic_load_explicit(&stripe->version, memory_order_relaxed); /* ours: the lock is held */
	CHECK(version % 2 == 0);
	/* Relaxed: the release of each following cell_store carries it. */
	atomic_store_explicit(&stripe->version, version + 1, memory_order_relaxed);
}

static void moving_end(struct index_stripe *stripe) REQUIRES(stripe->lock)
{
	const uint64_t version =
	    atomic_load_explicit(&stripe->version, memory_order_relaxed); /* ours: the lock is held */
	CHECK(version % 2 == 1);
	atomic_store_explicit(&stripe->version, version + 1, memory_order_release); /* pairs with index_find */
}

/* Slides all entries, in order, to the end of the larger array (before its last cell). Returns where they begin. */
static uint32_t slide_to_end(struct index_stripe *stripe, uint32_t cell_count, uint32_t cell_count_new)
{
	uint32_t to = cell_count_new - 1;
	for (uint32_t from = cell_count; from-- > 0;) {
		const uint64_t cell = cell_load(stripe, from);
		if (cell != 0) {
			cell_store(stripe, --to, cell);
			cell_store(stripe, from, 0);
		}
	}
	return to;
}

/* Would all entries from `from` on, each dealt to its home or behind its neighbour, leave the last cell empty? */
static bool fits(const struct index_stripe *stripe, uint32_t from, uint32_t home_count)
{
	const uint32_t last = home_count + TAIL_CELLS - 1;
	uint32_t next = 0;
	for (uint32_t at = from; at < last; at++) {
		const uint32_t home = home_of(tag_of(cell_load(stripe, at)), home_count);
		next = (home > next ? home : next) + 1;
	}
	return next <= last;
}

/* Deals the entries out from the front. None overtakes the reading: packed at the end is as far back as they can be. */
static void deal_out(struct index_stripe *stripe, uint32_t from, uint32_t home_count)
{
	const uint32_t last = home_count + TAIL_CELLS - 1;
	uint32_t next = 0;
	for (uint32_t at = from; at < last; at++) {
		const uint64_t cell = cell_load(stripe, at);
		const uint32_t home = home_of(tag_of(cell), home_count);
		const uint32_t to = home > next ? home : next;
		CHECK(to <= at);
		cell_store(stripe, at, 0);
		cell_store(stripe, to, cell);
		next = to + 1;
	}
}

static bool index_hurries(const struct index *index)
{
	return atomic_load_explicit(&index->hurries, memory_order_relaxed); /* only a matter of memory */
}

/* A quarter more, or as much again, in whole pages. */
static uint32_t larger(const struct index *index, uint32_t cell_count)
{
	const uint32_t more = index_hurries(index) ? cell_count : cell_count / 4;
	return (cell_count + more + PAGE_CELLS - 1) / PAGE_CELLS * PAGE_CELLS;
}

static void grow(struct index *index, struct index_stripe *stripe) REQUIRES(stripe->lock)
{
	moving_begin(stripe);
	uint32_t cell_count = home_count_of(stripe) + TAIL_CELLS;
	uint32_t begin;
	do {
		const uint32_t cell_count_new = larger(index, cell_count);
		CHECK(commit_rows(index, cell_count_new / PAGE_CELLS, false));
		begin = slide_to_end(stripe, cell_count, cell_count_new);
		cell_count = cell_count_new;
	} while (!fits(stripe, begin, cell_count - TAIL_CELLS));
	deal_out(stripe, begin, cell_count - TAIL_CELLS);
	/* Release: pairs with probe. */
	atomic_store_explicit(&stripe->home_count, cell_count - TAIL_CELLS, memory_order_release);
	moving_end(stripe);
}

/* Where an entry of this tag goes: behind all of the same tag. */
static uint32_t place_of(const struct index_stripe *stripe, uint32_t tag)
{
	uint32_t at = home_of(tag, home_count_of(stripe));
	uint64_t cell;
	while ((cell = cell_load(stripe, at)) != 0 && tag_of(cell) <= tag) {
		at++;
	}
	return at;
}

/* Puts the cell in its place, moving what is there back to the next empty cell. False if that is the last one. */
static bool place(struct index_stripe *stripe, uint64_t cell) REQUIRES(stripe->lock)
{
	const uint32_t at = place_of(stripe, tag_of(cell));
	uint32_t empty = at;
	while (cell_load(stripe, empty) != 0) {
		empty++;
	}
	if (empty == home_count_of(stripe) + TAIL_CELLS - 1) {
		return false;
	}
	for (; empty > at; empty--) {
		cell_store(stripe, empty, cell_load(stripe, empty - 1));
	}
	cell_store(stripe, at, cell);
	stripe->count++;
	return true;
}

uint32_t index_stripe_put(struct index *index, struct index_stripe *stripe, uint64_t hash, const void *key,
			  uint32_t number)
{
	CHECK(number != 0);
	const uint32_t there = probe(index, stripe, hash, key);
	if (there != 0) {
		return there;
	}
	const uint64_t homes = home_count_of(stripe);
	if ((uint64_t)stripe->count * 8 >= homes * 7) {
		grow(index, stripe);
	} else if ((uint64_t)stripe->count * 32 >= homes * 27 && !index_hurries(index)) {
		/* If it is refused, grow sees to it. */
		(void)commit_rows(index, larger(index, (uint32_t)homes + TAIL_CELLS) / PAGE_CELLS, true);
	}
	while (!place(stripe, cell_of(hash, number))) {
		grow(index, stripe);
	}
	return number;
}

uint32_t index_insert(struct index *index, uint64_t hash, const void *key, uint32_t number)
{
	struct index_stripe *stripe = stripe_of(index, hash);
	lock_take(&stripe->lock);
	const uint32_t there = index_stripe_put(index, stripe, hash, key, number);
	lock_give(&stripe->lock);
	return there;
}

void index_expect(struct index *index, uint64_t count)
{
	/* As full as an array is on average that has grown. */
	const uint64_t cells = count / index->stripe_count * 5 / 4 + TAIL_CELLS;
	const uint64_t pages = (cells + PAGE_CELLS - 1) / PAGE_CELLS;
	if (!commit_rows(index, (size_t)pages, false)) {
		return;
	}
	for (uint32_t i = 0; i < index->stripe_count; i++) {
		struct index_stripe *stripe = &index->stripes[i];
		const uint32_t home_count = (uint32_t)(pages * PAGE_CELLS) - TAIL_CELLS;
		lock_take(&stripe->lock);
		if (stripe->count == 0 && home_count > home_count_of(stripe)) {
			atomic_store_explicit(&stripe->home_count, home_count,
					      memory_order_release); /* pairs with probe */
		}
		lock_give(&stripe->lock);
	}
}

void index_remove(struct index *index, uint64_t hash, uint32_t number)
{
	struct index_stripe *stripe = stripe_of(index, hash);
	const uint64_t wanted = cell_of(hash, number);
	lock_take(&stripe->lock);
	uint32_t at = home_of(tag_of_hash(hash), home_count_of(stripe));
	for (uint64_t cell; (cell = cell_load(stripe, at)) != wanted; at++) {
		CHECK(cell != 0);
		CHECK(tag_of(cell) <= tag_of(wanted));
	}
	moving_begin(stripe);
	/* Those behind move up, as far as none comes before its home. */
	for (uint64_t next; (next = cell_load(stripe, at + 1)) != 0; at++) {
		if (home_of(tag_of(next), home_count_of(stripe)) == at + 1) {
			break;
		}
		cell_store(stripe, at, next);
	}
	cell_store(stripe, at, 0);
	stripe->count--;
	moving_end(stripe);
	lock_give(&stripe->lock);
}

void index_hurry(struct index *index, bool hurries)
{
	atomic_store_explicit(&index->hurries, hurries, memory_order_relaxed);
}

void index_rest(struct index *index, bool rests)
{
	lock_rest(&index->lock, rests);
	for (uint32_t i = 0; i < index->stripe_count; i++) {
		lock_rest(&index->stripes[i].lock, rests);
	}
}

static void stripe_each(struct index_stripe *stripe, index_visit_f *visit, void *context)
{
	lock_take(&stripe->lock);
	const uint32_t home_count = home_count_of(stripe);
	uint32_t found = 0;
	uint64_t before = 0;
	for (uint32_t at = 0; at < home_count + TAIL_CELLS - 1; at++) {
		const uint64_t cell = cell_load(stripe, at);
		if (cell != 0) {
			const uint32_t home = home_of(tag_of(cell), home_count);
			CHECK(home == at || (home < at && cell_load(stripe, at - 1) != 0));
			CHECK(tag_of(before) <= tag_of(cell));
			visit(context, (uint32_t)cell);
			before = cell;
			found++;
		}
	}
	CHECK(cell_load(stripe, home_count + TAIL_CELLS - 1) == 0);
	CHECK(found == stripe->count);
	lock_give(&stripe->lock);
}

void index_each(const struct index *index, index_visit_f *visit, void *context)
{
	for (uint32_t i = 0; i < index->stripe_count; i++) {
		stripe_each(&index->stripes[i], visit, context);
	}
}
