/*
 * Proves: looking ahead changes nothing, whatever there is to see: a slot that is open, booked, cancelled or not there, a
 * psychologist and a client that are new; and two of one kind at once. Method: all of them in one burst, the accounts of
 * memory and the table's own check before and after.
 */
#include "fixture.h"

static struct table_prospect expect(const struct table *table, const char *psychologist, uint16_t minute,
				    const char *client)
{
	struct table_prospect prospect = {.day = FIXTURE_DAY, .minute = minute};
	table_expect(table, &prospect, span_of(psychologist), span_of(client));
	return prospect;
}

Test(table_ahead, a_look_ahead_changes_nothing)
{
	static struct fixture fixture;
	fixture_init(&fixture, 16 << 20);
	struct table *table = &fixture.table;
	const uint32_t psychologist = intern_add(&table->psychologists, span_of("dr-ahead"), false);
	for (uint16_t minute = 0; minute < 180; minute += 60) {
		fixture_open(&fixture, key_make(psychologist, FIXTURE_DAY, minute), 50);
	}
	fixture_book(&fixture, key_make(psychologist, FIXTURE_DAY, 60), 1);
	toy_cancel(&fixture.toy, fixture_book(&fixture, key_make(psychologist, FIXTURE_DAY, 120), 1));
	const uint64_t used = atomic_load_explicit(&fixture.memory.used, memory_order_relaxed);

	struct table_prospect prospects[] = {
	    expect(table, "dr-ahead", 0, "client-1"),   expect(table, "dr-ahead", 60, "client-1"),
	    expect(table, "dr-ahead", 60, "nobody"),    expect(table, "dr-ahead", 120, "client-1"),
	    expect(table, "dr-ahead", 180, "client-1"), expect(table, "dr-nobody", 60, "nobody"),
	    expect(table, "dr-ahead", 0, "client-1"),
	};
	table_approach(table, prospects, sizeof prospects / sizeof prospects[0]);
	table_approach(table, NULL, 0);

	cr_assert_eq(intern_find(&table->psychologists, span_of("dr-nobody")), 0);
	cr_assert_eq(intern_find(&table->clients, span_of("nobody")), 0);
	cr_assert_eq(atomic_load_explicit(&fixture.memory.used, memory_order_relaxed), used);
	table_check(table);
	fixture_fini(&fixture);
}
