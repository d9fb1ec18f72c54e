/*
 * Proves, one thread at a time: what a look sees at each step of a slot's and a session's life, with the lsn it depends
 * on [I2]; that a claim succeeds only on the slot as it was seen [I1]; days, cards and overlap [I9].
 * Method: the steps of slot/table.h, taken one by one. The same under threads: tests/stress/table_stress.c.
 */
#include "fixture.h"
#include <pthread.h>

static struct slot_view look(struct fixture *fixture, uint64_t key)
{
	const struct toy_look seen = toy_look(&fixture->toy, key);
	cr_assert(seen.there);
	return seen.view;
}

Test(table, an_open_slot_is_free_and_depends_on_its_open)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	const uint64_t key = fixture_key(&fixture, 600);
	cr_assert_not(toy_look(&fixture.toy, key).there);
	fixture_open(&fixture, key, 50);
	const struct slot_view view = look(&fixture, key);
	cr_assert(view.free);
	cr_assert_eq(view.kind, CLAIM_OPEN);
	cr_assert_eq(view.key, key);
	cr_assert_eq(view.minutes, 50);
	cr_assert_eq(view.lsn, 1);
	fixture_fini(&fixture);
}

Test(table, a_booked_slot_says_whose_it_is_and_since_which_lsn)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	const uint64_t key = fixture_key(&fixture, 600);
	fixture_open(&fixture, key, 50);
	const uint64_t id = fixture_book(&fixture, key, 7);
	const struct slot_view view = look(&fixture, key);
	cr_assert_not(view.free);
	cr_assert_eq(view.session, id);
	cr_assert_eq(view.status, SESSION_BOOKED);
	cr_assert_eq(view.client, toy_client(&fixture.table, 7, false));
	cr_assert_eq(view.lsn, 2);
	struct session_view session;
	cr_assert(table_session_view(&fixture.table, id, &session));
	cr_assert_eq(session.id, id);
	cr_assert_eq(session.key, key);
	cr_assert_eq(session.minutes, 50);
	cr_assert_eq(session.version, 1);
	cr_assert_eq(session.created_ms, 1);
	cr_assert_eq(session.lsn, 2);
	fixture_fini(&fixture);
}

Test(table, a_cancelled_slot_is_free_and_depends_on_the_cancel)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	const uint64_t key = fixture_key(&fixture, 600);
	fixture_open(&fixture, key, 50);
	const uint64_t first = fixture_book(&fixture, key, 7);
	cr_assert_eq(toy_cancel(&fixture.toy, first), MODEL_DONE);
	const struct slot_view view = look(&fixture, key);
	cr_assert(view.free);
	cr_assert_eq(view.lsn, 3);
	struct session_view session;
	cr_assert(table_session_view(&fixture.table, first, &session));
	cr_assert_eq(session.status, SESSION_CANCELLED);
	cr_assert_eq(session.version, 2);
	cr_assert_eq(session.updated_ms, 2);
	const uint64_t second = fixture_book(&fixture, key, 8);
	cr_assert_neq(second, first);
	cr_assert(table_session_view(&fixture.table, first, &session), "the cancelled one can still be looked at");
	fixture_fini(&fixture);
}

Test(table, a_claim_on_what_has_changed_since_the_look_fails_and_the_session_can_try_again)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	struct table *table = &fixture.table;
	const uint64_t key = fixture_key(&fixture, 600);
	fixture_open(&fixture, key, 50);
	const struct slot_view open = look(&fixture, key);
	const uint64_t winner = fixture_book(&fixture, key, 1);
	const uint32_t slot = table_find(table, key);
	const uint32_t session = table_session_take(table, true);
	const uint32_t client = toy_client(table, 2, true);
	cr_assert_eq(table_claim(table, slot, &open, session, client, 5), 0);
	/* Free again, but not the free it was. */
	cr_assert_eq(toy_cancel(&fixture.toy, winner), MODEL_DONE);
	cr_assert_eq(table_claim(table, slot, &open, session, client, 5), 0);
	const struct slot_view cancelled = look(&fixture, key);
	const uint64_t id = table_claim(table, slot, &cancelled, session, client, 5);
	cr_assert_neq(id, 0);
	table_settle(table, id, 4);
	cr_assert_eq(look(&fixture, key).session, id);
	fixture_fini(&fixture);
}

