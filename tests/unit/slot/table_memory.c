/*
 * Proves I5 for memory: an open slot can always be booked, by a client never seen before with the longest token, also
 * when OPEN is refused for memory; and that the accounts balance through every way a slot can go.
 * Method: the table is filled to the limit with hours, then every slot is booked; table_check compares promises with
 * slots.
 */
#include "fixture.h"
#include <stdio.h>

/* Opens until memory is spent; returns how many. */
static uint32_t fill(struct fixture *fixture)
{
	for (uint32_t count = 0;; count++) {
		bool added;
		const uint64_t key =
		    key_make(fixture->lee, (uint16_t)(FIXTURE_DAY + count / 48), (uint16_t)(count % 48 * 30));
		const uint32_t slot = table_add(&fixture->table, key, claim_make(CLAIM_CLOSED, 30, 0), false, &added);
		if (slot == 0) {
			return count;
		}
		cr_assert(added);
		table_open(&fixture->table, slot, count + 1);
	}
}

/* Books the n-th slot for a client with a token of 64 bytes of its own. */
static uint64_t book(struct fixture *fixture, uint32_t n, uint64_t lsn)
{
	struct table *table = &fixture->table;
	const uint64_t key = key_make(fixture->lee, (uint16_t)(FIXTURE_DAY + n / 48), (uint16_t)(n % 48 * 30));
	char token[TOKEN_SIZE_MAX + 1];
	snprintf(token, sizeof token, "%064llu", (unsigned long long)lsn);
	const uint32_t client = intern_add(&table->clients, span_of(token), true);
	cr_assert_neq(client, 0);
	const uint32_t session = table_session_take(table, true);
	cr_assert_neq(session, 0);
	struct slot_view view;
	cr_assert(table_view(table, table_find(table, key), key, &view));
	const uint64_t id = table_claim(table, table_find(table, key), &view, session, client, 1);
	cr_assert_neq(id, 0);
	table_settle(table, id, lsn);
	return id;
}

Test(table_memory, every_open_slot_can_be_booked_when_memory_is_spent)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	const uint32_t count = fill(&fixture);
	cr_assert_gt(count, 90000, "%u slots in 16 MiB", count);
	cr_assert_leq(fixture_used(&fixture), 16u << 20);
	cr_assert_eq(fixture_promised(&fixture), count * TABLE_BOOKING_BYTES);
	while (memory_take(&fixture.memory, 1)) {
	}
	cr_assert_eq(table_session_take(&fixture.table, false), 0, "nothing is left for who was promised nothing");
	for (uint32_t n = 0; n < count; n++) {
		book(&fixture, n, count + 1 + n);
		cr_assert_leq(fixture_used(&fixture), 16u << 20);
	}
	cr_assert_eq(fixture_promised(&fixture), 0);
	fixture_fini(&fixture);
}

Test(table_memory, a_cancelled_slot_is_promised_again)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	const uint32_t count = fill(&fixture);
	uint64_t lsn = count;
	for (uint32_t round = 0; round < 100; round++) {
		const uint64_t id = book(&fixture, 0, ++lsn);
		struct session_view seen;
		cr_assert(table_session_view(&fixture.table, id, &seen));
		cr_assert(table_change(&fixture.table, &seen, SESSION_CANCELLED, 2));
		table_settle(&fixture.table, id, ++lsn);
		cr_assert_eq(fixture_promised(&fixture), count * TABLE_BOOKING_BYTES);
	}
	cr_assert_leq(fixture_used(&fixture), (16u << 20) + 100 * TABLE_BOOKING_BYTES);
	fixture_fini(&fixture);
}

Test(table_memory, what_goes_gives_everything_back_but_tokens_and_cards)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	const uint64_t key = fixture_key(&fixture, 600);
	toy_client(&fixture.table, 1, true);
	const uint64_t before = fixture_used(&fixture);
	fixture_open(&fixture, key, 50);
	cr_assert_eq(fixture_used(&fixture), before + 2 * TABLE_SLOT_BYTES + TABLE_BOOKING_BYTES);
	toy_close(&fixture.toy, key);
	cr_assert_eq(fixture_used(&fixture), before + TABLE_SLOT_BYTES);
	fixture_open(&fixture, key, 50);
	const uint64_t id = fixture_book(&fixture, key, 1);
	cr_assert_eq(fixture_used(&fixture), before + 2 * TABLE_SLOT_BYTES + TABLE_SESSION_BYTES);
	toy_cancel(&fixture.toy, id);
	fixture_book(&fixture, key, 1);
	cr_assert_eq(fixture_used(&fixture), before + 2 * TABLE_SLOT_BYTES + 2 * TABLE_SESSION_BYTES);
	toy_purge(&fixture.toy, FIXTURE_DAY + 1, 10);
	cr_assert_eq(fixture_used(&fixture), before);
	cr_assert_eq(fixture_promised(&fixture), 0);
	fixture_fini(&fixture);
}

Test(table_memory, after_a_purge_as_many_slots_can_be_opened_again)
{
	static struct fixture fixture;
	fixture_init(&fixture, 4 << 20);
	const uint32_t count = fill(&fixture);
	struct purge_cursor cursor = {0};
	table_purge_horizon(&fixture.table, (uint16_t)(FIXTURE_DAY + count / 48 + 1), 1000000);
	while (table_purge_reclaim(&fixture.table, &cursor, 100)) {
	}
	cr_assert_eq(cursor.removed_open, count);
	cr_assert_eq(fixture_promised(&fixture), 0);
	uint32_t again = 0;
	bool added;
	for (; again <= count; again++) {
		const uint64_t key = key_make(fixture.lee, (uint16_t)(40000 + again / 48), (uint16_t)(again % 48 * 30));
		if (table_add(&fixture.table, key, claim_make(CLAIM_CLOSED, 30, 0), false, &added) == 0) {
			break;
		}
		table_open(&fixture.table, table_find(&fixture.table, key), 1000001 + again);
	}
	cr_assert_eq(again, count);
	fixture_fini(&fixture);
}

Test(table_memory, an_unlisted_slot_asks_for_everything_when_it_is_claimed)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	fill(&fixture);
	bool added;
	const uint64_t key = key_make(fixture.lee, 100, 1);
	while (memory_take(&fixture.memory, 1)) {
	}
	cr_assert_eq(table_add(&fixture.table, key, claim_make(CLAIM_OPEN, 0, 0), false, &added), 0);
	cr_assert_eq(table_session_take(&fixture.table, false), 0);
	cr_assert_eq(toy_client(&fixture.table, 1, false), 0);
	fixture_fini(&fixture);
}
