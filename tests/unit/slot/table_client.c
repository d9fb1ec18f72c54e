/*
 * Proves: the thread of a client (slot/thread.h) gives that client's sessions and nobody else's, also where neighbours share
 * it; a walk that a purge overtakes says so and is right when it begins again; a purge takes sessions out in slices, of which a
 * thread of n sessions costs about n looks and not n * n; replay and a snapshot's copies make the same threads.
 *
 * Method: examples, and two threads at one client's sessions. Random commands are in
 * table_model.c, threads that meet in tests/stress/table_stress.c.
 */
#include "fixture.h"
#include <pthread.h>
#include <slot/image.h>

#define MANY 3000

static uint64_t key_at(const struct fixture *fixture, uint16_t day, uint32_t n)
{
	return key_make(fixture->lee, day, (uint16_t)n);
}

static uint64_t make_session(struct fixture *fixture, uint16_t day, uint32_t n, uint32_t client_n)
{
	fixture_open(fixture, key_at(fixture, day, n), 1);
	return fixture_book(fixture, key_at(fixture, day, n), client_n);
}

/* All ids of a client, in looks of `looks`. */
static uint32_t walk_all(struct table *table, uint32_t client_n, uint32_t looks, uint64_t *ids)
{
	uint32_t count = 0;
	struct thread_cursor cursor = {0};
	enum thread_walk walk = THREAD_MORE;
	const uint32_t client = toy_client(table, client_n, true);
	while (walk == THREAD_MORE) {
		count += table_client_sessions(table, client, &cursor, &ids[count], looks, &walk);
	}
	cr_assert_eq(walk, THREAD_END);
	return count;
}

Test(table_client, a_client_has_its_sessions_the_last_first_whatever_became_of_them)
{
	static struct fixture fixture;
	uint64_t ids[4];
	fixture_init(&fixture, 16 << 20);
	cr_assert_eq(walk_all(&fixture.table, 1, 1, ids), 0);
	const uint64_t first = make_session(&fixture, 100, 0, 1);
	const uint64_t second = make_session(&fixture, 99, 0, 1);
	toy_cancel(&fixture.toy, first);
	const uint64_t third = fixture_book(&fixture, key_at(&fixture, 100, 0), 1);
	for (uint32_t looks = 1; looks <= 4; looks++) {
		cr_assert_eq(walk_all(&fixture.table, 1, looks, ids), 3);
		cr_assert_eq(ids[0], third);
		cr_assert_eq(ids[1], second);
		cr_assert_eq(ids[2], first);
	}
	fixture_fini(&fixture);
}

Test(table_client, neighbours_with_short_tokens_share_a_thread_and_see_only_their_own)
{
	static struct fixture fixture;
	static uint64_t ids[64];
	fixture_init(&fixture, 16 << 20);
	/* "c-1", "c-2", ...: one step each, four to a word. */
	bool shared = false;
	for (uint32_t n = 0; n < 64; n++) {
		make_session(&fixture, 100, n, n % 8);
	}
	for (uint32_t client = 0; client < 8; client++) {
		const uint32_t number = toy_client(&fixture.table, client, true);
		const uint32_t neighbour = toy_client(&fixture.table, client ^ 1, true);
		shared |= intern_word_number(number) == intern_word_number(neighbour);
		cr_assert_eq(walk_all(&fixture.table, client, 3, ids), 8);
		for (uint32_t i = 0; i < 8; i++) {
			struct session_view view;
			cr_assert(table_session_view(&fixture.table, ids[i], &view));
			cr_assert_eq(view.client, number);
		}
	}
	cr_assert(shared);
	fixture_fini(&fixture);
}

Test(table_client, a_claim_that_is_taken_back_leaves_no_trace)
{
	static struct fixture fixture;
	uint64_t ids[1];
	fixture_init(&fixture, 16 << 20);
	const uint32_t session = table_session_take(&fixture.table, false);
	table_session_give(&fixture.table, session);
	cr_assert_eq(walk_all(&fixture.table, 1, 1, ids), 0);
	fixture_fini(&fixture);
}

Test(table_client, a_walk_that_a_purge_overtakes_is_lost_and_begins_again)
{
	static struct fixture fixture;
	uint64_t ids[8];
	enum thread_walk walk;
	fixture_init(&fixture, 16 << 20);
	const uint64_t stays = make_session(&fixture, 200, 0, 1);
	make_session(&fixture, 100, 0, 1);
	make_session(&fixture, 100, 1, 1);
	const uint32_t client = toy_client(&fixture.table, 1, true);
	struct thread_cursor cursor = {0};
	cr_assert_eq(table_client_sessions(&fixture.table, client, &cursor, ids, 1, &walk), 1);
	cr_assert_eq(walk, THREAD_MORE);
	toy_purge(&fixture.toy, 150, 100);
	/* Its record is somebody else's by now. */
	make_session(&fixture, 200, 1, 900);
	make_session(&fixture, 200, 2, 900);
	cr_assert_eq(table_client_sessions(&fixture.table, client, &cursor, ids, 8, &walk), 0);
	cr_assert_eq(walk, THREAD_LOST);
	cr_assert_eq(table_client_sessions(&fixture.table, client, &cursor, ids, 8, &walk), 1);
	cr_assert_eq(walk, THREAD_END);
	cr_assert_eq(ids[0], stays);
	fixture_fini(&fixture);
}