Test(table, a_session_that_lost_is_no_session)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	struct table *table = &fixture.table;
	const uint64_t key = fixture_key(&fixture, 600);
	fixture_open(&fixture, key, 50);
	const struct slot_view open = look(&fixture, key);
	fixture_book(&fixture, key, 1);
	const uint32_t session = table_session_take(table, true);
	cr_assert_eq(table_claim(table, table_find(table, key), &open, session, 1, 5), 0);
	table_session_give(table, session);
	struct session_view view;
	cr_assert_not(table_session_view(table, session_id(session, 0), &view));
	cr_assert_not(table_session_view(table, session_id(session + 1, 0), &view));
	cr_assert_not(table_session_view(table, 0, &view));
	cr_assert_not(table_session_view(table, UINT64_MAX, &view));
	fixture_fini(&fixture);
}

Test(table, a_claim_that_is_taken_back_never_was)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	struct table *table = &fixture.table;
	const uint64_t key = fixture_key(&fixture, 600);
	fixture_open(&fixture, key, 50);
	const uint32_t client = toy_client(table, 2, true);
	const uint32_t slot = table_find(table, key);
	/* Once where nobody ever was, once where a session was cancelled. */
	for (int round = 0; round < 2; round++) {
		const struct slot_view free = look(&fixture, key);
		const uint64_t promised = fixture_promised(&fixture);
		const uint64_t used = fixture_used(&fixture);
		const uint32_t session = table_session_take(table, true);
		const uint64_t id = table_claim(table, slot, &free, session, client, 5);
		cr_assert_neq(id, 0);
		table_unclaim(table, slot, &free, id);
		const struct slot_view again = look(&fixture, key);
		cr_assert_eq(again.word, free.word);
		cr_assert_eq(again.lsn, free.lsn);
		cr_assert(again.free);
		cr_assert_eq(fixture_promised(&fixture), promised);
		cr_assert_eq(fixture_used(&fixture), used);
		struct session_view view;
		cr_assert_not(table_session_view(table, id, &view));
		/* Who looked before may claim it still. */
		const uint32_t other = table_session_take(table, true);
		const uint64_t booked = table_claim(table, slot, &free, other, client, 6);
		cr_assert_neq(booked, 0);
		table_settle(table, booked, 10 + (uint64_t)round);
		cr_assert_eq(toy_cancel(&fixture.toy, booked), MODEL_DONE);
	}
	fixture_fini(&fixture);
}

Test(table, a_change_that_is_taken_back_never_was)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	const uint64_t key = fixture_key(&fixture, 600);
	fixture_open(&fixture, key, 50);
	const uint64_t id = fixture_book(&fixture, key, 1);
	struct session_view seen;
	struct session_view again;
	cr_assert(table_session_view(&fixture.table, id, &seen));
	cr_assert(table_change_begin(&fixture.table, &seen, SESSION_CANCELLED));
	cr_assert_not(table_change_begin(&fixture.table, &seen, SESSION_CONFIRMED));
	table_change_undo(&fixture.table, &seen);
	cr_assert(table_session_view(&fixture.table, id, &again));
	cr_assert_eq(again.state, seen.state);
	cr_assert_eq(again.updated_ms, seen.updated_ms);
	cr_assert_eq(fixture_promised(&fixture), 0);
	cr_assert(table_change(&fixture.table, &seen, SESSION_CONFIRMED, 9));
	table_settle(&fixture.table, id, 9);
	fixture_fini(&fixture);
}

Test(table, a_change_of_what_has_changed_since_the_look_fails)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	const uint64_t key = fixture_key(&fixture, 600);
	fixture_open(&fixture, key, 50);
	const uint64_t id = fixture_book(&fixture, key, 1);
	struct session_view seen;
	cr_assert(table_session_view(&fixture.table, id, &seen));
	cr_assert_eq(toy_cancel(&fixture.toy, id), MODEL_DONE);
	cr_assert_not(table_change(&fixture.table, &seen, SESSION_CONFIRMED, 9));
	cr_assert_eq(toy_change(&fixture.toy, id, LIFE_CONFIRM, 0), MODEL_STATE);
	fixture_fini(&fixture);
}

