/*
 * Proves I4 in the small: each restore function applies what can have been and refuses what cannot, with a reason that
 * names place and lsn; ids and pools are afterwards as the log left them, and no id that was seen is given out again.
 * Method: one contradiction a test. Whole logs: table_model.c.
 */
#include "fixture.h"
#include <slot/image.h>
#include <string.h>

static struct fixture fixture;
static struct error error;
static uint64_t key;

static void setup(void)
{
	fixture_init(&fixture, 16 << 20);
	error = (struct error){.code = ERROR_NONE};
	key = fixture_key(&fixture, 600);
}

static bool restore_booking(uint64_t id, uint64_t lsn)
{
	const uint32_t client = toy_client(&fixture.table, (uint32_t)lsn, true);
	return table_restore_booking(&fixture.table, key, client, id, lsn, 1000, 50, 0, &error);
}

static void refused(const char *what, const char *where)
{
	cr_assert_eq(error.code, ERROR_DAMAGED);
	cr_assert_not_null(strstr(error.text, what), "%s", error.text);
	cr_assert_not_null(strstr(error.text, where), "%s", error.text);
}

TestSuite(table_restore, .init = setup);

Test(table_restore, booking_puts_the_session_exactly_where_it_was)
{
	struct table *table = &fixture.table;
	cr_assert(table_restore_open(table, key, 50, 1, &error));
	cr_assert(restore_booking(session_id(77, 3), 2));
	table_restore_done(table);
	struct session_view view;
	cr_assert(table_session_view(table, session_id(77, 3), &view));
	cr_assert_eq(view.lsn, 2);
	cr_assert_eq(view.created_ms, 1000);
	cr_assert_eq(view.minutes, 50);
	cr_assert_eq(table_session_take(table, false), 1, "the numbers before are free");
	fixture_fini(&fixture);
}

Test(table_restore, booking_a_slot_twice_is_refused)
{
	cr_assert(table_restore_open(&fixture.table, key, 50, 1, &error));
	cr_assert(restore_booking(1, 2));
	cr_assert_not(restore_booking(2, 3));
	refused("at lsn 3 books a slot twice", "p-1 2024-10-04 10:00");
}

Test(table_restore, booking_what_nobody_opened_is_refused)
{
	cr_assert_not(restore_booking(1, 2));
	refused("at lsn 2 books a slot that nobody opened", "10:00");
}

Test(table_restore, listed_and_unlisted_do_not_mix)
{
	struct table *table = &fixture.table;
	const uint32_t client = toy_client(table, 1, true);
	cr_assert(table_restore_open(table, key, 50, 1, &error));
	cr_assert_not(table_restore_booking(table, key, client, 1, 2, 1, 0, 0, &error));
	refused("at lsn 2", "10:00");
	const uint64_t unlisted = fixture_key(&fixture, 700);
	cr_assert(table_restore_booking(table, unlisted, client, 1, 3, 1, 0, 0, &error));
	cr_assert(table_restore_change(table, 1, SESSION_CANCELLED, 4, 1, 0, &error));
	cr_assert_not(table_restore_booking(table, unlisted, client, 2, 5, 1, 50, 0, &error));
	refused("at lsn 5", "11:40");
}

Test(table_restore, giving_out_an_id_twice_is_refused)
{
	struct table *table = &fixture.table;
	cr_assert(table_restore_open(table, key, 50, 1, &error));
	cr_assert(restore_booking(session_id(5, 1), 2));
	cr_assert(table_restore_change(table, session_id(5, 1), SESSION_CANCELLED, 3, 1, 0, &error));
	cr_assert_not(restore_booking(session_id(5, 1), 4));
	refused("at lsn 4 gives out a session id twice", "session 4294967301");
	cr_assert_not(restore_booking(0, 4));
}

