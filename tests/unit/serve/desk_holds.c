/*
 * Proves: I5 for holds: whatever little memory is left, a HOLD that does not fit is refused as out of memory, is no session,
 * and takes nothing with it.
 *
 * Method: a slot nobody opened, whose hold has to ask for all it needs; the budget ends at every byte before it is enough. No
 * record is ever due, so the desk needs no log.
 */
#include <criterion/criterion.h>
#include <serve/desk.h>

#define NOW_MS (UINT64_C(86400000) * 22280)

static uint64_t wall_ms(void *context)
{
	(void)context;
	return NOW_MS;
}

static uint64_t monotonic_ns(void *context)
{
	(void)context;
	return 1000000;
}

Test(desk_holds, that_memory_is_short_for_are_refused_and_take_nothing)
{
	static struct memory memory;
	static struct table table;
	static struct config config = {.holds_max = 10, .holds_per_client = 10, .hold_total_max = 3600};
	struct error error;
	const struct table_options options = {.stripe_count = 1, .seed = 5};
	memory_init(&memory, 64 << 20);
	cr_assert(table_init(&table, &memory, &options, &error), "%s", error.text);
	struct clock clock = {.wall_ms = wall_ms, .monotonic_ns = monotonic_ns};
	static struct service service;
	service.config = &config;
	service.clock = &clock;
	static struct desk desk;
	desk.service = &service;
	desk.memory = &memory;
	desk.table = &table;
	desk.clock = &clock;
	desk.unlisted_slots = true;
	cr_assert(desk_restore_holds(&desk, NOW_MS, 0, &error), "%s", error.text);

	/* The slot and its tokens are there already, free. */
	const struct place place = {span_of("dr-lee"), 22281, 540};
	const uint32_t psychologist = intern_add(&table.psychologists, place.psychologist, false);
	bool added;
	cr_assert_neq(intern_add(&table.clients, span_of("client-1"), false), 0);
	cr_assert_neq(table_add(&table, key_make(psychologist, place.day, place.minute), claim_make(CLAIM_OPEN, 0, 0),
				false, &added),
		      0);

	const uint64_t used = atomic_load_explicit(&memory.used, memory_order_relaxed);
	for (uint64_t left = 0; left < HOLDS_BYTES_PER_HOLD + TABLE_SESSION_BYTES; left++) {
		memory.limit = used + left;
		const struct outcome outcome = desk_hold(&desk, &place, span_of("client-1"), 60);
		cr_assert_eq(outcome.code, OUTCOME_MEMORY, "%d with %d bytes left", (int)outcome.code, (int)left);
		cr_assert_eq(outcome.value, 0);
		cr_assert_eq(atomic_load_explicit(&memory.used, memory_order_relaxed), used);
		holds_check(&desk.holds);
	}
	holds_fini(&desk.holds);
	table_fini(&table);
}
