/*
 * index: lines of cells under striped locks, read without them. See base/index.h for the idea.
 *
 * Invariants of a stripe, outside of writers:
 *   - an entry is in its home line or behind it;
 *   - a line's count says how many entries are behind it whose home it is, or is before it.
 *
 * Why a reader without the lock may believe what it finds. Numbers are stored with release and loaded with acquire, so
 * whoever sees a number also sees the record it was inserted with.
 *
 *   A hit needs no more: `equal` looked at the record itself.
 *
 *   A miss while others insert and remove. An entry that was in before the reader came, and stays, does not move, and is
 *   counted by each line it passed from before it was in until after it has gone. So the reader comes to its line and sees
 *   its tag, as whoever asks for what was inserted has seen that it was (a lock, or the number in another record).
 *
 *   A cell may be emptied and filled by another while a reader is at it, so that it sees the tag of one and the number of the
 *   other. Neither is what it looks for, or `equal` says so: what it looks for is in another cell, or was not in all the time.
 *
 *   A miss while a stripe grows. Now entries do move, past the reader:
 *
 *       reader, looking for x                    writer, growing
 *       at the home of x: only others
 *                                                x goes from the next line to its new home
 *       at the next line: others, nobody passed
 *       "there is no x"
 *
 *   That is what the version is for: the writer makes it odd before the first such store. A reader that saw any of
 *   these stores (acquire) sees that version or a later one when it looks again (ordered behind the acquire load), and
 *   asks under the lock. A fence would say the same in one word, but ThreadSanitizer does not understand fences; on x86
 *   these loads and stores are plain ones anyway.
 *
 *   The array stays where it is, so a reader with the old count of lines looks in the wrong places, but at lines.
 */
#include "index_stripe.h"

#include <assert.h>
#include <base/check.h>
#include <base/ready.h>
#include <stdlib.h>

/* Lines come by the page, of 1 KiB. As many rows as a huge page has room for, with the usual number of stripes, are there from
 * the start, so that they are one. */
#define PAGE_LINES 16
#define FIRST_ROWS 4
static_assert(sizeof(struct index_line) == 64, "a cache line");
static_assert(sizeof(struct index_stripe) == 64, "a cache line");

/* Less is not worth the trouble of making it ready. */
#define HUGE_PAGE ((size_t)2 << 20)

/* Pages a stripe has address space for at least, and times its fair share: hashes spread keys evenly, not exactly. */
#define STRIPE_PAGES_MIN 256
#define STRIPE_SHARE     2

#define TAG_BITS      16
#define TAGS_PER_WORD 4
#define EACH_TAG      UINT64_C(0x0001000100010001)
#define PASSED_SHIFT  32

static inline uint16_t tag_of(uint64_t hash)
{
	return (uint16_t)(hash >> 48);
}

/* Spreads tags evenly over the lines. */
static inline uint32_t home_of(uint16_t tag, uint32_t line_count)
{
	return (uint32_t)((uint64_t)tag * line_count >> TAG_BITS);
}

static inline struct index_line *line_at(const struct index *index, const struct index_stripe *stripe, uint32_t line)
{
	const size_t page = (size_t)(stripe - index->stripes) * PAGE_LINES;
	return &index->lines[page + line / PAGE_LINES * index->row_lines + line % PAGE_LINES];
}

/* The first comes after the last. */
static inline uint32_t line_after(uint32_t line, uint32_t line_count)
{
	return line + 1 < line_count ? line + 1 : 0;
}

static inline struct index_stripe *stripe_of(const struct index *index, uint64_t hash)
{
	return &index->stripes[index_stripe_number(index, hash)];
}

/* Under the lock, so relaxed would do. */
static uint32_t line_count_of(const struct index_stripe *stripe)
{
	return atomic_load_explicit(&stripe->line_count, memory_order_relaxed);
}