Test(table_restore, giving_out_an_id_twice_is_refused_for_slots_nobody_opened)
{
	struct table *table = &fixture.table;
	const uint32_t client = intern_add(&table->clients, span_of("client-9"), true);
	const uint64_t id = session_id(5, 1);
	for (uint16_t minute = 600; minute < 603; minute++) {
		const uint64_t place = key_make(key_psychologist(key), key_day(key), minute);
		/* The second one while the first has it, the third when that is over. */
		cr_assert_eq(table_restore_booking(table, place, client, id, minute, 1, 0, 0, &error), minute == 600);
		cr_assert(minute == 600 || strstr(error.text, "gives out a session id twice") != NULL);
		cr_assert(minute != 601 || table_restore_change(table, id, SESSION_CANCELLED, minute, 1, 0, &error));
	}
	const uint64_t place = key_make(key_psychologist(key), key_day(key), 610);
	cr_assert_not(table_restore_booking(table, place, client, session_id(5, 0), 700, 1, 0, 0, &error));
	cr_assert_not(table_restore_booking(table, place, client, 0, 700, 1, 0, 0, &error));
	cr_assert_not(
	    table_restore_booking(table, place, client, session_id(6, SESSION_GENERATION_MAX), 700, 1, 0, 0, &error));
}

Test(table_restore, an_id_beyond_any_memory_is_refused)
{
	cr_assert(table_restore_open(&fixture.table, key, 50, 1, &error));
	cr_assert_not(restore_booking(session_id(UINT32_MAX, 0), 2));
	cr_assert_eq(error.code, ERROR_NO_MEMORY);
	cr_assert_not_null(strstr(error.text, "maxmemory"));
}

Test(table_restore, a_change_its_status_does_not_allow_is_refused)
{
	struct table *table = &fixture.table;
	cr_assert(table_restore_open(table, key, 50, 1, &error));
	cr_assert(restore_booking(1, 2));
	cr_assert(table_restore_change(table, 1, SESSION_CANCELLED, 3, 1, 0, &error));
	cr_assert_not(table_restore_change(table, 1, SESSION_CANCELLED, 4, 1, 0, &error));
	refused("at lsn 4 makes session 1 cancelled", "which is cancelled");
	cr_assert_not(table_restore_change(table, 2, SESSION_CANCELLED, 5, 1, 0, &error));
	refused("at lsn 5 changes a session that was never booked", "session 2");
}

Test(table_restore, opening_what_is_there_or_overlaps_is_refused)
{
	struct table *table = &fixture.table;
	cr_assert(table_restore_open(table, key, 50, 1, &error));
	cr_assert_not(table_restore_open(table, key, 50, 2, &error));
	refused("at lsn 2 opens a slot that is there already", "10:00");
	cr_assert_not(table_restore_open(table, fixture_key(&fixture, 649), 50, 3, &error));
	refused("at lsn 3 opens a slot that overlaps", "10:49");
	cr_assert(table_restore_open(table, fixture_key(&fixture, 650), 50, 4, &error));
	fixture_fini(&fixture);
}

Test(table_restore, closing_what_is_missing_or_occupied_is_refused)
{
	struct table *table = &fixture.table;
	cr_assert_not(table_restore_close(table, key, 1, &error));
	refused("at lsn 1 closes a slot that is not there", "10:00");
	cr_assert(table_restore_open(table, key, 50, 2, &error));
	cr_assert(restore_booking(1, 3));
	cr_assert_not(table_restore_close(table, key, 4, &error));
	refused("at lsn 4 closes a slot that is occupied", "10:00");
	cr_assert(table_restore_change(table, 1, SESSION_CANCELLED, 5, 1, 0, &error));
	cr_assert(table_restore_close(table, key, 6, &error));
	cr_assert_eq(table_removed_lsn(table), 6);
	fixture_fini(&fixture);
}

