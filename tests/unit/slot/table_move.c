/*
 * Proves: a session that moves keeps its id and leaves its slot open; what it lost stays where it was, with its status and
 * version; a slot that no OPEN made is gone when it is left; and the accounts balance, also when memory is spent [I5].
 *
 * Method: examples. Random commands are in table_model.c, threads that meet in tests/stress/move_stress.c.
 */
#include "fixture.h"

static struct session_view session_at(struct fixture *fixture, uint64_t id)
{
	struct session_view view;
	cr_assert(table_session_view(&fixture->table, id, &view));
	return view;
}

Test(table_move, a_session_moves_with_its_id_and_leaves_its_slot_open)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	const uint64_t old = fixture_key(&fixture, 600);
	const uint64_t new = key_make(toy_psychologist(&fixture.table, 2), FIXTURE_DAY + 1, 700);
	fixture_open(&fixture, old, 50);
	fixture_open(&fixture, new, 30);
	const uint64_t id = fixture_book(&fixture, old, 1);
	cr_assert_eq(toy_move(&fixture.toy, id, new), MODEL_DONE);
	const struct session_view moved = session_at(&fixture, id);
	cr_assert_eq(moved.status, SESSION_RESCHEDULED);
	cr_assert_eq(moved.key, new);
	cr_assert_eq(moved.minutes, 30);
	cr_assert_eq(moved.version, 2);
	struct slot_view left;
	cr_assert(table_view(&fixture.table, table_find(&fixture.table, old), old, &left));
	cr_assert(left.free);
	cr_assert_eq(left.minutes, 50);
	cr_assert_eq(left.lsn, toy_lsn(&fixture.toy), "open since the move");
	cr_assert_neq(fixture_book(&fixture, old, 2), id);
	fixture_fini(&fixture);
}

Test(table_move, a_lost_slot_leaves_the_session_as_it_was)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	const uint64_t old = fixture_key(&fixture, 600);
	const uint64_t new = fixture_key(&fixture, 700);
	fixture_open(&fixture, old, 50);
	fixture_open(&fixture, new, 50);
	const uint64_t id = fixture_book(&fixture, old, 1);
	const struct session_view before = session_at(&fixture, id);
	struct slot_view seen_free;
	const uint32_t slot = table_find(&fixture.table, new);
	cr_assert(table_view(&fixture.table, slot, new, &seen_free));
	fixture_book(&fixture, new, 2); /* between the look and the move */
	table_moves_lock(&fixture.table);
	cr_assert_not(table_move(&fixture.table, &before, slot, &seen_free, 9));
	table_moves_unlock(&fixture.table);
	const struct session_view after = session_at(&fixture, id);
	cr_assert_eq(after.status, SESSION_BOOKED);
	cr_assert_eq(after.version, before.version);
	cr_assert_eq(after.key, old);
	cr_assert_eq(after.lsn, before.lsn);
	cr_assert_eq(after.updated_ms, before.updated_ms);
	fixture_fini(&fixture);
}

Test(table_move, a_session_that_changed_since_the_look_does_not_move)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	const uint64_t old = fixture_key(&fixture, 600);
	const uint64_t new = fixture_key(&fixture, 700);
	fixture_open(&fixture, old, 50);
	fixture_open(&fixture, new, 50);
	const uint64_t id = fixture_book(&fixture, old, 1);
	const struct session_view before = session_at(&fixture, id);
	struct slot_view free_slot;
	const uint32_t slot = table_find(&fixture.table, new);
	cr_assert(table_view(&fixture.table, slot, new, &free_slot));
	toy_cancel(&fixture.toy, id);
	table_moves_lock(&fixture.table);
	cr_assert_not(table_move(&fixture.table, &before, slot, &free_slot, 9));
	table_moves_unlock(&fixture.table);
	cr_assert_eq(session_at(&fixture, id).status, SESSION_CANCELLED);
	fixture_book(&fixture, new, 2);
	fixture_fini(&fixture);
}

Test(table_move, an_unlisted_slot_that_is_left_is_no_more)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	fixture.toy.unlisted_slots = true;
	const uint64_t old = fixture_key(&fixture, 601);
	const uint64_t new = fixture_key(&fixture, 700);
	fixture_open(&fixture, new, 50);
	const uint64_t id = fixture_book(&fixture, old, 1);
	cr_assert_eq(toy_move(&fixture.toy, id, new), MODEL_DONE);
	cr_assert_eq(table_find(&fixture.table, old), 0);
	cr_assert_eq(session_at(&fixture, id).minutes, 50);
	cr_assert_neq(fixture_book(&fixture, old, 1), id, "made again");
	fixture_fini(&fixture);
}

Test(table_move, the_slot_that_was_left_can_be_booked_when_memory_is_spent)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	const uint64_t old = fixture_key(&fixture, 600);
	const uint64_t new = fixture_key(&fixture, 700);
	fixture_open(&fixture, old, 50);
	fixture_open(&fixture, new, 50);
	const uint64_t id = fixture_book(&fixture, old, 1);
	cr_assert_eq(fixture_promised(&fixture), TABLE_BOOKING_BYTES);
	while (memory_take(&fixture.memory, 1)) {
	}
	for (uint32_t round = 0; round < 10; round++) {
		cr_assert_eq(toy_move(&fixture.toy, id, round % 2 == 0 ? new : old), MODEL_DONE);
		cr_assert_eq(fixture_promised(&fixture), TABLE_BOOKING_BYTES);
	}
	fixture_book(&fixture, new, 2);
	cr_assert_eq(fixture_promised(&fixture), 0);
	fixture_fini(&fixture);
}
