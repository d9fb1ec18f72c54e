/*
 * busy_stress: calendars change while several threads book, hold, cancel, move, close and open the same few slots; made for
 * ThreadSanitizer.
 *
 * Proves: whenever all rest, a slot that nobody has is blocked exactly if the psychologist is busy at some minute of it, and
 * the counters of INFO say how many; who freed a slot beside an update has not been missed. And the log, replayed strictly,
 * gives the same table, in every word of its dump. `--canary` frees without looking at the calendars, and must be found.
 *
 * usage: busy_stress [SECONDS] [--canary]        SEED=... in the environment repeats the choices of the threads
 */
#include "rig.h"
#include <inttypes.h>
#include <model/random.h>

#define THREADS      4
#define SLOTS        8 /* of each psychologist: few, so that threads meet */
#define DAY          30000
#define TURNS        200 /* of each thread between two rests */
#define ROUNDS_MAX   400
#define HOLD_SECONDS 600

static const char *const psychologists[] = {"dr-lee", "dr-cruz"};
static const char *const sources[] = {"google", "outlook"};

static _Atomic uint64_t last_generation; /* times 8; relaxed */

struct worker {
	struct rig_worker base;
	uint64_t sessions[32]; /* the last it made */
	uint32_t made;
	uint64_t updates;
	uint64_t blocked;
	uint64_t conflicts;
};

static struct place random_place(struct worker *worker)
{
	const uint32_t slot = random_below(&worker->base.random, SLOTS);
	return (struct place){span_of(psychologists[random_below(&worker->base.random, 2)]), DAY,
			      (uint16_t)(600 + 20 * slot)};
}

static void claim(struct worker *worker)
{
	struct desk *desk = &worker->base.rig->desk;
	const struct place place = random_place(worker);
	char client[16];
	snprintf(client, sizeof client, "client-%" PRIu32, worker->base.number);
	const struct outcome outcome = random_below(&worker->base.random, 3) == 0
					   ? desk_hold(desk, &place, span_of(client), HOLD_SECONDS)
					   : desk_book(desk, &place, span_of(client));
	if (outcome.code == OUTCOME_DONE) {
		worker->sessions[worker->made++ % 32] = outcome.value;
	}
}

/* An update of up to three intervals, by every worker of both sources, so that generations overtake each other. */
static void update(struct worker *worker)
{
	struct desk *desk = &worker->base.rig->desk;
	const uint32_t day = DAY * MINUTES_PER_DAY + 600;
	struct busy_interval intervals[3];
	struct busy_update update = {.source = span_of(sources[random_below(&worker->base.random, 2)]),
				     .generation =
					 atomic_fetch_add_explicit(&last_generation, 1, memory_order_relaxed) / 8 +
					 random_below(&worker->base.random, 2),
				     .at_ms = 1,
				     .window = {day + random_below(&worker->base.random, 80), 0},
				     .intervals = intervals};
	update.window.end = update.window.start + 1 + random_below(&worker->base.random, 100);
	uint32_t at = update.window.start;
	while (update.count < random_below(&worker->base.random, 4) && at + 2 < update.window.end) {
		at += random_below(&worker->base.random, (update.window.end - at) / 2 + 1);
		const uint32_t end = at + 1 + random_below(&worker->base.random, update.window.end - at);
		intervals[update.count++] = (struct busy_interval){at, end};
		at = end;
	}
	struct busy_walk walk;
	CHECK(desk_busy(desk, span_of(psychologists[random_below(&worker->base.random, 2)]), &update, &walk).code ==
	      OUTCOME_DONE);
	while (desk_busy_step(desk, &walk)) {
	}
	worker->updates++;
	worker->blocked += walk.blocked;
	worker->conflicts += walk.conflicts;
}

static void turn(void *argument)
{
	struct worker *worker = argument;
	struct desk *desk = &worker->base.rig->desk;
	const uint64_t session = worker->sessions[random_below(&worker->base.random, 32)];
	const uint32_t dice = random_below(&worker->base.random, 20);
	struct place place = random_place(worker);
	uint64_t occupied;
	rig_wait_for_room(worker->base.rig);
	if (dice < 7) {
		claim(worker);
	} else if (dice < 12) {
		desk_cancel(desk, session, span_of(""));
	} else if (dice < 14) {
		desk_reschedule(desk, session, &place);
	} else if (dice < 18) {
		update(worker);
	} else if (dice < 19) {
		desk_close(desk, &place, &occupied);
	} else {
		place.minute = 600;
		desk_open(desk, &place, 20, SLOTS, 20);
	}
}

