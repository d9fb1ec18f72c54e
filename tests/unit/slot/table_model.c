/*
 * Proves: under any sequence of commands the table answers as the model does (model/model.h), which sessions a client has
 * included (slot/thread.h), its invariants hold along the way, and the log it wrote, replayed, gives the same table again
 * [I1, I4, I9, I10].
 * Method: random streams of commands over a few days of three psychologists, so that they hit each other all the time;
 * days are purged as time goes by. The seed is printed on failure; SEED= repeats a run.
 */
#include "fixture.h"
#include <model/random.h>
#include <stdio.h>

#define STEPS             200000
#define STEPS_PER_COMPARE 20000
#define STEPS_PER_DAY     2000
#define PSYCHOLOGISTS     3
#define DAYS              4
#define CLIENTS           40
#define RECENT            64

struct run {
	struct fixture fixture;
	struct model model;
	uint64_t seed;
	uint64_t random;
	uint32_t step;
	uint16_t first_day; /* of the days in use; those before are purged, sooner or later */
	uint32_t psychologists[PSYCHOLOGISTS];
	uint64_t recent[RECENT]; /* session ids, to change */
};

#define AGREE(run, condition, ...)                                                                                     \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "step %u: " __VA_ARGS__);                                                      \
			fprintf(stderr, "\nrepeat with SEED=0x%llx\n", (unsigned long long)(run)->seed);               \
			cr_assert_fail("table and model disagree: " #condition);                                       \
		}                                                                                                      \
	} while (0)

static uint32_t below(struct run *run, uint32_t count)
{
	return random_below(&run->random, count);
}

static uint64_t random_key(struct run *run)
{
	const uint32_t psychologist = run->psychologists[below(run, PSYCHOLOGISTS)];
	/* One in sixteen is in a day that is being purged. */
	const uint32_t day = run->first_day + below(run, DAYS) - (below(run, 16) == 0);
	return key_make(psychologist, (uint16_t)day, (uint16_t)(below(run, 96) * 15));
}

static uint16_t random_minutes(struct run *run)
{
	static const uint16_t minutes[] = {15, 15, 15, 30, 30, 50, 90, 1440};
	return minutes[below(run, sizeof minutes / sizeof minutes[0])];
}

static void step_open(struct run *run)
{
	const uint64_t key = random_key(run);
	const uint16_t minutes = random_minutes(run);
	bool opened, expected_opened;
	const enum model_outcome outcome = toy_open(&run->fixture.toy, key, minutes, &opened);
	const enum model_outcome expected = model_open(&run->model, key, minutes, &expected_opened);
	AGREE(run, outcome == expected && opened == expected_opened, "OPEN %llx %u is %s, not %s", run->step,
	      (unsigned long long)key, minutes, model_outcome_name(outcome), model_outcome_name(expected));
}

static void step_close(struct run *run)
{
	const uint64_t key = random_key(run);
	const enum model_outcome outcome = toy_close(&run->fixture.toy, key);
	const enum model_outcome expected = model_close(&run->model, key);
	AGREE(run, outcome == expected, "CLOSE %llx is %s, not %s", run->step, (unsigned long long)key,
	      model_outcome_name(outcome), model_outcome_name(expected));
}

static void step_book(struct run *run)
{
	const uint64_t key = random_key(run);
	const uint32_t client = 1 + below(run, CLIENTS);
	uint64_t id = 0;
	const enum model_outcome outcome = toy_book(&run->fixture.toy, key, client, &id);
	uint64_t expected_id = id;
	bool changed;
	const enum model_outcome expected = model_book(&run->model, key, client, &expected_id, &changed);
	AGREE(run, outcome == expected && id == expected_id, "BOOK %llx for %u is %s %llu, not %s %llu", run->step,
	      (unsigned long long)key, client, model_outcome_name(outcome), (unsigned long long)id,
	      model_outcome_name(expected), (unsigned long long)expected_id);
	if (outcome == MODEL_DONE) {
		run->recent[below(run, RECENT)] = id;
	}
}

static void step_hold(struct run *run)
{
	const uint64_t key = random_key(run);
	const uint32_t client = 1 + below(run, CLIENTS);
	const uint16_t seconds = (uint16_t)(1 + below(run, 60));
	uint64_t id = 0;
	const enum model_outcome outcome = toy_hold(&run->fixture.toy, key, client, seconds, &id);
	uint64_t expected_id = id;
	bool changed;
	const enum model_outcome expected = model_hold(&run->model, key, client, seconds, &expected_id, &changed);
	AGREE(run, outcome == expected && id == expected_id, "HOLD %llx for %u is %s %llu, not %s %llu", run->step,
	      (unsigned long long)key, client, model_outcome_name(outcome), (unsigned long long)id,
	      model_outcome_name(expected), (unsigned long long)expected_id);
	if (outcome == MODEL_DONE) {
		run->recent[below(run, RECENT)] = id;
	}
}

