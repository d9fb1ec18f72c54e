/*
 * Proves: the list of holds knows the first that is over, counts what a client has by the clock, keeps its limits and gives
 * back its memory [I5].
 * Method: random commands, compared with an array that is searched; the seed is printed on failure, SEED= repeats a run.
 */
#include <criterion/criterion.h>
#include <model/random.h>
#include <slot/holds.h>

#define COUNT_MAX  40
#define PER_CLIENT 3
#define CLIENTS    12
#define STEPS      200000

static struct memory memory;
static struct holds holds;

static void set_up(void)
{
	struct error error;
	memory_init(&memory, 1 << 20);
	cr_assert(holds_init(&holds, &memory, COUNT_MAX, PER_CLIENT, 0, &error));
}

static void tear_down(void)
{
	holds_check(&holds);
	holds_fini(&holds);
}

TestSuite(holds, .init = set_up, .fini = tear_down);

static enum holds_room hold(uint32_t client, uint64_t session, uint64_t now_ms, uint64_t expires_ms)
{
	uint32_t entry;
	const enum holds_room room = holds_reserve(&holds, client, 0, now_ms, &entry);
	if (room == HOLDS_ROOM) {
		holds_begin(&holds, entry, session, expires_ms);
	}
	return room;
}

struct held {
	uint64_t session;
	uint64_t expires_ms;
	uint32_t client;
};

struct run {
	uint64_t random;
	uint64_t now_ms;
	uint64_t session;
	struct held held[COUNT_MAX];
	uint32_t count;
};

static void step_hold(struct run *run)
{
	const uint32_t client = 1 + random_below(&run->random, CLIENTS);
	uint32_t live = 0;
	for (uint32_t i = 0; i < run->count; i++) {
		live += run->held[i].client == client && run->held[i].expires_ms > run->now_ms;
	}
	const enum holds_room expected = live >= PER_CLIENT        ? HOLDS_CLIENT_FULL
					 : run->count >= COUNT_MAX ? HOLDS_FULL
								   : HOLDS_ROOM;
	const struct held held = {++run->session, run->now_ms + random_below(&run->random, 1000), client};
	cr_assert_eq(hold(client, held.session, run->now_ms, held.expires_ms), expected);
	if (expected == HOLDS_ROOM) {
		run->held[run->count++] = held;
	}
}

static void step_change(struct run *run, bool end)
{
	struct held *held = &run->held[random_below(&run->random, run->count)];
	if (end) {
		holds_end(&holds, held->client, held->session);
		*held = run->held[--run->count];
	} else {
		held->expires_ms = run->now_ms + random_below(&run->random, 1000);
		holds_renew(&holds, held->client, held->session, held->expires_ms);
	}
}

static void step_due(struct run *run)
{
	uint64_t first_ms = UINT64_MAX;
	for (uint32_t i = 0; i < run->count; i++) {
		first_ms = run->held[i].expires_ms < first_ms ? run->held[i].expires_ms : first_ms;
	}
	uint32_t client;
	uint64_t session;
	cr_assert_eq(holds_due(&holds, run->now_ms, &client, &session), first_ms <= run->now_ms);
	for (uint32_t i = 0; i < run->count && first_ms <= run->now_ms; i++) {
		if (run->held[i].session == session) {
			cr_assert_eq(run->held[i].expires_ms, first_ms);
			cr_assert_eq(run->held[i].client, client);
			return;
		}
	}
	cr_assert_gt(first_ms, run->now_ms);
}

Test(holds, do_as_an_array_does)
{
	struct run run = {.random = random_seed()};
	for (uint32_t step = 0; step < STEPS; step++) {
		const uint32_t dice = random_below(&run.random, 100);
		run.now_ms += random_below(&run.random, 20);
		if (dice < 50) {
			step_hold(&run);
		} else if (dice < 80 && run.count > 0) {
			step_change(&run, dice < 70);
		} else {
			step_due(&run);
		}
		if (step % 1000 == 0) {
			holds_check(&holds);
		}
	}
	while (run.count > 0) {
		step_change(&run, true);
	}
	cr_assert_eq(atomic_load_explicit(&memory.used, memory_order_relaxed), 0);
}

Test(holds, an_entry_that_is_reserved_counts_and_can_be_given_back)
{
	uint32_t entry;
	cr_assert_eq(hold(1, 11, 0, 10), HOLDS_ROOM);
	cr_assert_eq(hold(1, 12, 0, 20), HOLDS_ROOM);
	cr_assert_eq(holds_reserve(&holds, 1, 0, 0, &entry), HOLDS_ROOM);
	cr_assert_eq(hold(1, 13, 0, 30), HOLDS_CLIENT_FULL);
	cr_assert_eq(hold(1, 13, 10, 30), HOLDS_ROOM, "one is over");
	holds_release(&holds, entry);
	cr_assert_eq(hold(1, 14, 10, 30), HOLDS_ROOM);
}

Test(holds, what_nobody_holds_is_not_missed)
{
	uint32_t client;
	uint64_t session;
	holds_end(&holds, 1, 11);
	holds_renew(&holds, 1, 11, 7);
	cr_assert_not(holds_due(&holds, UINT64_MAX, &client, &session));
}

Test(holds, memory_is_asked_for_before_the_claim)
{
	uint32_t entry;
	memory_force(&memory, 1 << 20);
	cr_assert_eq(holds_reserve(&holds, 1, 0, 0, &entry), HOLDS_NO_MEMORY);
	memory_give(&memory, 1 << 20);
}

Test(holds, those_there_are_at_start_are_taken_whatever_the_limits_say)
{
	struct error error;
	uint32_t entry;
	holds_fini(&holds);
	cr_assert(holds_init(&holds, &memory, 2, 1, 5, &error));
	for (uint64_t session = 1; session <= 5; session++) {
		holds_restore(&holds, 1, session, 100 - session);
	}
	cr_assert_eq(holds_reserve(&holds, 2, 0, 0, &entry), HOLDS_FULL);
	uint32_t client;
	uint64_t session;
	cr_assert(holds_due(&holds, 95, &client, &session));
	cr_assert_eq(session, 5);
}
