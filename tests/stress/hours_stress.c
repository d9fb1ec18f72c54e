/*
 * hours_stress: weekly hours are set and carried out by several threads at once, which also claim, cancel, open and close; made
 * for ThreadSanitizer.
 *
 * Proves: whenever all rest and the rest is carried out, every slot of the hours that were set last is there, unless another is
 * in the way; none that nobody ever had is left of former hours; none overlaps another [I9, I12]. And the log, replayed
 * strictly, gives the same table, in every word of its dump.
 *
 * By hand slots are only opened and closed at times that no hours have.
 *
 * usage: hours_stress [SECONDS]        SEED=... in the environment repeats the choices of the threads
 */
#include "rig.h"
#include <inttypes.h>
#include <model/random.h>
#include <slot/hours.h>

#define THREADS    4
#define TURNS      300 /* of each thread between two rests */
#define ROUNDS_MAX 60  /* so that the simulated disk stays small */
#define HORIZON    6

static const char *const psychologists[2] = {"dr-lee", "dr-kim"};

#define WEEK(ranges)                                                                                                   \
	" mon " ranges " tue " ranges " wed " ranges " thu " ranges " fri " ranges " sat " ranges " sun " ranges
/* None has a slot that begins before 04:00 or reaches behind 20:00. */
static const char *const templates[] = {
    "UTC 50 10" WEEK("04:00-20:00"),
    "UTC 25 5" WEEK("05:00-09:00,12:00-13:00"),
    "UTC 50 0" WEEK("04:10-10:00"),
    "",
};
#define TEMPLATES 4

struct worker {
	struct rig_worker base;
	uint64_t sessions[32];
	uint32_t made;
	uint64_t sets;
	struct hours_progress progress;
};

static uint32_t psychologist_of(struct rig *rig, uint32_t i)
{
	return intern_add(&rig->table.psychologists, span_of(psychologists[i]), false);
}

static struct place random_place(struct worker *worker, uint32_t first_hour, uint32_t hours)
{
	struct rig *rig = worker->base.rig;
	const uint16_t today = zone_civil(civil_zone(), clock_wall_ms(&rig->clock)).day;
	return (struct place){span_of(psychologists[random_below(&worker->base.random, 2)]),
			      (uint16_t)(today + 1 + random_below(&worker->base.random, HORIZON)),
			      (uint16_t)(60 * (first_hour + random_below(&worker->base.random, hours)))};
}

static void claim(struct worker *worker)
{
	const struct place place = random_place(worker, 4, 16);
	char client[16];
	snprintf(client, sizeof client, "client-%" PRIu32, worker->base.number);
	const struct outcome outcome = desk_book(&worker->base.rig->desk, &place, span_of(client));
	if (outcome.code == OUTCOME_DONE) {
		worker->sessions[worker->made++ % 32] = outcome.value;
	}
}

static void step(struct worker *worker, uint32_t psychologist)
{
	desk_hours_step(&worker->base.rig->desk, psychologist, &worker->progress);
}

static void set(struct worker *worker, uint32_t psychologist)
{
	struct desk *desk = &worker->base.rig->desk;
	const char *hours = templates[random_below(&worker->base.random, TEMPLATES)];
	if (desk_hours(desk, psychologist, span_of(hours)).code == OUTCOME_DONE) {
		worker->sets++;
	}
}

static void turn(void *argument)
{
	struct worker *worker = argument;
	struct desk *desk = &worker->base.rig->desk;
	const uint32_t psychologist = psychologist_of(worker->base.rig, random_below(&worker->base.random, 2));
	const uint32_t dice = random_below(&worker->base.random, 20);
	const struct place by_hand = random_place(worker, 21, 3);
	uint64_t occupied;
	rig_wait_for_room(worker->base.rig);
	if (dice < 6) {
		claim(worker);
	} else if (dice < 10) {
		desk_cancel(desk, worker->sessions[random_below(&worker->base.random, 32)], span_of(""));
	} else if (dice < 16) {
		step(worker, psychologist);
	} else if (dice < 18) {
		set(worker, psychologist);
	} else if (dice < 19) {
		desk_close(desk, &by_hand, &occupied);
	} else {
		desk_open(desk, &by_hand, 50, 1, 50);
	}
}

/* Carries out what is left; all rest but the owner of the log. */
static void finish(struct worker *worker, uint32_t psychologist)
{
	enum hours_step done;
	do {
		rig_wait_for_room(worker->base.rig);
		done = desk_hours_step(&worker->base.rig->desk, psychologist, &worker->progress);
		CHECK(done != HOURS_STEP_MEMORY && done != HOURS_STEP_NO_ZONE);
	} while (done != HOURS_STEP_DONE);
}