static void step_time(struct run *run)
{
	struct toy_desk *toy = &run->fixture.toy;
	atomic_fetch_add_explicit(&toy->now_ms, below(run, 3000), memory_order_relaxed);
	run->model.hold_now_ms = toy_now_ms(toy);
}

static void step_change(struct run *run)
{
	/* Mostly CANCEL: a slot that is never free is no test. */
	static const enum life_command commands[] = {LIFE_CANCEL, LIFE_CANCEL,  LIFE_CANCEL,   LIFE_CANCEL,
						     LIFE_COMMIT, LIFE_CONFIRM, LIFE_COMPLETE, LIFE_NO_SHOW};
	const uint64_t id = run->recent[below(run, RECENT)] + (below(run, 50) == 0);
	const enum life_command command = commands[below(run, sizeof commands / sizeof commands[0])];
	const unsigned facts = below(run, 2) == 0 ? LIFE_HAS_STARTED : 0;
	const uint64_t lsn = toy_lsn(&run->fixture.toy);
	bool changed;
	const enum model_outcome outcome = toy_change(&run->fixture.toy, id, command, facts);
	const enum model_outcome expected = model_change(&run->model, id, command, facts, &changed);
	AGREE(run, outcome == expected && changed == (toy_lsn(&run->fixture.toy) > lsn),
	      "change %d of %llu is %s, not %s", run->step, (int)command, (unsigned long long)id,
	      model_outcome_name(outcome), model_outcome_name(expected));
}

static void compare_slot(struct run *run, const struct toy_desk *toy, uint64_t key, const struct model_slot *expected)
{
	const struct toy_look look = toy_look(toy, key);
	AGREE(run, look.there, "no slot %llx", run->step, (unsigned long long)key);
	AGREE(run, look.view.minutes == expected->minutes, "slot %llx has %u minutes", run->step,
	      (unsigned long long)key, look.view.minutes);
	AGREE(run, look.view.free == (expected->client == 0), "slot %llx is %s", run->step, (unsigned long long)key,
	      look.view.free ? "free" : "not free");
	AGREE(run, look.view.free || look.view.session == expected->session, "slot %llx is of session %llu", run->step,
	      (unsigned long long)key, (unsigned long long)look.view.session);
}

/* Compares a day of the model with that of a table, which may have other numbers for the psychologists. */
static void compare_day(struct run *run, const struct toy_desk *toy, uint32_t psychologist, uint32_t psychologist_there,
			uint16_t day)
{
	static struct model_slot expected[MINUTES_PER_DAY];
	static uint32_t slots[TABLE_DAY_SLOTS_MAX];
	const size_t expected_count = model_day(&run->model, psychologist, day, expected);
	const size_t count = table_day(toy->table, psychologist_there, day, slots);
	size_t listed = 0;
	for (size_t i = 0; i < expected_count; i++) {
		const uint64_t key = key_make(psychologist_there, day, key_minute(expected[i].key));
		compare_slot(run, toy, key, &expected[i]);
		if (expected[i].minutes != 0) {
			AGREE(run, listed < count && slots[listed] == table_find(toy->table, key),
			      "day %u has another slot at %zu", run->step, day, listed);
			listed++;
		}
	}
	AGREE(run, count == listed, "day %u has %zu slots, not %zu", run->step, day, count, listed);
}

static void step_day(struct run *run)
{
	const uint32_t psychologist = run->psychologists[below(run, PSYCHOLOGISTS)];
	const uint16_t day = (uint16_t)(run->first_day + below(run, DAYS + 1) - 1);
	compare_day(run, &run->fixture.toy, psychologist, psychologist, day);
}

static void compare_sessions(struct run *run, const struct toy_desk *toy)
{
	for (size_t i = 0; i < run->model.session_count; i++) {
		const struct model_session *expected = &run->model.sessions[i];
		struct session_view view;
		const bool there = table_session_view(toy->table, expected->id, &view);
		AGREE(run,
		      there && view.status == expected->status && view.version == expected->version &&
			  key_day(view.key) == key_day(expected->key),
		      "session %llu is another", run->step, (unsigned long long)expected->id);
	}
}

