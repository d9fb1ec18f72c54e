/*
 * Proves: ALTERNATIVES answers the nearest open slots, nearest first, whatever the hours look like, whatever the number wanted
 * and however many steps that takes; the answer carries the lsn of everything it depends on [I2]; what has started, is further
 * away than allowed, or was taken while the walk went on is not in it.
 *
 * Method: random hours and bookings over a few weeks of two psychologists, done by the toy desk and by the model, whose answer
 * is found by looking at every slot (model/model_look.c). The clock is the test's.
 */
#include <criterion/criterion.h>
#include <model/random.h>
#include <model/toy_desk.h>
#include <serve/alternatives.h>
#include <stdio.h>

#define FIRST_DAY 22280
#define DAYS      40
#define ROUNDS    40
#define QUESTIONS 200

struct hall {
	struct config config;
	struct service service;
	struct clock clock;
	struct memory memory;
	struct table table;
	struct desk desk;
	struct toy_desk toy;
	struct model model;
	uint64_t now_ms;
	uint64_t seed;
	uint64_t random;
	uint64_t last_lsn[2][DAYS][MINUTES_PER_DAY]; /* of each slot that is there */
};

static uint64_t wall_ms(void *context)
{
	return ((struct hall *)context)->now_ms;
}

static uint64_t monotonic_ns(void *context)
{
	return ((struct hall *)context)->now_ms * 1000000;
}

static void init(struct hall *hall)
{
	struct error error;
	const struct table_options options = {.stripe_count = 4, .seed = 5};
	memory_init(&hall->memory, 64 << 20);
	cr_assert(table_init(&hall->table, &hall->memory, &options, &error), "%s", error.text);
	toy_init(&hall->toy, &hall->table, 1 << 17);
	model_init(&hall->model, false);
	hall->clock = (struct clock){.context = hall, .wall_ms = wall_ms, .monotonic_ns = monotonic_ns};
	hall->service = (struct service){.config = &hall->config, .clock = &hall->clock};
	hall->desk = (struct desk){
	    .service = &hall->service, .memory = &hall->memory, .table = &hall->table, .clock = &hall->clock};
	hall->config.alternatives_days = 60;
	hall->now_ms = UINT64_C(86400000) * FIRST_DAY;
	memset(hall->last_lsn, 0, sizeof hall->last_lsn);
	toy_psychologist(&hall->table, 0);
	toy_psychologist(&hall->table, 1);
}

static void fini(struct hall *hall)
{
	model_fini(&hall->model);
	toy_fini(&hall->toy);
	table_fini(&hall->table);
}

static uint32_t below(struct hall *hall, uint32_t count)
{
	return random_below(&hall->random, count);
}

static uint64_t make_key(struct hall *hall, uint32_t psychologist, uint32_t day, uint32_t minute)
{
	return key_make(toy_psychologist(&hall->table, psychologist), (uint16_t)(FIRST_DAY + day), (uint16_t)minute);
}

static void open_slot(struct hall *hall, uint32_t psychologist, uint32_t day, uint32_t minute, uint16_t minutes)
{
	bool opened;
	bool model_opened;
	const uint64_t key = make_key(hall, psychologist, day, minute);
	cr_assert_eq(toy_open(&hall->toy, key, minutes, &opened),
		     model_open(&hall->model, key, minutes, &model_opened));
	if (opened) {
		hall->last_lsn[psychologist][day][minute] = toy_lsn(&hall->toy);
	}
}

static void book_slot(struct hall *hall, uint32_t psychologist, uint32_t day, uint32_t minute, uint32_t client)
{
	uint64_t id = 0;
	bool changed;
	const uint64_t key = make_key(hall, psychologist, day, minute);
	const uint64_t before = toy_lsn(&hall->toy);
	const enum model_outcome outcome = toy_book(&hall->toy, key, client, &id);
	cr_assert_eq(outcome, model_book(&hall->model, key, toy_client(&hall->table, client, true), &id, &changed));
	if (toy_lsn(&hall->toy) > before) {
		hall->last_lsn[psychologist][day][minute] = toy_lsn(&hall->toy);
	}
}

/* Some weeks of hours: days that are empty, thin or full, most of it booked. */
static void fill(struct hall *hall)
{
	const uint32_t share = below(hall, 101);
	for (uint32_t day = 0; day < DAYS; day++) {
		const uint32_t kind = below(hall, 4);
		const uint32_t every = kind == 1 ? 180 : 15;
		for (uint32_t minute = below(hall, 60); kind != 0 && minute < MINUTES_PER_DAY; minute += every) {
			open_slot(hall, day % 2, day, minute, 15);
			if (below(hall, 100) < share) {
				book_slot(hall, day % 2, day, minute, below(hall, 5));
			}
		}
	}
}

