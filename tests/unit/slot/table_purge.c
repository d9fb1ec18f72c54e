/*
 * Proves: behind the purge horizon nothing is found, whether reclaimed or not, and what is missing depends on the purge
 * [I2]; reclaiming in slices takes everything of those days and nothing else; ids are not given out again; purging goes
 * on correctly while other threads book, cancel and look at the days it takes. Method: examples, and two threads.
 */
#include "fixture.h"
#include <pthread.h>
#include <slot/image.h>

static uint64_t day_key(const struct fixture *fixture, uint16_t day, uint16_t minute)
{
	return key_make(fixture->lee, day, minute);
}

Test(table_purge, behind_the_horizon_nothing_is_found)
{
	static struct fixture fixture;
	static uint32_t slots[TABLE_DAY_SLOTS_MAX];
	fixture_init(&fixture, 16 << 20);
	const uint64_t key = day_key(&fixture, 99, 600);
	fixture_open(&fixture, key, 50);
	const uint64_t id = fixture_book(&fixture, key, 1);
	table_purge_horizon(&fixture.table, 100, 17);
	const struct toy_look look = toy_look(&fixture.toy, key);
	cr_assert_not(look.there);
	cr_assert_eq(look.lsn, 17);
	struct session_view view;
	cr_assert_not(table_session_view(&fixture.table, id, &view));
	cr_assert_eq(table_day(&fixture.table, fixture.lee, 99, slots), 0);
	cr_assert_eq(toy_cancel(&fixture.toy, id), MODEL_NOSESSION);
	/* It never goes back. */
	table_purge_horizon(&fixture.table, 50, 16);
	cr_assert_not(toy_look(&fixture.toy, key).there);
	cr_assert_eq(table_removed_lsn(&fixture.table), 17);
	fixture_fini(&fixture);
}

Test(table_purge, slices_take_what_is_before_and_leave_the_rest)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	struct table *table = &fixture.table;
	for (uint16_t day = 90; day < 110; day++) {
		for (uint16_t minute = 0; minute < 100; minute += 10) {
			fixture_open(&fixture, day_key(&fixture, day, minute), 10);
		}
		fixture_book(&fixture, day_key(&fixture, day, 0), 1);
		toy_cancel(&fixture.toy, fixture_book(&fixture, day_key(&fixture, day, 10), 1));
	}
	table_purge_horizon(table, 100, 1000);
	struct purge_cursor cursor = {0};
	uint32_t slices = 1;
	while (table_purge_reclaim(table, &cursor, 7)) {
		slices++;
	}
	cr_assert_geq(slices, (20 * 11 + 40) / 7);
	cr_assert_eq(cursor.removed_open, 10 * 9);
	cr_assert_eq(cursor.removed_booked, 10);
	struct table_counts counts;
	table_count(table, 1, &counts);
	cr_assert_eq(counts.open, 10 * 9);
	cr_assert_eq(counts.booked, 10);
	table_check(table);
	/* Records are used again, ids are not. */
	const uint64_t id = fixture_book(&fixture, day_key(&fixture, 105, 90), 2);
	cr_assert_eq(id >> 32, 1);
	fixture_fini(&fixture);
}

/* What the other thread works on while the day is purged. */
struct overtaken {
	struct fixture *fixture;
	_Atomic uint32_t day; /* booked and cancelled by it; the other purges it, and moves on */
	_Atomic bool over;
	uint64_t done;
};

/* The log of the fixture is nearly full: both stop. */
static bool is_enough(const struct overtaken *overtaken)
{
	return toy_lsn(&overtaken->fixture->toy) > 250000;
}

static void *book_and_cancel(void *argument)
{
	struct overtaken *overtaken = argument;
	struct fixture *fixture = overtaken->fixture;
	for (uint32_t n = 0; !is_enough(overtaken) && !atomic_load_explicit(&overtaken->over, memory_order_acquire);
	     n++) {
		const uint32_t day = atomic_load_explicit(&overtaken->day, memory_order_acquire);
		const uint64_t key = day_key(fixture, (uint16_t)day, (uint16_t)(n % 20 * 10));
		bool opened;
		uint64_t id;
		toy_open(&fixture->toy, key, 10, &opened);
		if (toy_book(&fixture->toy, key, n % 50, &id) == MODEL_DONE) {
			overtaken->done++;
			toy_cancel(&fixture->toy, id);
		}
		if (n % 3 == 0) {
			toy_close(&fixture->toy, key);
		}
	}
	return NULL;
}