static void violated(const char *what, uint16_t day, uint16_t minute)
{
	printf("violation: day %u, minute %u: %s\n", day, minute, what);
	exit(EXIT_FAILURE);
}

/* The slots of a day that begin when hours may have some. */
static void check_day(struct rig *rig, uint32_t psychologist, uint16_t day, const struct hours *hours)
{
	struct table *table = &rig->table;
	uint16_t starts[HOURS_DAY_SLOTS_MAX];
	const size_t wanted = hours->minutes != 0 ? hours_of_day(hours, day, starts) : 0;
	size_t next = 0;
	for (uint16_t minute = 240; minute < 1200; minute++) {
		struct slot_view view = {.kind = CLAIM_NONE};
		uint64_t other;
		const bool has = next < wanted && starts[next] == minute;
		const uint64_t key = key_make(psychologist, day, minute);
		const uint32_t slot = table_find(table, key);
		const bool there = slot != 0 && table_view(table, slot, key, &view);
		next += has;
		/* One that somebody had when the hours changed has a session, if only a cancelled one. */
		if (view.kind == CLAIM_OPEN && (!has || view.minutes != hours->minutes)) {
			violated("there is a slot that the hours do not have", day, minute);
		}
		if (has && !there && !table_overlap(table, key, hours->minutes, &other)) {
			violated("there is no slot, which the hours have", day, minute);
		}
	}
}

static void check(void *argument)
{
	struct worker *worker = argument;
	struct rig *rig = worker->base.rig;
	const uint16_t today = zone_civil(civil_zone(), clock_wall_ms(&rig->clock)).day;
	for (uint32_t i = 0; i < 2; i++) {
		const uint32_t psychologist = psychologist_of(rig, i);
		struct buffer text = {0};
		struct hours hours = {.minutes = 0};
		struct hours_plan plan;
		uint64_t lsn;
		finish(worker, psychologist);
		if (settings_get(&rig->table.settings, SETTING_HOURS, psychologist, &text, &lsn)) {
			CHECK(hours_plan_read((struct span){text.at, text.size}, &plan) && !plan.has_was);
			CHECK(hours_read_text(plan.now, &hours));
		}
		for (uint32_t day = today + 1u; day <= today + (uint32_t)HORIZON; day++) {
			check_day(rig, psychologist, (uint16_t)day, &hours);
		}
		buffer_fini(&text);
	}
	table_check(&rig->table);
}

static void run(struct rig *rig, uint64_t seconds, uint64_t seed)
{
	static struct worker workers[THREADS];
	static const struct rig_work work = {turn, check, TURNS, ROUNDS_MAX};
	rig_run(rig, &work, workers, sizeof workers[0], seconds, seed);
	uint64_t sets = 0, opened = 0, closed = 0, occupied = 0, overlaps = 0, made = 0;
	for (uint32_t i = 0; i < THREADS; i++) {
		sets += workers[i].sets;
		made += workers[i].made;
		opened += workers[i].progress.opened;
		closed += workers[i].progress.closed;
		occupied += workers[i].progress.occupied;
		overlaps += workers[i].progress.overlaps;
	}
	printf("hours_stress: %d threads, %" PRIu64 " times set, %" PRIu64 " slots opened, %" PRIu64 " closed, %" PRIu64
	       " occupied, %" PRIu64 " in the way of others, %" PRIu64 " claims, %" PRIu64 " records\n",
	       THREADS, sets, opened, closed, occupied, overlaps, made, wal_appended_lsn(rig->wal));
}

int main(int argc, char **argv)
{
	static struct rig rig;
	const uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 2;
	const uint64_t seed = random_seed();
	printf("hours_stress: SEED=0x%" PRIx64 "\n", seed);
	struct config *config = &rig.config;
	config->horizon_days = HORIZON;
	config->hold_total_max = 60;
	config->holds_per_client = 1;
	config->holds_max = 1;
	rig_begin(&rig, THREADS);
	/* Noon, so that no day ends meanwhile. */
	const uint64_t now_ms = clock_wall_ms(&rig.system);
	atomic_store_explicit(&rig.ahead_ms, (now_ms / 86400000 + 1) * 86400000 + 43200000 - now_ms,
			      memory_order_relaxed);
	run(&rig, seconds, seed);
	rig_compare(&rig);
	rig_end(&rig);
	return 0;
}