/* Makes so many pages of each stripe usable; `ahead` of their use, ready too, if they are huge ones. */
static bool commit_rows(struct index *index, size_t rows, bool ahead)
{
	/* Relaxed: what is committed stays so. */
	if (rows <= atomic_load_explicit(&index->rows, memory_order_relaxed)) {
		return true;
	}
	lock_take(&index->lock);
	struct region *region = &index->region;
	const size_t row_size = index->row_lines * sizeof(struct index_line);
	const size_t before = region->committed;
	const bool committed = region_commit(region, rows * row_size);
	const size_t added = region->committed - before;
	if (committed) {
		/* A huge page may be several rows. */
		atomic_store_explicit(&index->rows, region->committed / row_size, memory_order_relaxed);
	}
	if (ahead && added >= HUGE_PAGE) {
		ready_ask(region->base + before, added);
	}
	lock_give(&index->lock);
	return committed;
}

static void stripe_init(const struct index *index, uint32_t number)
{
	struct index_stripe *stripe = &index->stripes[number];
	stripe->count = 0;
	atomic_init(&stripe->version, 0);
	atomic_init(&stripe->line_count, PAGE_LINES);
	lock_init(&stripe->lock);
	/* Touched now: the first claim in each stripe would else wait for a page. */
	atomic_init(&line_at(index, stripe, 0)->numbers[0], 0);
}