Test(table_restore, more_than_the_limit_is_taken_back_in)
{
	struct table *table = &fixture.table;
	memory_force(&fixture.memory, 16 << 20);
	cr_assert(table_restore_open(table, key, 50, 1, &error));
	cr_assert(restore_booking(1, 2));
	fixture_fini(&fixture);
}

Test(table_restore, ids_of_purged_days_are_not_given_out_again)
{
	struct table *table = &fixture.table;
	cr_assert(table_restore_open(table, key, 50, 1, &error));
	cr_assert(restore_booking(session_id(1, 0), 2));
	struct purge_cursor cursor = {0};
	table_purge_horizon(table, FIXTURE_DAY + 1, 3);
	while (table_purge_reclaim(table, &cursor, UINT32_MAX)) {
	}
	cr_assert_eq(cursor.removed_booked, 1);
	/* Appended by a worker that the purge overtook: nothing is booked, but the id has been seen. */
	cr_assert(restore_booking(session_id(2, 0), 4));
	table_restore_done(table);
	fixture.toy.unlisted_slots = true;
	const uint64_t later = key_make(fixture.lee, FIXTURE_DAY + 1, 0);
	cr_assert_eq(fixture_book(&fixture, later, 1), session_id(1, 1));
	cr_assert_eq(fixture_book(&fixture, later + 1, 1), session_id(2, 1));
	cr_assert_eq(fixture_book(&fixture, later + 2, 1), session_id(3, 0));
	fixture_fini(&fixture);
}

Test(table_restore, a_booking_has_the_minutes_of_its_slot)
{
	struct table *table = &fixture.table;
	cr_assert(table_restore_open(table, key, 25, 1, &error));
	cr_assert_not(restore_booking(1, 2));
	refused("at lsn 2 books a slot of other minutes", "10:00");
}

Test(table_restore, a_move_leaves_a_slot_of_the_minutes_it_had)
{
	struct table *table = &fixture.table;
	const uint64_t other = fixture_key(&fixture, 700);
	cr_assert(table_restore_open(table, key, 50, 1, &error));
	cr_assert(table_restore_open(table, other, 50, 2, &error));
	cr_assert(restore_booking(1, 3));
	cr_assert_not(table_restore_move(table, 1, key, 25, other, 50, 4, 1, &error));
	refused("at lsn 4 moves a session from where it is not", "10:00");
	cr_assert_not(table_restore_move(table, 1, key, 50, other, 25, 4, 1, &error));
	refused("at lsn 4 books a slot of other minutes", "11:40");
	cr_assert(table_restore_move(table, 1, key, 50, other, 50, 4, 1, &error));
}

/* ---- sessions without their history ---- */

static struct session_image image_of(enum session_status status, uint32_t number, uint16_t minutes)
{
	return (struct session_image){.state = session_state(status, 7, 1),
				      .key = key,
				      .created_ms = 1000,
				      .updated_ms = 2000,
				      .number = number,
				      .generation = 3,
				      .client = toy_client(&fixture.table, number, true),
				      .minutes = minutes,
				      .hold_seconds = status == SESSION_HELD ? 60 : 0};
}

static bool restore_session(const struct session_image *image, bool unlisted, uint64_t lsn)
{
	struct session_image settled = *image;
	settled.state = session_state(session_status(image->state), session_version(image->state), lsn);
	return table_restore_session(&fixture.table, &settled, unlisted, lsn, &error);
}

Test(table_restore, an_imported_session_is_as_it_was)
{
	struct table *table = &fixture.table;
	const struct session_image image = image_of(SESSION_HELD, 5, 50);
	struct session_view session;
	struct slot_view slot;
	cr_assert(table_restore_open(table, key, 50, 1, &error));
	cr_assert(restore_session(&image, false, 2), "%s", error.text);
	cr_assert(table_session_view(table, session_id(5, 3), &session));
	cr_assert(session.status == SESSION_HELD && session.version == 7 && session.created_ms == 1000 &&
		  session.updated_ms == 2000 && session.expires_ms == 62000 && session.lsn == 2);
	cr_assert(table_view(table, table_find(table, key), key, &slot));
	cr_assert(!slot.free && slot.session == session_id(5, 3) && slot.client == image.client);
	cr_assert(table_restore_change(table, session_id(5, 3), SESSION_CANCELLED, 3, 1, 0, &error));
	cr_assert(table_restore_close(table, key, 4, &error));
	table_check(table);
}

