/*
 * Proves: I1, I4, I10 for copies: a table copied record by record while commands change it, put into an empty one together
 * with the records of the log from then on, is the table that all records make, in every word of its dump and with its
 * invariants; the records a copy may have are applied to the same end whether it has them or not.
 * Method: random commands on few slots of few days, so that in one copying slots are closed and opened again, purged, and
 * ids are used up and given out anew; a few records are copied between any two commands. The seed is printed on failure;
 * SEED= repeats a run.
 */
#include "fixture.h"
#include <model/random.h>
#include <slot/image.h>
#include <stdio.h>

#define ROUNDS       400
#define STEPS        300 /* a third before the copying, and behind it what is left */
#define IMAGES_MAX   4096
#define RECENT       16
#define FIRST_DAY    1000
#define MEMORY_LIMIT (UINT64_C(16) << 20)

struct run {
	struct fixture fixture;
	uint64_t random;
	uint16_t first_day;
	uint64_t recent[RECENT];
	/* the copying */
	uint64_t begin_lsn;
	uint64_t end_lsn; /* 0: it goes on */
	uint32_t horizon;
	uint64_t removed_lsn;
	uint32_t slot_cursor, session_cursor;
	bool more_slots, more_sessions;
	struct slot_image slots[IMAGES_MAX];
	struct session_image sessions[IMAGES_MAX];
	uint32_t slot_count, session_count;
};

static uint32_t below(struct run *run, uint32_t count)
{
	return random_below(&run->random, count);
}

static void step(struct run *run)
{
	struct toy_desk *toy = &run->fixture.toy;
	const uint32_t dice = below(run, 100);
	const uint64_t key =
	    key_make(run->fixture.lee, (uint16_t)(run->first_day + below(run, 3)), (uint16_t)(30 * below(run, 4)));
	bool opened;
	uint64_t id = 0;
	if (dice < 35) {
		const uint32_t client = 1 + below(run, 5);
		atomic_fetch_add_explicit(&toy->now_ms, 500, memory_order_relaxed);
		if ((dice < 25 ? toy_book(toy, key, client, &id) : toy_hold(toy, key, client, 5, &id)) == MODEL_DONE) {
			run->recent[below(run, RECENT)] = id;
		}
	} else if (dice < 38) {
		toy_renew(toy, run->recent[below(run, RECENT)], 5);
	} else if (dice < 60) {
		static const enum life_command commands[] = {LIFE_CANCEL, LIFE_CANCEL, LIFE_CONFIRM, LIFE_COMPLETE,
							     LIFE_NO_SHOW};
		toy_change(toy, run->recent[below(run, RECENT)], commands[below(run, 5)], LIFE_HAS_STARTED);
	} else if (dice < 78) {
		toy_open(toy, key, below(run, 4) == 0 ? 60 : 30, &opened);
	} else if (dice < 97) {
		toy_close(toy, key);
	} else {
		toy_purge(toy, ++run->first_day, 1 + below(run, 10));
	}
}

static void begin_copying(struct run *run)
{
	const struct table *table = &run->fixture.table;
	/* Durable may be behind what is appended. */
	const uint64_t lsn = toy_lsn(&run->fixture.toy);
	run->begin_lsn = lsn - below(run, lsn < 20 ? (uint32_t)lsn + 1 : 20);
	run->horizon = atomic_load_explicit(&table->purged_before_day, memory_order_relaxed);
	run->removed_lsn = table_removed_lsn(table);
	run->more_slots = run->more_sessions = true;
}

static void copy_some(struct run *run)
{
	const struct table *table = &run->fixture.table;
	const uint32_t looks = 1 + below(run, 3);
	if (run->more_slots) {
		run->slot_count +=
		    table_copy_slots(table, &run->slot_cursor, run->slots + run->slot_count, looks, &run->more_slots);
	} else if (run->more_sessions) {
		run->session_count += table_copy_sessions(
		    table, &run->session_cursor, run->sessions + run->session_count, looks, &run->more_sessions);
	} else if (run->end_lsn == 0) {
		run->end_lsn = toy_lsn(&run->fixture.toy);
	}
}

static void copy_tokens(struct intern *from, struct intern *to)
{
	uint8_t token[TOKEN_SIZE_MAX];
	size_t size;
	for (uint32_t number = 0; (number = intern_next(from, number, token, &size)) != 0;) {
		cr_assert(intern_place(to, &(struct intern_copy){number, {token, size}}, 1));
	}
}

static void new_table(struct memory *memory, struct table *table)
{
	struct error error;
	memory_init(memory, MEMORY_LIMIT);
	const struct table_options options = {.stripe_count = 2, .seed = 77};
	cr_assert(table_init(table, memory, &options, &error));
}