static void walk_to_end(struct hall *hall, struct alternatives *walk, uint32_t psychologist, uint32_t day,
			uint32_t minute, uint32_t count)
{
	char name[8];
	snprintf(name, sizeof name, "p-%u", psychologist);
	const struct place place = {span_of(name), (uint16_t)(FIRST_DAY + day), (uint16_t)minute};
	alternatives_begin(walk, &hall->desk, &place, count);
	while (!alternatives_step(walk, &hall->desk)) {
	}
}

/* What the answer depends on at least: every slot nearer than its last, or if it is short every slot in reach. */
static uint64_t truth_of(const struct hall *hall, const struct alternatives *walk, uint32_t psychologist)
{
	uint64_t truth = 0;
	const int wanted = (key_day(walk->key) - FIRST_DAY) * MINUTES_PER_DAY + key_minute(walk->key);
	int reach = INT32_MAX;
	if (walk->count == walk->count_max) {
		const uint64_t last = walk->found[walk->count - 1].key;
		reach = abs((key_day(last) - FIRST_DAY) * MINUTES_PER_DAY + key_minute(last) - wanted);
	}
	for (int at = 0; at < DAYS * MINUTES_PER_DAY; at++) {
		const int day = at / MINUTES_PER_DAY;
		const bool past = at <= (walk->now.day - FIRST_DAY) * MINUTES_PER_DAY + walk->now.minute;
		const bool away = abs(day + FIRST_DAY - key_day(walk->key)) > (int)walk->day_count;
		const uint64_t lsn = hall->last_lsn[psychologist][day][at % MINUTES_PER_DAY];
		truth = !past && !away && at != wanted && abs(at - wanted) <= reach && lsn > truth ? lsn : truth;
	}
	return truth;
}

static void ask(struct hall *hall)
{
	static struct alternatives walk;
	static struct model_slot expected[ALTERNATIVES_COUNT_MAX];
	const uint32_t psychologist = below(hall, 2);
	const uint32_t count = below(hall, 2) == 0 ? 1 + below(hall, 5) : 1 + below(hall, ALTERNATIVES_COUNT_MAX);
	hall->config.alternatives_days = below(hall, 2) == 0 ? 60 : below(hall, 10);
	hall->now_ms = UINT64_C(60000) * (FIRST_DAY * (uint64_t)MINUTES_PER_DAY + below(hall, 10 * MINUTES_PER_DAY));
	walk_to_end(hall, &walk, psychologist, below(hall, DAYS), below(hall, MINUTES_PER_DAY), count);
	const struct model_search search = {
	    .key = walk.key,
	    .not_to = key_make(key_psychologist(walk.key), walk.now.day, walk.now.minute),
	    .days = (uint16_t)hall->config.alternatives_days,
	    .count_max = count,
	};
	const size_t expected_count = model_alternatives(&hall->model, &search, expected);
	cr_assert_eq(walk.count, expected_count, "%u of %zu; SEED=0x%llx", walk.count, expected_count,
		     (unsigned long long)hall->seed);
	for (size_t i = 0; i < expected_count; i++) {
		cr_assert_eq(walk.found[i].key, expected[i].key, "%zu; SEED=0x%llx", i, (unsigned long long)hall->seed);
		cr_assert_eq(walk.found[i].minutes, expected[i].minutes);
	}
	const uint64_t truth = truth_of(hall, &walk, psychologist);
	cr_assert_geq(walk.lsn, truth, "SEED=0x%llx", (unsigned long long)hall->seed);
}

Test(desk_alternatives, the_nearest_are_those_that_looking_at_every_slot_finds)
{
	static struct hall hall;
	hall.seed = random_seed();
	hall.random = hall.seed;
	uint64_t questions = 0;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		init(&hall);
		fill(&hall);
		for (uint32_t i = 0; i < QUESTIONS; i++) {
			ask(&hall);
			questions++;
		}
		fini(&hall);
	}
	cr_assert_eq(questions, ROUNDS * QUESTIONS);
}

Test(desk_alternatives, of_two_as_near_the_earlier_comes_first)
{
	static struct hall hall;
	static struct alternatives walk;
	init(&hall);
	open_slot(&hall, 0, 3, 600, 30);
	open_slot(&hall, 0, 3, 720, 30);
	open_slot(&hall, 0, 3, 660, 30); /* the one wanted */
	walk_to_end(&hall, &walk, 0, 3, 660, 5);
	cr_assert_eq(walk.count, 2);
	cr_assert_eq(key_minute(walk.found[0].key), 600);
	cr_assert_eq(key_minute(walk.found[1].key), 720);
	/* Also across midnight: 23:59 of the day before is as far as 22:01. */
	open_slot(&hall, 0, 5, 1321, 30);
	open_slot(&hall, 0, 4, 1439, 30);
	walk_to_end(&hall, &walk, 0, 5, 660, 1);
	cr_assert_eq(key_minute(walk.found[0].key), 1439);
	fini(&hall);
}