/* All rest: is every slot as the calendars say? */
static void check(void *argument)
{
	const struct worker *worker = argument;
	struct rig *rig = worker->base.rig;
	struct table *table = &rig->table;
	struct table_counts counts;
	table_count(table, 1, &counts);
	for (uint32_t number = 1; pool_has(&table->slots, number); number++) {
		struct slot_view view;
		uint64_t lsn = 0;
		const struct slot *slot = pool_at(&table->slots, number);
		const uint64_t key = atomic_load_explicit(&slot->key, memory_order_relaxed);
		if (key == 0 || key_minute(key) == KEY_MINUTE_CARD || !table_view(table, number, key, &view)) {
			continue;
		}
		const bool busy = table_is_busy(table, key, view.minutes, &lsn);
		const bool occupied = !view.free && view.kind == CLAIM_SESSION;
		if (!occupied && busy != (view.kind == CLAIM_BLOCKED)) {
			printf("violation: the slot at minute %u is %s, and the psychologist is %s\n", key_minute(key),
			       view.free ? "open" : "blocked", busy ? "busy" : "not busy");
			exit(EXIT_FAILURE);
		}
	}
	int64_t open = 0;
	int64_t blocked = 0;
	for (uint32_t i = 0; i < THREADS; i++) {
		open += atomic_load_explicit(&rig->service.counters[i].slots_open, memory_order_relaxed);
		blocked += atomic_load_explicit(&rig->service.counters[i].slots_blocked, memory_order_relaxed);
	}
	CHECK(open == (int64_t)counts.open && blocked == (int64_t)counts.blocked);
	table_check(table);
	/* The holds of this round are over in the next. */
	atomic_fetch_add_explicit(&rig->ahead_ms, (HOLD_SECONDS + 1) * UINT64_C(1000), memory_order_relaxed);
}

static void run(struct rig *rig, uint64_t seconds, uint64_t seed)
{
	static struct worker workers[THREADS];
	static const struct rig_work work = {turn, check, TURNS, ROUNDS_MAX};
	rig_run(rig, &work, workers, sizeof workers[0], seconds, seed);
	uint64_t updates = 0, blocked = 0, conflicts = 0, made = 0;
	for (uint32_t i = 0; i < THREADS; i++) {
		updates += workers[i].updates;
		blocked += workers[i].blocked;
		conflicts += workers[i].conflicts;
		made += workers[i].made;
	}
	printf("busy_stress: %d threads, %" PRIu64 " updates blocked %" PRIu64 " slots and met %" PRIu64
	       " conflicts, %" PRIu64 " claims, %" PRIu64 " records\n",
	       THREADS, updates, blocked, conflicts, made, wal_appended_lsn(rig->wal));
}

int main(int argc, char **argv)
{
	static struct rig rig;
	const uint64_t seconds = argc > 1 && argv[1][0] != '-' ? strtoull(argv[1], NULL, 10) : 2;
	const uint64_t seed = random_seed();
	printf("busy_stress: SEED=0x%" PRIx64 "\n", seed);
	struct config *config = &rig.config;
	config->hold_total_max = HOLD_SECONDS;
	config->holds_per_client = 4;
	config->holds_max = 100;
	config->busy_sources_max = 2;
	config->busy_intervals_max = 100;
	rig_begin(&rig, THREADS);
	/* The canary: as if replay were still going on, nobody who frees a slot looks at the calendars. */
	rig.table.derives = !(argc > 1 && strcmp(argv[argc - 1], "--canary") == 0);
	for (uint32_t i = 0; i < 2; i++) {
		const struct place first = {span_of(psychologists[i]), DAY, 600};
		CHECK(desk_open(&rig.desk, &first, 20, SLOTS, 20).code == OUTCOME_DONE);
	}
	run(&rig, seconds, seed);
	rig_compare(&rig);
	rig_end(&rig);
	return 0;
}