static void restore(struct run *run, struct table *table, uint64_t seed)
{
	struct error error = {0};
	copy_tokens(&run->fixture.table.psychologists, &table->psychologists);
	copy_tokens(&run->fixture.table.clients, &table->clients);
	table_purge_horizon(table, (uint16_t)run->horizon, run->removed_lsn);
	/* Any number of copies at a time, none of either included. */
	table_expect_copies(table, run->slot_count, 10);
	for (uint32_t i = 0, count; i < run->slot_count; i += count) {
		count = below(run, run->slot_count - i + 1);
		cr_assert(table_put_slots(table, &run->slots[i], count, &error));
	}
	for (uint32_t i = 0, count; i < run->session_count; i += count) {
		count = below(run, run->session_count - i + 1);
		cr_assert(table_put_sessions(table, &run->sessions[i], count, &error));
	}
	cr_assert(toy_replay_onto(&run->fixture.toy, table, run->begin_lsn, run->end_lsn, &error),
		  "%s; repeat with SEED=0x%llx", error.text, (unsigned long long)seed);
	table_check(table);
}

static char *dump(const struct table *table)
{
	struct buffer out = {0};
	table_dump(table, &out);
	buffer_add(&out, "", 1);
	return (char *)out.at;
}

static void compare(struct run *run, uint64_t seed)
{
	static struct memory memories[2];
	static struct table restored, replayed;
	struct error error = {0};
	new_table(&memories[0], &restored);
	restore(run, &restored, seed);
	new_table(&memories[1], &replayed);
	cr_assert(toy_replay(&run->fixture.toy, &replayed, &error), "%s", error.text);
	char *of_restored = dump(&restored);
	char *of_replayed = dump(&replayed);
	char *of_live = dump(&run->fixture.table);
	cr_assert_str_eq(of_restored, of_replayed, "repeat with SEED=0x%llx", (unsigned long long)seed);
	cr_assert_str_eq(of_live, of_replayed, "repeat with SEED=0x%llx", (unsigned long long)seed);
	cr_assert_eq(atomic_load_explicit(&memories[0].promised, memory_order_relaxed),
		     atomic_load_explicit(&memories[1].promised, memory_order_relaxed));
	free(of_restored);
	free(of_replayed);
	free(of_live);
	table_fini(&restored);
	table_fini(&replayed);
}

static void run_round(uint64_t seed, bool unlisted_slots)
{
	static struct run run;
	run = (struct run){.random = seed, .first_day = FIRST_DAY};
	fixture_init(&run.fixture, MEMORY_LIMIT);
	run.fixture.toy.unlisted_slots = unlisted_slots;
	const uint32_t before = below(&run, STEPS / 3);
	for (uint32_t i = 0; i < STEPS || run.end_lsn == 0; i++) {
		if (i == before) {
			begin_copying(&run);
		}
		step(&run);
		if (i >= before && below(&run, 2) == 0) {
			copy_some(&run);
		}
	}
	compare(&run, seed);
	fixture_fini(&run.fixture);
}

Test(image, copies_and_the_log_are_what_the_whole_log_is)
{
	uint64_t seed = random_seed();
	for (uint32_t i = 0; i < ROUNDS; i++) {
		run_round(seed++, i % 2 != 0);
	}
}

static struct fixture fixture;

static void setup(void)
{
	fixture_init(&fixture, MEMORY_LIMIT);
}

TestSuite(image_refusal, .init = setup);

Test(image_refusal, a_slot_of_a_session_that_is_not_there_contradicts_itself)
{
	struct error error;
	const struct slot_image slot = {fixture_key(&fixture, 600), claim_make(CLAIM_SESSION, 50, 3)};
	cr_assert(table_put_slots(&fixture.table, &slot, 1, &error));
	cr_assert_not(table_redo_done(&fixture.table, 2, &error));
	cr_assert_eq(error.code, ERROR_DAMAGED);
}

Test(image_refusal, a_session_that_keeps_no_slot_contradicts_itself)
{
	struct error error;
	const struct session_image session = {.state = session_state(SESSION_BOOKED, 1, 5),
					      .key = fixture_key(&fixture, 600),
					      .number = 3,
					      .client = toy_client(&fixture.table, 1, true),
					      .minutes = 50};
	cr_assert(table_put_sessions(&fixture.table, &session, 1, &error));
	cr_assert_not(table_redo_done(&fixture.table, 2, &error));
	cr_assert_eq(error.code, ERROR_DAMAGED);
}

Test(image_refusal, what_cannot_be_a_copy_is_refused)
{
	struct error error;
	const uint64_t key = fixture_key(&fixture, 600);
	cr_assert_not(
	    table_put_slots(&fixture.table, &(struct slot_image){key, claim_make(CLAIM_CLOSED, 50, 0)}, 1, &error));
	cr_assert_not(
	    table_put_slots(&fixture.table, &(struct slot_image){key, claim_make(CLAIM_OPEN, 0, 7)}, 1, &error));
	cr_assert_not(table_put_sessions(&fixture.table, &(struct session_image){.number = 0}, 1, &error));
	cr_assert_not(table_put_sessions(
	    &fixture.table,
	    &(struct session_image){.number = 1, .client = 1, .key = key, .state = session_state(SESSION_BOOKED, 1, 0)},
	    1, &error));
	cr_assert_not(table_redo_change(&fixture.table, 9, SESSION_CANCELLED, 4, 1, 0, &error));
	cr_assert_eq(error.code, ERROR_DAMAGED);
}