/* The sessions of a client, walked a few at a time, are those of the model. */
static void compare_client(struct run *run, const struct toy_desk *toy, uint32_t client_n)
{
	static uint64_t ids[STEPS];
	struct thread_cursor cursor = {0};
	enum thread_walk walk = THREAD_MORE;
	uint32_t seen = 0;
	uint32_t there = 0;
	const uint32_t client = toy_client(toy->table, client_n, true);
	while (walk == THREAD_MORE) {
		seen += table_client_sessions(toy->table, client, &cursor, &ids[seen], 1 + below(run, 9), &walk);
	}
	AGREE(run, walk == THREAD_END, "a walk was lost", run->step);
	for (uint32_t i = 0; i < seen; i++) {
		struct session_view view;
		struct model_session expected;
		/* Of a purged day it may still be linked; the model does not know it any more. */
		const bool is = table_session_view(toy->table, ids[i], &view);
		AGREE(run, is == model_session(&run->model, ids[i], &expected), "session %llu", run->step,
		      (unsigned long long)ids[i]);
		AGREE(run, !is || expected.client == client_n, "session %llu is of another client", run->step,
		      (unsigned long long)ids[i]);
		there += is;
	}
	struct model_session *all = calloc(run->model.session_count + 1, sizeof *all);
	const size_t expected_count = model_sessions(&run->model, client_n, 0, UINT16_MAX, all);
	free(all);
	AGREE(run, there == expected_count, "client %u has %u sessions, not %zu", run->step, client_n, there,
	      expected_count);
}

static void compare_all(struct run *run, const struct toy_desk *toy)
{
	for (uint32_t client = 1; client <= CLIENTS; client++) {
		compare_client(run, toy, client);
	}
	for (uint32_t i = 0; i < PSYCHOLOGISTS; i++) {
		const uint32_t there = toy_psychologist(toy->table, i);
		for (uint16_t day = (uint16_t)(run->first_day - 2); day < run->first_day + DAYS + 2; day++) {
			compare_day(run, toy, run->psychologists[i], there, day);
		}
	}
	compare_sessions(run, toy);
	table_check(toy->table);
}

/* The log so far, replayed into a new table, is the table. */
static void compare_replayed(struct run *run)
{
	static struct memory memory;
	static struct table table;
	struct error error;
	memory_init(&memory, 64 << 20);
	const struct table_options options = {.stripe_count = 2, .seed = 77};
	cr_assert(table_init(&table, &memory, &options, &error));
	AGREE(run, toy_replay(&run->fixture.toy, &table, &error), "%s", run->step, error.text);
	compare_all(run, &(struct toy_desk){.table = &table});
	table_fini(&table);
}

static void step(struct run *run)
{
	const uint32_t dice = below(run, 100);
	step_time(run);
	if (dice < 30) {
		step_book(run);
	} else if (dice < 40) {
		step_hold(run);
	} else if (dice < 62) {
		step_change(run);
	} else if (dice < 82) {
		step_open(run);
	} else if (dice < 94) {
		step_close(run);
	} else if (dice < 95) {
		compare_client(run, &run->fixture.toy, 1 + below(run, CLIENTS));
	} else {
		step_day(run);
	}
	if (run->step % STEPS_PER_DAY == 0) {
		run->first_day++;
		toy_purge(&run->fixture.toy, run->first_day, 1 + below(run, 100));
		model_purge(&run->model, run->first_day);
	}
	if (run->step % STEPS_PER_COMPARE == 0) {
		compare_all(run, &run->fixture.toy);
	}
}

static void run_steps(bool unlisted_slots)
{
	static struct run run;
	run = (struct run){.seed = random_seed(), .first_day = 1000};
	run.random = run.seed;
	fixture_init(&run.fixture, 64 << 20);
	run.fixture.toy.unlisted_slots = unlisted_slots;
	model_init(&run.model, unlisted_slots);
	for (uint32_t i = 0; i < PSYCHOLOGISTS; i++) {
		run.psychologists[i] = toy_psychologist(&run.fixture.table, i);
	}
	for (run.step = 1; run.step <= STEPS; run.step++) {
		step(&run);
	}
	compare_all(&run, &run.fixture.toy);
	compare_replayed(&run);
	model_fini(&run.model);
	fixture_fini(&run.fixture);
}

Test(table_model, the_table_does_as_the_model)
{
	run_steps(false);
}

Test(table_model, the_table_does_as_the_model_with_unlisted_slots)
{
	run_steps(true);
}