Test(table, a_closed_slot_is_gone_and_its_absence_depends_on_the_close)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	const uint64_t key = fixture_key(&fixture, 600);
	fixture_open(&fixture, key, 50);
	const uint32_t slot = table_find(&fixture.table, key);
	const uint64_t id = fixture_book(&fixture, key, 1);
	cr_assert_eq(toy_close(&fixture.toy, key), MODEL_OCCUPIED);
	toy_cancel(&fixture.toy, id);
	cr_assert_eq(toy_close(&fixture.toy, key), MODEL_DONE);
	const struct toy_look gone = toy_look(&fixture.toy, key);
	cr_assert_not(gone.there);
	cr_assert_eq(gone.lsn, 4);
	struct slot_view view;
	cr_assert_not(table_view(&fixture.table, slot, key, &view), "also for those who still have its number");
	cr_assert_eq(view.lsn, 4);
	fixture_open(&fixture, key, 30);
	cr_assert_eq(look(&fixture, key).minutes, 30);
	fixture_fini(&fixture);
}

static uint64_t lsn_of_busy(void *context)
{
	return *(const uint64_t *)context;
}

/* COMPLETE and NOSHOW correct each other as long as the session is known: longer than there is its slot. */
Test(table, a_session_whose_slot_is_closed_is_corrected_whatever_calendars_say)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	table_restore_done(&fixture.table);
	const uint64_t key = fixture_key(&fixture, 600);
	const uint32_t start = busy_minute(key);
	const struct busy_interval busy = {start, start + 5};
	const struct busy_update update = {.psychologist = fixture.lee,
					   .source = span_of("calendar"),
					   .generation = 1,
					   .window = busy,
					   .intervals = &busy,
					   .count = 1};
	uint64_t lsn = 1;
	fixture_open(&fixture, key, 50);
	const uint64_t session = fixture_book(&fixture, key, 1);
	cr_assert_eq(toy_change(&fixture.toy, session, LIFE_COMPLETE, LIFE_HAS_STARTED), MODEL_DONE);
	cr_assert_eq(toy_close(&fixture.toy, key), MODEL_DONE);
	cr_assert_eq(busy_update(&fixture.table.busy, &update, NULL, lsn_of_busy, &lsn, &lsn), BUSY_CHANGED);
	cr_assert_eq(toy_change(&fixture.toy, session, LIFE_NO_SHOW, LIFE_HAS_STARTED), MODEL_DONE);
	cr_assert_not(toy_look(&fixture.toy, key).there);
	fixture_fini(&fixture);
}

Test(table, an_unlisted_slot_is_made_on_the_spot_and_depends_on_nothing)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	struct table *table = &fixture.table;
	bool added;
	const uint64_t key = fixture_key(&fixture, 1);
	const uint32_t slot = table_add(table, key, claim_make(CLAIM_OPEN, 0, 0), false, &added);
	cr_assert(added);
	cr_assert_eq(table_add(table, key, claim_make(CLAIM_OPEN, 0, 0), false, &added), slot);
	cr_assert_not(added);
	const struct slot_view view = look(&fixture, key);
	cr_assert(view.free);
	cr_assert_eq(view.minutes, 0);
	cr_assert_eq(view.lsn, 0);
	cr_assert_eq(fixture_promised(&fixture), 0);
	cr_assert_eq(toy_close(&fixture.toy, key), MODEL_NOSLOT);
	fixture_fini(&fixture);
}

