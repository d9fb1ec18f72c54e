/*
 * Proves: after any updates a source is busy in exactly the minutes that the last update of each said, and in no other, an
 * older generation changing nothing; the accounts of memory balance; what is forgotten stays so; a walk gives every source
 * once.
 *
 * Method: random updates, compared with a model that has a bit for each minute; examples for limits and outcomes.
 */
#include <criterion/criterion.h>
#include <sim/prng.h>
#include <slot/busy.h>

#define MINUTES 400
#define SOURCES 3

static uint64_t next_lsn(void *context)
{
	return ++*(uint64_t *)context;
}

struct fixture {
	struct memory memory;
	struct busy busy;
	uint64_t lsn;
};

static void init(struct fixture *fixture, uint64_t limit)
{
	memory_init(&fixture->memory, limit);
	busy_init(&fixture->busy, &fixture->memory);
	fixture->lsn = 0;
}

static const struct busy_limits wide = {.sources = BUSY_SOURCES_MAX, .intervals = BUSY_INTERVALS_MAX};

static enum busy_outcome update(struct fixture *fixture, uint32_t psychologist, const char *source, uint64_t generation,
				uint32_t from, uint32_t to, const struct busy_interval *intervals, uint32_t count,
				const struct busy_limits *limits)
{
	uint64_t lsn;
	const struct busy_update update = {.psychologist = psychologist,
					   .source = span_of(source),
					   .generation = generation,
					   .at_ms = generation,
					   .window = {from, to},
					   .intervals = intervals,
					   .count = count};
	return busy_update(&fixture->busy, &update, limits, next_lsn, &fixture->lsn, &lsn);
}

static bool is_busy(struct fixture *fixture, uint32_t psychologist, uint32_t start, uint32_t end)
{
	uint64_t lsn = 0;
	const bool busy = busy_find(&fixture->busy, psychologist, start, end, &lsn);
	cr_assert_eq(busy, lsn != 0);
	return busy;
}

/* Intervals in order inside the window, and what the model has of them. */
static uint32_t random_intervals(struct prng *prng, uint32_t from, uint32_t to, struct busy_interval *intervals,
				 bool *model)
{
	uint32_t count = 0;
	memset(model + from, 0, to - from);
	for (uint32_t at = from + prng_below(prng, 20); at < to;) {
		const uint32_t most = to - at;
		const uint32_t end = at + 1 + prng_below(prng, most < 30 ? most : 30);
		intervals[count++] = (struct busy_interval){at, end};
		memset(model + at, 1, end - at);
		at = end + prng_below(prng, 25);
	}
	return count;
}

Test(busy, is_what_the_last_updates_said_minute_by_minute)
{
	static struct fixture fixture;
	static const char *const names[SOURCES] = {"google", "outlook", "apple"};
	for (uint64_t seed = 1; seed <= 60; seed++) {
		bool model[SOURCES][MINUTES] = {0};
		uint64_t generations[SOURCES] = {0};
		uint32_t forgotten = 0;
		struct prng prng = {seed};
		init(&fixture, 1 << 20);
		for (uint32_t round = 0; round < 40; round++) {
			struct busy_interval intervals[MINUTES];
			bool wanted[MINUTES];
			const uint32_t source = prng_below(&prng, SOURCES);
			const uint32_t from = prng_below(&prng, MINUTES - 1);
			const uint32_t to = from + 1 + prng_below(&prng, MINUTES - from);
			const uint64_t generation = prng_below(&prng, 20);
			memcpy(wanted, model[source], sizeof wanted);
			const uint32_t count = random_intervals(&prng, from, to, intervals, wanted);
			const enum busy_outcome outcome =
			    update(&fixture, 7, names[source], generation, from, to, intervals, count, &wide);
			cr_assert_eq(outcome == BUSY_OLD, generation < generations[source]);
			if (outcome != BUSY_OLD) {
				memcpy(model[source], wanted, sizeof wanted);
				generations[source] = generation;
			}
			if (prng_one_in(&prng, 20)) {
				forgotten += prng_below(&prng, 40);
				busy_forget(&fixture.busy, forgotten);
			}
			for (uint32_t at = forgotten; at < MINUTES; at++) {
				const bool expected = model[0][at] || model[1][at] || model[2][at];
				cr_assert_eq(is_busy(&fixture, 7, at, at + 1), expected, "seed %llu, minute %u",
					     (unsigned long long)seed, at);
			}
			cr_assert_not(is_busy(&fixture, 7 + BUSY_STRIPES, 0, MINUTES), "a neighbour of the stripe");
		}
		busy_forget(&fixture.busy, MINUTES);
		cr_assert_not(is_busy(&fixture, 7, 0, MINUTES));
		cr_assert_eq(atomic_load_explicit(&fixture.busy.intervals, memory_order_relaxed), 0);
		busy_fini(&fixture.busy);
	}
}