Test(table_purge, overtakes_threads_that_are_at_work_on_the_day)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	struct overtaken overtaken = {.fixture = &fixture, .day = 1};
	pthread_t other;
	cr_assert_eq(pthread_create(&other, NULL, book_and_cancel, &overtaken), 0);
	for (uint32_t day = 1; day < 2000 && !is_enough(&overtaken); day++) {
		/* Let something come into being first. */
		const uint64_t lsn = toy_lsn(&fixture.toy);
		while (toy_lsn(&fixture.toy) < lsn + 20 && !is_enough(&overtaken)) {
			sched_yield();
		}
		toy_purge(&fixture.toy, (uint16_t)(day + 1), 64);
		atomic_store_explicit(&overtaken.day, day + 1, memory_order_release);
	}
	atomic_store_explicit(&overtaken.over, true, memory_order_release);
	pthread_join(other, NULL);
	cr_assert_gt(overtaken.done, 0);
	table_check(&fixture.table);
	/* With nobody at work, a last purge leaves nothing behind. */
	toy_purge(&fixture.toy, 5000, UINT32_MAX);
	struct table_counts counts;
	table_count(&fixture.table, 1, &counts);
	cr_assert_eq(counts.open + counts.booked, 0);
	cr_assert_eq(fixture_promised(&fixture), 0);
	fixture_fini(&fixture);
}

/* The place's earlier life, which ended with a change, does not show. */
Test(table_purge, a_place_that_had_a_changed_session_is_as_new)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	fixture_open(&fixture, day_key(&fixture, 99, 600), 50);
	const uint64_t id = fixture_book(&fixture, day_key(&fixture, 99, 600), 1);
	struct session_view before;
	cr_assert(table_session_view(&fixture.table, id, &before));
	cr_assert(table_change(&fixture.table, &before, SESSION_CANCELLED, before.created_ms + 1000));
	table_settle(&fixture.table, id, before.lsn + 1);
	cr_assert(table_session_view(&fixture.table, id, &before));
	cr_assert_eq(before.updated_ms, before.created_ms + 1000);
	toy_purge(&fixture.toy, 100, 10);
	fixture_open(&fixture, day_key(&fixture, 101, 600), 50);
	const uint64_t next = fixture_book(&fixture, day_key(&fixture, 101, 600), 1);
	struct session_view after;
	cr_assert(table_session_view(&fixture.table, next, &after));
	cr_assert_eq((uint32_t)next, (uint32_t)id);
	cr_assert_eq(next >> 32, (id >> 32) + 1);
	cr_assert_eq(after.updated_ms, after.created_ms);
	fixture_fini(&fixture);
}

/* [I10] An id is never given out twice: a place that has had all of its own is not used again. */
Test(table_purge, a_place_whose_generations_are_used_up_is_left_alone)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	struct table *table = &fixture.table;
	/* As if it had been purged so often. */
	const struct session_image image = {.number = 1, .generation = SESSION_GENERATION_MAX - 1};
	struct error error;
	cr_assert(table_put_sessions(table, &image, 1, &error));
	cr_assert_not(table_put_sessions(
	    table, &(struct session_image){.number = 2, .generation = SESSION_GENERATION_MAX + 1}, 1, &error));
	cr_assert(table_redo_done(table, 1, &error));
	table_restore_done(table);
	fixture_open(&fixture, day_key(&fixture, 99, 600), 50);
	fixture_open(&fixture, day_key(&fixture, 101, 600), 50);
	const uint64_t last = fixture_book(&fixture, day_key(&fixture, 99, 600), 1);
	cr_assert_eq(last, session_id(1, SESSION_GENERATION_MAX - 1));
	toy_purge(&fixture.toy, 100, 10);
	cr_assert_eq(fixture_book(&fixture, day_key(&fixture, 101, 600), 1), session_id(2, 0));
	struct session_view view;
	cr_assert_not(table_session_view(table, last, &view));
	cr_assert_not(table_session_view(table, session_id(1, SESSION_GENERATION_MAX), &view));
	/* Nor after a restart. */
	struct session_image copies[2];
	uint32_t cursor = 0;
	bool more;
	cr_assert_eq(table_copy_sessions(table, &cursor, copies, 2, &more), 2);
	cr_assert_eq(copies[0].generation, SESSION_GENERATION_MAX);
	static struct fixture restarted;
	fixture_init(&restarted, 16 << 20);
	cr_assert(table_put_sessions(&restarted.table, &copies[0], 1, &error), "%s", error.text);
	cr_assert(table_redo_done(&restarted.table, 1, &error));
	table_restore_done(&restarted.table);
	cr_assert_eq(table_session_take(&restarted.table, false), 2);
	fixture_fini(&restarted);
	fixture_fini(&fixture);
}