Test(table, an_unlisted_slot_in_a_record_that_was_another_is_not_claimed_for_it)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	fixture.toy.unlisted_slots = true;
	struct table *table = &fixture.table;
	bool added;
	const uint64_t past = key_make(fixture.lee, 100, 600);
	const uint32_t slot = table_add(table, past, claim_make(CLAIM_OPEN, 0, 0), false, &added);
	const struct slot_view stale = look(&fixture, past);
	toy_purge(&fixture.toy, 101, UINT32_MAX);
	/* The record is some other unlisted slot by now. */
	cr_assert_eq(table_add(table, fixture_key(&fixture, 0), claim_make(CLAIM_OPEN, 0, 0), false, &added), slot);
	const uint32_t session = table_session_take(table, false);
	cr_assert_eq(table_claim(table, slot, &stale, session, 1, 1), 0);
	table_session_give(table, session);
	fixture_fini(&fixture);
}

struct waiting {
	struct fixture *fixture;
	uint64_t key;
	struct toy_look seen;
};

static void *wait_and_look(void *argument)
{
	struct waiting *waiting = argument;
	waiting->seen = toy_look(&waiting->fixture->toy, waiting->key);
	return NULL;
}

Test(table, a_look_at_a_slot_being_opened_waits_for_its_lsn)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	struct table *table = &fixture.table;
	bool added;
	struct waiting waiting = {.fixture = &fixture, .key = fixture_key(&fixture, 600)};
	const uint32_t slot = table_add(table, waiting.key, claim_make(CLAIM_CLOSED, 50, 0), false, &added);
	pthread_t other;
	cr_assert_eq(pthread_create(&other, NULL, wait_and_look, &waiting), 0);
	table_open(table, slot, 9);
	pthread_join(other, NULL);
	cr_assert(waiting.seen.there);
	cr_assert_eq(waiting.seen.lsn, 9);
	fixture_fini(&fixture);
}

Test(table, an_open_that_is_taken_back_was_never_there)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	struct table *table = &fixture.table;
	bool added;
	struct waiting waiting = {.fixture = &fixture, .key = fixture_key(&fixture, 600)};
	const uint32_t slot = table_add(table, waiting.key, claim_make(CLAIM_CLOSED, 50, 0), false, &added);
	pthread_t other;
	cr_assert_eq(pthread_create(&other, NULL, wait_and_look, &waiting), 0);
	table_remove(table, slot, 0);
	pthread_join(other, NULL);
	cr_assert_not(waiting.seen.there);
	cr_assert_eq(waiting.seen.lsn, 0);
	cr_assert_eq(fixture_promised(&fixture), 0);
	fixture_fini(&fixture);
}

Test(table, a_day_lists_its_slots_in_order_and_no_others)
{
	static struct fixture fixture;
	static uint32_t slots[TABLE_DAY_SLOTS_MAX];
	fixture_init(&fixture, 16 << 20);
	const uint16_t minutes[] = {1439, 0, 700, 23, 24, 47, 48, 699};
	for (size_t i = 0; i < 8; i++) {
		fixture_open(&fixture, fixture_key(&fixture, minutes[i]), 1);
	}
	fixture_open(&fixture, key_make(fixture.lee, FIXTURE_DAY + 1, 5), 1);
	fixture_open(&fixture, key_make(toy_psychologist(&fixture.table, 2), FIXTURE_DAY, 6), 1);
	const uint16_t expected[] = {0, 23, 24, 47, 48, 699, 700, 1439};
	cr_assert_eq(table_day(&fixture.table, fixture.lee, FIXTURE_DAY, slots), 8);
	for (size_t i = 0; i < 8; i++) {
		cr_assert_eq(slots[i], table_find(&fixture.table, fixture_key(&fixture, expected[i])));
	}
	cr_assert_eq(table_day(&fixture.table, fixture.lee, FIXTURE_DAY + 2, slots), 0);
	fixture_fini(&fixture);
}

Test(table, a_day_can_be_full)
{
	static struct fixture fixture;
	static uint32_t slots[TABLE_DAY_SLOTS_MAX];
	fixture_init(&fixture, 16 << 20);
	for (uint16_t minute = 0; minute < MINUTES_PER_DAY; minute++) {
		fixture_open(&fixture, fixture_key(&fixture, minute), 1);
	}
	cr_assert_eq(table_day(&fixture.table, fixture.lee, FIXTURE_DAY, slots), TABLE_DAY_SLOTS_MAX);
	fixture_fini(&fixture);
}