Test(busy, touching_intervals_are_one_and_ends_are_not_busy)
{
	static struct fixture fixture;
	const struct busy_interval intervals[] = {{100, 160}, {160, 200}, {300, 301}};
	init(&fixture, 1 << 20);
	cr_assert_eq(update(&fixture, 1, "google", 1, 0, 1000, intervals, 3, &wide), BUSY_CHANGED);
	cr_assert_eq(atomic_load_explicit(&fixture.busy.intervals, memory_order_relaxed), 2);
	cr_assert_not(is_busy(&fixture, 1, 50, 100));
	cr_assert(is_busy(&fixture, 1, 50, 101));
	cr_assert(is_busy(&fixture, 1, 199, 250));
	cr_assert_not(is_busy(&fixture, 1, 200, 300));
	/* A window in the middle of one cuts it in two. */
	cr_assert_eq(update(&fixture, 1, "google", 1, 120, 130, NULL, 0, &wide), BUSY_CHANGED);
	cr_assert_eq(atomic_load_explicit(&fixture.busy.intervals, memory_order_relaxed), 3);
	cr_assert_not(is_busy(&fixture, 1, 120, 130));
	cr_assert(is_busy(&fixture, 1, 119, 120));
	cr_assert(is_busy(&fixture, 1, 130, 131));
	busy_fini(&fixture.busy);
}

Test(busy, said_again_it_stands_and_appends_nothing)
{
	static struct fixture fixture;
	const struct busy_interval interval = {100, 160};
	init(&fixture, 1 << 20);
	cr_assert_eq(update(&fixture, 1, "google", 5, 0, 1000, &interval, 1, &wide), BUSY_CHANGED);
	cr_assert_eq(update(&fixture, 1, "google", 5, 0, 1000, &interval, 1, &wide), BUSY_STANDS);
	cr_assert_eq(update(&fixture, 1, "google", 4, 0, 1000, NULL, 0, &wide), BUSY_OLD);
	cr_assert_eq(fixture.lsn, 1);
	cr_assert_eq(update(&fixture, 1, "google", 6, 0, 1000, &interval, 1, &wide), BUSY_CHANGED, "synced again");
	cr_assert_eq(fixture.lsn, 2);
	busy_fini(&fixture.busy);
}

Test(busy, limits_refuse_and_leave_everything_as_it_was)
{
	static struct fixture fixture;
	const struct busy_limits narrow = {.sources = 1, .intervals = 2};
	const struct busy_interval intervals[] = {{1, 2}, {3, 4}, {5, 6}};
	init(&fixture, 1 << 20);
	cr_assert_eq(update(&fixture, 1, "google", 1, 0, 9, intervals, 3, &narrow), BUSY_INTERVALS);
	cr_assert_eq(update(&fixture, 1, "google", 1, 0, 9, intervals, 2, &narrow), BUSY_CHANGED);
	cr_assert_eq(update(&fixture, 1, "outlook", 1, 0, 9, intervals, 2, &narrow), BUSY_SOURCES);
	cr_assert_eq(update(&fixture, 2, "outlook", 1, 0, 9, intervals, 2, &narrow), BUSY_CHANGED, "another's");
	const uint64_t used = atomic_load_explicit(&fixture.memory.used, memory_order_relaxed);
	while (memory_take(&fixture.memory, 1)) {
	}
	cr_assert_eq(update(&fixture, 3, "google", 1, 0, 9, intervals, 2, &wide), BUSY_NO_MEMORY);
	cr_assert_eq(fixture.lsn, 2, "nothing was appended for what was refused");
	cr_assert_eq(atomic_load_explicit(&fixture.busy.sources, memory_order_relaxed), 2);
	cr_assert_eq(update(&fixture, 3, "google", 1, 0, 9, intervals, 2, NULL), BUSY_CHANGED, "replay asks no limit");
	cr_assert_gt(atomic_load_explicit(&fixture.memory.used, memory_order_relaxed), used);
	busy_fini(&fixture.busy);
}

struct seen {
	uint32_t count;
	uint32_t most; /* then the walk pauses */
	bool psychologists[200][2];
};

static bool see(void *context, uint32_t psychologist, const struct busy_source *source)
{
	struct seen *seen = context;
	const bool first = source->name[0] == 'a';
	if (seen->most == 0) {
		return false;
	}
	cr_assert_not(seen->psychologists[psychologist][first], "seen twice");
	seen->psychologists[psychologist][first] = true;
	seen->count++;
	seen->most--;
	return true;
}

Test(busy, a_walk_in_pieces_gives_every_source_once)
{
	static struct fixture fixture;
	for (uint32_t piece = 1; piece < 9; piece++) {
		init(&fixture, 1 << 20);
		for (uint32_t psychologist = 1; psychologist < 200; psychologist++) {
			update(&fixture, psychologist, "a", 1, 0, 9, NULL, 0, &wide);
			update(&fixture, psychologist, "b", 1, 0, 9, NULL, 0, &wide);
		}
		struct seen seen = {0};
		struct busy_cursor cursor = {0};
		do {
			seen.most = piece;
		} while (!busy_walk(&fixture.busy, &cursor, see, &seen));
		cr_assert_eq(seen.count, 2 * 199);
		busy_fini(&fixture.busy);
	}
}

Test(busy, a_copy_that_is_put_replaces_its_source)
{
	static struct fixture fixture;
	struct busy_interval intervals[] = {{10, 20}};
	init(&fixture, 1 << 20);
	update(&fixture, 1, "google", 3, 0, 100, &(struct busy_interval){50, 60}, 1, &wide);
	const struct busy_source copy = {
	    .name = "google", .name_size = 6, .generation = 9, .lsn = 5, .intervals = intervals, .count = 1};
	cr_assert(busy_put(&fixture.busy, 1, &copy));
	cr_assert(is_busy(&fixture, 1, 19, 20));
	cr_assert_not(is_busy(&fixture, 1, 50, 60));
	cr_assert_eq(update(&fixture, 1, "google", 8, 0, 100, NULL, 0, &wide), BUSY_OLD);
	busy_fini(&fixture.busy);
}