Test(table_client, a_long_thread_is_swept_in_slices_and_once)
{
	static struct fixture fixture;
	static uint64_t ids[2 * MANY];
	fixture_init(&fixture, 64 << 20);
	for (uint32_t n = 0; n < MANY; n++) {
		make_session(&fixture, (uint16_t)(100 + n / 1000), n % 1000, 1);
		make_session(&fixture, (uint16_t)(200 + n / 1000), n % 1000, 1);
	}
	table_purge_horizon(&fixture.table, 150, toy_lsn(&fixture.toy) + 1);
	struct purge_cursor cursor = {0};
	uint64_t slices = 0;
	const uint32_t slice = 7;
	while (table_purge_reclaim(&fixture.table, &cursor, slice)) {
		slices++;
	}
	/* Slots and cards, sessions, links. */
	cr_assert_leq(slices * slice, (2 * MANY + 10) + 2 * MANY + 3 * MANY, "%llu", (unsigned long long)slices);
	cr_assert_eq(cursor.removed_booked, MANY);
	cr_assert_eq(walk_all(&fixture.table, 1, 100, ids), MANY);
	fixture_fini(&fixture);
}

/* Books for one client, day after day: a day is over when it is purged, or full. */
struct race {
	struct fixture *fixture;
	_Atomic uint32_t day;
};

static bool is_enough(const struct race *race)
{
	return toy_lsn(&race->fixture->toy) > 250000;
}

static void *link_sessions(void *argument)
{
	struct race *race = argument;
	for (uint32_t n = 0; !is_enough(race); n++) {
		const uint32_t day = atomic_load_explicit(&race->day, memory_order_relaxed); /* this thread's own */
		const uint64_t key = key_at(race->fixture, (uint16_t)day, n % 1000);
		bool opened;
		uint64_t id;
		toy_open(&race->fixture->toy, key, 1, &opened);
		if (toy_book(&race->fixture->toy, key, 1, &id) == MODEL_PAST || n % 1000 == 999) {
			atomic_store_explicit(&race->day, day + 1, memory_order_release); /* pairs with the purges */
		}
	}
	return NULL;
}

Test(table_client, sessions_are_linked_in_front_of_those_that_a_purge_takes_out)
{
	static struct fixture fixture;
	static uint64_t ids[1 << 17];
	fixture_init(&fixture, 64 << 20);
	struct race race = {.fixture = &fixture, .day = 1};
	pthread_t other;
	cr_assert_eq(pthread_create(&other, NULL, link_sessions, &race), 0);
	while (!is_enough(&race)) {
		const uint64_t lsn = toy_lsn(&fixture.toy);
		while (toy_lsn(&fixture.toy) < lsn + 20 && !is_enough(&race)) {
			sched_yield();
		}
		const uint32_t day = atomic_load_explicit(&race.day, memory_order_acquire);
		toy_purge(&fixture.toy, (uint16_t)(day + 1), 64);
	}
	pthread_join(other, NULL);
	table_check(&fixture.table);
	toy_purge(&fixture.toy, UINT16_MAX, UINT32_MAX);
	cr_assert_eq(walk_all(&fixture.table, 1, 64, ids), 0);
	fixture_fini(&fixture);
}

Test(table_client, copies_and_redo_make_the_same_threads)
{
	static struct fixture fixture;
	static struct fixture other;
	static struct session_image images[64];
	static struct slot_image slots[64];
	uint64_t ids[8];
	uint64_t copied[8];
	struct error error;
	fixture_init(&fixture, 16 << 20);
	fixture_init(&other, 16 << 20);
	toy_client(&fixture.table, 5, true);
	toy_client(&other.table, 5, true);
	for (uint32_t n = 0; n < 5; n++) {
		make_session(&fixture, 100, n, 5);
	}
	uint32_t cursor = 0;
	bool more;
	const uint64_t begin_lsn = toy_lsn(&fixture.toy);
	uint32_t count = table_copy_slots(&fixture.table, &cursor, slots, 64, &more);
	cr_assert(table_put_slots(&other.table, slots, count, &error), "%s", error.text);
	cursor = 0;
	count = table_copy_sessions(&fixture.table, &cursor, images, 64, &more);
	cr_assert(table_put_sessions(&other.table, images, count, &error), "%s", error.text);
	make_session(&fixture, 100, 5, 5); /* the copies have it not: redone */
	const uint64_t end_lsn = toy_lsn(&fixture.toy);
	make_session(&fixture, 100, 6, 5); /* restored */
	cr_assert(toy_replay_onto(&fixture.toy, &other.table, begin_lsn, end_lsn, &error), "%s", error.text);
	cr_assert_eq(walk_all(&fixture.table, 5, 3, ids), 7);
	cr_assert_eq(walk_all(&other.table, 5, 3, copied), 7);
	for (uint32_t i = 0; i < 7; i++) {
		bool found = false;
		for (uint32_t j = 0; j < 7; j++) {
			found |= ids[i] == copied[j];
		}
		cr_assert(found);
	}
	fixture_fini(&other);
	fixture_fini(&fixture);
}