Test(desk_alternatives, sixty_empty_days_to_each_side_are_one_step)
{
	static struct hall hall;
	static struct alternatives walk;
	init(&hall);
	hall.now_ms -= UINT64_C(86400000) * 100;
	walk_to_end(&hall, &walk, 0, 3, 660, 3);
	cr_assert_eq(walk.count, 0);
	cr_assert_eq(walk.steps, 1);
	fini(&hall);
}

Test(desk_alternatives, what_is_taken_while_the_walk_goes_on_is_left_out)
{
	static struct hall hall;
	static struct alternatives walk;
	init(&hall);
	open_slot(&hall, 0, 10, 600, 15);
	open_slot(&hall, 0, 10, 700, 15);
	for (uint32_t day = 11; day < DAYS; day++) {
		for (uint32_t minute = 0; minute < MINUTES_PER_DAY; minute += 15) {
			open_slot(&hall, 0, day, minute, 15);
			book_slot(&hall, 0, day, minute, 1);
		}
	}
	const struct place place = {span_of("p-0"), FIRST_DAY + 10, 650};
	alternatives_begin(&walk, &hall.desk, &place, 3);
	cr_assert_not(alternatives_step(&walk, &hall.desk));
	cr_assert_eq(walk.count, 2);
	book_slot(&hall, 0, 10, 600, 2);
	const uint64_t taken_lsn = toy_lsn(&hall.toy);
	while (!alternatives_step(&walk, &hall.desk)) {
	}
	cr_assert_eq(walk.count, 1);
	cr_assert_eq(key_minute(walk.found[0].key), 700);
	cr_assert_geq(walk.lsn, taken_lsn);
	fini(&hall);
}

Test(desk_alternatives, for_a_psychologist_nobody_named_there_are_none_and_nothing_to_wait_for)
{
	static struct hall hall;
	static struct alternatives walk;
	init(&hall);
	open_slot(&hall, 0, 10, 600, 15);
	walk_to_end(&hall, &walk, 7, 10, 600, 3);
	cr_assert_eq(walk.count, 0);
	cr_assert_eq(walk.lsn, 0);
	fini(&hall);
}

/* ------------------------------------------------------------------------------------------------ holds that are over */

static uint64_t busy_lsn(void *context)
{
	return *(const uint64_t *)context;
}

/* The calendar of a source is busy in these minutes of the day. */
static void make_busy(struct hall *hall, uint32_t psychologist, uint32_t day, uint32_t minute, uint32_t minutes,
		      uint64_t lsn)
{
	const uint32_t start = (FIRST_DAY + day) * MINUTES_PER_DAY;
	const struct busy_interval busy = {start + minute, start + minute + minutes};
	const struct busy_update update = {.psychologist = toy_psychologist(&hall->table, psychologist),
					   .source = span_of("calendar"),
					   .generation = 1,
					   .window = {start, start + MINUTES_PER_DAY},
					   .intervals = &busy,
					   .count = 1};
	uint64_t its_lsn;
	cr_assert_eq(busy_update(&hall->table.busy, &update, NULL, busy_lsn, &lsn, &its_lsn), BUSY_CHANGED);
}

struct seen {
	uint32_t count;
	struct slot_view views[2];
};

static void on_slot(void *context, const struct slot_view *view)
{
	struct seen *seen = context;
	seen->views[seen->count++] = *view;
}

/* Proves I11 for lists: a hold that is over, and nobody said so yet, leaves its slot as a calendar has it; and I2: the answer
 * depends on the calendar. */
Test(desk_alternatives, a_hold_that_is_over_leaves_a_blocked_slot_where_a_calendar_is_busy)
{
	static struct hall hall;
	static struct alternatives walk;
	uint64_t session;
	struct seen seen = {0};
	init(&hall);
	open_slot(&hall, 0, 3, 600, 30);
	open_slot(&hall, 0, 3, 700, 30);
	for (uint32_t minute = 600; minute <= 700; minute += 100) {
		cr_assert_eq(toy_hold(&hall.toy, make_key(&hall, 0, 3, minute), 1, 5, &session), MODEL_DONE);
	}
	make_busy(&hall, 0, 3, 610, 5, 900);
	const uint64_t lsn = desk_slots(&hall.desk, span_of("p-0"), FIRST_DAY + 3, FIRST_DAY + 3, on_slot, &seen);
	cr_assert_eq(seen.count, 2);
	cr_assert(!seen.views[0].free && seen.views[0].kind == CLAIM_BLOCKED);
	cr_assert(seen.views[1].free);
	cr_assert_geq(lsn, 900);
	walk_to_end(&hall, &walk, 0, 3, 800, 5);
	cr_assert_eq(walk.count, 1);
	cr_assert_eq(key_minute(walk.found[0].key), 700);
	cr_assert_geq(walk.lsn, 900);
	fini(&hall);
}