/* Does a slot of `minutes` at (day, minute) overlap that of 50 minutes at 10:00, or that of 60 at 23:30? */
static bool overlaps(struct fixture *fixture, uint16_t day, uint16_t minute, uint16_t minutes)
{
	uint64_t other;
	return table_overlap(&fixture->table, key_make(fixture->lee, day, minute), minutes, &other);
}

Test(table, slots_overlap_when_they_share_a_minute_also_across_midnight)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	fixture_open(&fixture, fixture_key(&fixture, 600), 50);
	fixture_open(&fixture, fixture_key(&fixture, 1410), 60);
	cr_assert_not(overlaps(&fixture, FIXTURE_DAY, 550, 50));
	cr_assert(overlaps(&fixture, FIXTURE_DAY, 550, 51));
	cr_assert(overlaps(&fixture, FIXTURE_DAY, 649, 1));
	cr_assert_not(overlaps(&fixture, FIXTURE_DAY, 650, 760));
	cr_assert(overlaps(&fixture, FIXTURE_DAY, 650, 761));
	cr_assert(overlaps(&fixture, FIXTURE_DAY, 0, 1440));
	cr_assert(overlaps(&fixture, FIXTURE_DAY + 1, 29, 1));
	cr_assert_not(overlaps(&fixture, FIXTURE_DAY + 1, 30, 1440));
	cr_assert(overlaps(&fixture, FIXTURE_DAY - 1, 601, 1440));
	cr_assert_not(overlaps(&fixture, FIXTURE_DAY - 1, 600, 1440));
	uint64_t other;
	cr_assert(table_overlap(&fixture.table, key_make(fixture.lee, FIXTURE_DAY - 1, 1000), 1440, &other));
	cr_assert_eq(other, fixture_key(&fixture, 600));
	cr_assert_not(table_overlap(&fixture.table, key_make(fixture.lee + 100, FIXTURE_DAY, 600), 50, &other));
	fixture_fini(&fixture);
}

Test(table, unlisted_slots_do_not_overlap_and_are_in_no_day)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	fixture.toy.unlisted_slots = true;
	fixture_book(&fixture, fixture_key(&fixture, 610), 1);
	cr_assert_not(overlaps(&fixture, FIXTURE_DAY, 600, 50));
	fixture_open(&fixture, fixture_key(&fixture, 600), 50);
	cr_assert(overlaps(&fixture, FIXTURE_DAY, 620, 50), "the listed one is behind the unlisted");
	uint32_t slots[TABLE_DAY_SLOTS_MAX];
	cr_assert_eq(table_day(&fixture.table, fixture.lee, FIXTURE_DAY, slots), 1, "in the same 24 minutes");
	cr_assert_eq(slots[0], table_find(&fixture.table, fixture_key(&fixture, 600)));
	fixture_fini(&fixture);
}

Test(table, overlap_at_the_first_and_last_minute_there_is)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	cr_assert_not(overlaps(&fixture, 0, 0, 1440));
	cr_assert_not(overlaps(&fixture, DAY_COUNT - 1, 1439, 1440));
	fixture_fini(&fixture);
}

Test(table, counts_slots_by_state)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	fixture.toy.unlisted_slots = true;
	for (uint16_t minute = 0; minute < 100; minute += 10) {
		fixture_open(&fixture, fixture_key(&fixture, minute), 10);
	}
	fixture_book(&fixture, fixture_key(&fixture, 0), 1);
	toy_cancel(&fixture.toy, fixture_book(&fixture, fixture_key(&fixture, 10), 1));
	fixture_book(&fixture, fixture_key(&fixture, 500), 1);
	bool added;
	table_add(&fixture.table, fixture_key(&fixture, 600), claim_make(CLAIM_OPEN, 0, 0), false, &added);
	struct table_counts counts;
	table_count(&fixture.table, 1, &counts);
	cr_assert_eq(counts.open, 9);
	cr_assert_eq(counts.booked, 2);
	cr_assert_eq(counts.held, 0);
	cr_assert_eq(counts.blocked, 0);
	fixture_fini(&fixture);
}