Test(table_restore, an_imported_session_takes_no_slot_that_is_not_its_own)
{
	const struct session_image image = image_of(SESSION_CONFIRMED, 5, 50);
	cr_assert_not(restore_session(&image, false, 1));
	refused("at lsn 1 books a slot that nobody opened", "10:00");
	cr_assert(table_restore_open(&fixture.table, key, 25, 1, &error));
	const struct session_image other = image_of(SESSION_CONFIRMED, 6, 50);
	cr_assert_not(restore_session(&other, false, 2));
	refused("at lsn 2 books a slot of other minutes", "10:00");
	const struct session_image fits = image_of(SESSION_CONFIRMED, 7, 25);
	cr_assert(restore_session(&fits, false, 3));
	const struct session_image late = image_of(SESSION_BOOKED, 8, 25);
	cr_assert_not(restore_session(&late, false, 4));
	refused("at lsn 4 books a slot twice", "10:00");
	cr_assert_not(restore_session(&fits, false, 5));
	refused("at lsn 5 gives out a session id twice", "session");
}

Test(table_restore, what_left_its_slot_is_imported_without_it)
{
	struct slot_view slot;
	const struct session_image cancelled = image_of(SESSION_CANCELLED, 5, 50);
	cr_assert(restore_session(&cancelled, false, 1));
	cr_assert_eq(table_find(&fixture.table, key), 0);
	/* But an unlisted slot is there because somebody had it. */
	const struct session_image unlisted = image_of(SESSION_CANCELLED, 6, 0);
	cr_assert(restore_session(&unlisted, true, 2));
	cr_assert(table_view(&fixture.table, table_find(&fixture.table, key), key, &slot));
	cr_assert(slot.free && slot.lsn == 2);
	cr_assert(table_restore_close(&fixture.table, key, 3, &error));
	table_check(&fixture.table);
}

Test(table_restore, ids_that_were_used_up_are_given_out_no_more)
{
	struct table *table = &fixture.table;
	const struct session_image used = {.number = 5, .generation = 3};
	cr_assert(table_restore_open(table, key, 50, 1, &error));
	cr_assert(restore_session(&used, false, 2));
	cr_assert_not(restore_booking(session_id(5, 2), 3));
	refused("at lsn 3 gives out a session id twice", "session");
	cr_assert(restore_booking(session_id(5, 3), 4));
}

Test(table_restore, a_place_whose_ids_are_used_up_to_the_last_is_imported)
{
	const struct session_image last = {.number = 5, .generation = SESSION_GENERATION_MAX};
	const struct session_image beyond = {.number = 6, .generation = SESSION_GENERATION_MAX + 1};
	cr_assert(table_restore_open(&fixture.table, key, 50, 1, &error));
	cr_assert(restore_session(&last, false, 2), "%s", error.text);
	cr_assert_not(restore_session(&beyond, false, 3));
	refused("at lsn 3 names a session that cannot be", "session");
	table_restore_done(&fixture.table);
	for (uint32_t i = 1; i < 8; i++) {
		cr_assert_neq(table_session_take(&fixture.table, true), 5);
	}
}

Test(table_restore, nothing_is_imported_into_a_purged_day)
{
	const struct session_image image = image_of(SESSION_CANCELLED, 5, 50);
	table_purge_horizon(&fixture.table, FIXTURE_DAY + 1, 1);
	cr_assert_not(restore_session(&image, false, 2));
	refused("at lsn 2 imports a session of a day that was purged", "10:00");
}