bool index_init(struct index *index, uint64_t entry_count_max, uint32_t stripe_count, index_equal_f *equal,
		const void *context, struct error *error)
{
	CHECK(stripe_count >= 1 && stripe_count <= INDEX_STRIPES_MAX);
	CHECK((stripe_count & (stripe_count - 1)) == 0);
	/* 72/100 full at the emptiest. */
	const uint64_t share = entry_count_max / stripe_count * 100 / 72 * STRIPE_SHARE;
	const size_t rows = share / (PAGE_LINES * INDEX_LINE_CELLS) + STRIPE_PAGES_MIN;
	*index = (struct index){.stripe_count = stripe_count,
				.row_lines = (size_t)stripe_count * PAGE_LINES,
				.equal = equal,
				.context = context};
	if (!region_reserve(&index->region, rows * index->row_lines * sizeof(struct index_line), error)) {
		return false;
	}
	index->region.unready = true; /* but by the row, below */
	lock_init(&index->lock);
	if (!commit_rows(index, FIRST_ROWS, false)) {
		lock_fini(&index->lock);
		region_release(&index->region);
		return error_set(error, ERROR_NO_MEMORY, "the kernel refuses memory for %u stripes", stripe_count);
	}
	index->stripes = aligned_alloc(alignof(struct index_stripe), stripe_count * sizeof *index->stripes);
	CHECK(index->stripes != NULL);
	index->lines = (struct index_line *)(void *)index->region.base;
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

/* The highest bit of each tag that is this one; perhaps also of some above one that is, which `equal` tells. */
static inline uint64_t matches(uint64_t tags, uint16_t tag)
{
	const uint64_t differ = tags ^ tag * EACH_TAG;
	return (differ - EACH_TAG) & ~differ & EACH_TAG << (TAG_BITS - 1);
}

/* The cell of a line that has this tag and, if `key` is given, whose record has the key; 0 if none. */
static inline uint32_t look(const struct index *index, const struct index_line *line, uint16_t tag, const void *key,
			    uint32_t *passed)
{
	/* Unrolled, as is the search for an empty cell: there is little else to a look. */
#pragma GCC unroll 3
	for (uint32_t word = 0; word < INDEX_TAG_WORDS; word++) {
		/* Acquire, as the number's; pairs with put. */
		const uint64_t tags = atomic_load_explicit(&line->tags[word], memory_order_acquire);
		uint64_t found = matches(tags, tag);
		if (word == INDEX_TAG_WORDS - 1) {
			*passed = (uint32_t)(tags >> PASSED_SHIFT);
			found = (uint32_t)found;
		}
		for (; found != 0; found &= found - 1) {
			const uint32_t cell = word * TAGS_PER_WORD + (uint32_t)__builtin_ctzll(found) / TAG_BITS;
			const uint32_t number = atomic_load_explicit(&line->numbers[cell], memory_order_acquire);
			if (number != 0 && (key == NULL || index->equal(index->context, number, key))) {
				return number;
			}
		}
	}
	return 0;
}

/* Looks for the key from its home on. Without the lock, a result of 0 is to be doubted. */
static uint32_t probe(const struct index *index, const struct index_stripe *stripe, uint64_t hash, const void *key)
{
	const uint16_t tag = tag_of(hash);
	/* Acquire: whoever sees a new count sees the odd version it was stored under. Pairs with grow. */
	const uint32_t line_count = atomic_load_explicit(&stripe->line_count, memory_order_acquire);
	uint32_t at = home_of(tag, line_count);
	for (uint32_t looks = 0; looks < line_count; looks++, at = line_after(at, line_count)) {
		uint32_t passed = 0;
		const uint32_t number = look(index, line_at(index, stripe, at), tag, key, &passed);
		if (number != 0 || passed == 0) {
			return number;
		}
	}
	return 0;
}

uint32_t index_find(const struct index *index, uint64_t hash, const void *key)
{
	struct index_stripe *stripe = stripe_of(index, hash);
	const uint64_t version = atomic_load_explicit(&stripe->version, memory_order_acquire); /* pairs with grow */
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
	const uint32_t line_count = atomic_load_explicit(&stripe->line_count, memory_order_relaxed);
	__builtin_prefetch(line_at(index, stripe, home_of(tag_of(hash), line_count)));
}

uint32_t index_guess(const struct index *index, uint64_t hash)
{
	return probe(index, stripe_of(index, hash), hash, NULL);
}

/* Adds to how many entries passed the line. Lock held. */
static void count_passed(struct index_line *line, int64_t add)
{
	_Atomic uint64_t *word = &line->tags[INDEX_TAG_WORDS - 1];
	/* Relaxed: ours, under the lock. */
	const uint64_t before = atomic_load_explicit(word, memory_order_relaxed);
	CHECK(add > 0 || before >> PASSED_SHIFT != 0);
	atomic_store_explicit(word, before + ((uint64_t)add << PASSED_SHIFT),
			      memory_order_release); /* pairs with look */
}

/* An empty cell of the line; INDEX_LINE_CELLS if there is none. */
static uint32_t empty_cell(const struct index_line *line)
{
	uint32_t empty = INDEX_LINE_CELLS;
	/* Relaxed: ours, under the lock. Without a branch, which nobody could predict. */
#pragma GCC unroll 10
	for (uint32_t cell = INDEX_LINE_CELLS; cell-- > 0;) {
		const uint32_t number = atomic_load_explicit(&line->numbers[cell], memory_order_relaxed);
		empty = number == 0 ? cell : empty;
	}
	return empty;
}

static void fill(struct index_line *line, uint32_t cell, uint16_t tag, uint32_t number)
{
	_Atomic uint64_t *word = &line->tags[cell / TAGS_PER_WORD];
	const uint32_t shift = cell % TAGS_PER_WORD * TAG_BITS;
	/* Relaxed: ours, under the lock. */
	const uint64_t others = atomic_load_explicit(word, memory_order_relaxed) & ~(UINT64_C(0xffff) << shift);
	/* Release, both; pairs with look. */
	atomic_store_explicit(word, others | (uint64_t)tag << shift, memory_order_release);
	atomic_store_explicit(&line->numbers[cell], number, memory_order_release);
}

struct entry {
	uint32_t number;
	uint16_t tag;
};

/* Puts all into lines that are empty. `filled` says how many cells of each are taken: zeros. */
static void put_all(struct index *index, struct index_stripe *stripe, const struct entry *entries, uint8_t *filled)
    REQUIRES(stripe->lock)
{
	const uint32_t line_count = line_count_of(stripe);
	for (uint32_t i = 0; i < stripe->count; i++) {
		uint32_t at = home_of(entries[i].tag, line_count);
		for (; filled[at] == INDEX_LINE_CELLS; at = line_after(at, line_count)) {
			count_passed(line_at(index, stripe, at), 1);
		}
		fill(line_at(index, stripe, at), filled[at]++, entries[i].tag, entries[i].number);
	}
}

/* Puts it in the first empty cell from its home on. There is one. */
static void put(struct index *index, struct index_stripe *stripe, uint16_t tag, uint32_t number) REQUIRES(stripe->lock)
{
	const uint32_t line_count = line_count_of(stripe);
	uint32_t at = home_of(tag, line_count);
	for (;;) {
		struct index_line *line = line_at(index, stripe, at);
		const uint32_t cell = empty_cell(line);
		if (cell < INDEX_LINE_CELLS) {
			fill(line, cell, tag, number);
			return;
		}
		count_passed(line, 1);
		at = line_after(at, line_count);
	}
}

/* Relaxed: under the lock. */
static struct entry entry_at(const struct index_line *line, uint32_t cell)
{
	const uint64_t tags = atomic_load_explicit(&line->tags[cell / TAGS_PER_WORD], memory_order_relaxed);
	return (struct entry){
	    .number = atomic_load_explicit(&line->numbers[cell], memory_order_relaxed),
	    .tag = (uint16_t)(tags >> cell % TAGS_PER_WORD * TAG_BITS),
	};
}

/* Takes all entries out. Returns how many. */
static uint32_t take_all(struct index *index, struct index_stripe *stripe, struct entry *entries) REQUIRES(stripe->lock)
{
	uint32_t count = 0;
	for (uint32_t at = 0; at < line_count_of(stripe); at++) {
		struct index_line *line = line_at(index, stripe, at);
		for (uint32_t cell = 0; cell < INDEX_LINE_CELLS; cell++) {
			entries[count] = entry_at(line, cell);
			count += entries[count].number != 0;
			/* Release, both; pairs with look. */
			atomic_store_explicit(&line->numbers[cell], 0, memory_order_release);
		}
		atomic_store_explicit(&line->tags[INDEX_TAG_WORDS - 1], 0, memory_order_release);
	}
	return count;
}

static bool index_hurries(const struct index *index)
{
	return atomic_load_explicit(&index->hurries, memory_order_relaxed); /* only a matter of memory */
}

static uint32_t whole_pages(uint64_t lines)
{
	return (uint32_t)((lines + PAGE_LINES - 1) / PAGE_LINES * PAGE_LINES);
}

/* A quarter more, or as much again, in whole pages. */
static uint32_t larger(const struct index *index, uint32_t line_count)
{
	return whole_pages(line_count + (index_hurries(index) ? line_count : line_count / 4));
}

static void grow(struct index *index, struct index_stripe *stripe) REQUIRES(stripe->lock)
{
	const uint32_t line_count_new = larger(index, line_count_of(stripe));
	/* One more, which take_all may write to. */
	struct entry *entries = malloc((stripe->count + 1) * sizeof *entries);
	uint8_t *filled = calloc(line_count_new, 1);
	CHECK(entries != NULL && filled != NULL && commit_rows(index, line_count_new / PAGE_LINES, false));
	const uint64_t version =
	    atomic_load_explicit(&stripe->version, memory_order_relaxed); /* ours: the lock is held */
	CHECK(version % 2 == 0);
	/* Relaxed: the release of each following store carries it. */
	atomic_store_explicit(&stripe->version, version + 1, memory_order_relaxed);
	const uint32_t count = take_all(index, stripe, entries);
	CHECK(count == stripe->count);
	atomic_store_explicit(&stripe->line_count, line_count_new, memory_order_release); /* pairs with probe */
	put_all(index, stripe, entries, filled);
	atomic_store_explicit(&stripe->version, version + 2, memory_order_release); /* pairs with index_find */
	free(filled);
	free(entries);
}

uint32_t index_stripe_put(struct index *index, struct index_stripe *stripe, uint64_t hash, const void *key,
			  uint32_t number)
{
	CHECK(number != 0);
	const uint32_t there = probe(index, stripe, hash, key);
	if (there != 0) {
		return there;
	}
	const uint32_t line_count = line_count_of(stripe);
	/* 90/100 of the cells, which are ten to a line. */
	if (stripe->count * UINT64_C(10) >= line_count * UINT64_C(90)) {
		grow(index, stripe);
	} else if (stripe->count * UINT64_C(10) >= line_count * UINT64_C(87) && !index_hurries(index)) {
		/* If it is refused, grow sees to it. */
		(void)commit_rows(index, larger(index, line_count) / PAGE_LINES, true);
	}
	put(index, stripe, tag_of(hash), number);
	stripe->count++;
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
	const uint64_t cells = count / index->stripe_count * 5 / 4;
	const uint32_t line_count = whole_pages(cells / INDEX_LINE_CELLS + 1);
	if (!commit_rows(index, line_count / PAGE_LINES, false)) {
		return;
	}
	for (uint32_t i = 0; i < index->stripe_count; i++) {
		struct index_stripe *stripe = &index->stripes[i];
		lock_take(&stripe->lock);
		if (stripe->count == 0 && line_count > line_count_of(stripe)) {
			atomic_store_explicit(&stripe->line_count, line_count,
					      memory_order_release); /* pairs with probe */
		}
		lock_give(&stripe->lock);
	}
}

/* Empties the cell of this number, if it is in the line. */
static bool empty(struct index_line *line, uint32_t number)
{
	for (uint32_t cell = 0; cell < INDEX_LINE_CELLS; cell++) {
		/* Relaxed: ours, under the lock. */
		if (atomic_load_explicit(&line->numbers[cell], memory_order_relaxed) == number) {
			atomic_store_explicit(&line->numbers[cell], 0, memory_order_release); /* pairs with look */
			return true;
		}
	}
	return false;
}

void index_remove(struct index *index, uint64_t hash, uint32_t number)
{
	struct index_stripe *stripe = stripe_of(index, hash);
	lock_take(&stripe->lock);
	const uint32_t line_count = line_count_of(stripe);
	const uint32_t home = home_of(tag_of(hash), line_count);
	uint32_t last = home;
	for (uint32_t looks = 0; !empty(line_at(index, stripe, last), number); looks++) {
		CHECK(looks < line_count);
		last = line_after(last, line_count);
	}
	/* Only now: as long as it is in, it is counted. */
	for (uint32_t at = home; at != last; at = line_after(at, line_count)) {
		count_passed(line_at(index, stripe, at), -1);
	}
	stripe->count--;
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

/* Visits the entries of a line; returns how many lines they have passed. */
static uint64_t line_each(const struct index *index, struct index_stripe *stripe, uint32_t at, index_visit_f *visit,
			  void *context, uint32_t *found)
{
	const uint32_t line_count = line_count_of(stripe);
	uint64_t passed = 0;
	for (uint32_t cell = 0; cell < INDEX_LINE_CELLS; cell++) {
		const struct entry entry = entry_at(line_at(index, stripe, at), cell);
		if (entry.number == 0) {
			continue;
		}
		for (uint32_t line = home_of(entry.tag, line_count); line != at; line = line_after(line, line_count)) {
			const struct index_line *before = line_at(index, stripe, line);
			CHECK(atomic_load_explicit(&before->tags[INDEX_TAG_WORDS - 1], memory_order_relaxed) >>
			      PASSED_SHIFT);
			passed++;
		}
		visit(context, entry.number);
		++*found;
	}
	return passed;
}

static void stripe_each(const struct index *index, struct index_stripe *stripe, index_visit_f *visit, void *context)
{
	uint64_t passed = 0;
	uint64_t counted = 0;
	uint32_t found = 0;
	lock_take(&stripe->lock);
	for (uint32_t at = 0; at < line_count_of(stripe); at++) {
		const struct index_line *line = line_at(index, stripe, at);
		counted += atomic_load_explicit(&line->tags[INDEX_TAG_WORDS - 1], memory_order_relaxed) >> PASSED_SHIFT;
		passed += line_each(index, stripe, at, visit, context, &found);
	}
	CHECK(passed == counted);
	CHECK(found == stripe->count);
	lock_give(&stripe->lock);
}

void index_each(const struct index *index, index_visit_f *visit, void *context)
{
	for (uint32_t i = 0; i < index->stripe_count; i++) {
		stripe_each(index, &index->stripes[i], visit, context);
	}
}
