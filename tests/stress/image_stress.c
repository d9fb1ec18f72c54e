/*
 * image_stress: a table copied record by record while many threads change it, again and again.
 *
 * usage: image_stress [seconds] [threads] [--canary]        SEED=... in the environment repeats the choices of the
 * threads
 *
 * Proves: copies made beside others, with the log from before the first to behind the last, are the table that the whole
 * log makes, to the last word of its dump [I4, I10], also where days are purged and ids given out again meanwhile. Under
 * ThreadSanitizer also that copying only meets the others in ways that are allowed.
 *
 * Method: workers open, close, book and cancel slots of few days, move sessions from one to another, and one purges the oldest
 * day now and then. One thread copies everything, as long as they work; the last copies that were whole are kept. The toy desk
 * (tests/model) stands for desk and log.
 *
 * Exits 1 with a line on a violation. With --canary the records that the copies may have or not are left out, which must be
 * found: then 0.
 */
#include "words.h"
#include <base/check.h>
#include <base/clock.h>
#include <base/crew.h>
#include <inttypes.h>
#include <model/random.h>
#include <model/toy_desk.h>
#include <pthread.h>
#include <slot/image.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAYS             3
#define TIMES            8
#define CLIENTS          30
#define FIRST_DAY        1000
#define THREADS          64
#define RECORDS          (UINT64_C(3) << 20)
#define RECORDS_RESERVED 4096 /* for what is under way when the threads see that the log is full */
#define IMAGES_MAX       (1u << 20)
#define LOOKS            16
#define MEMORY_LIMIT     (UINT64_C(1) << 30)

/* What one copying brought. */
struct copies {
	uint64_t begin_lsn;
	uint64_t end_lsn;
	uint32_t horizon;
	uint64_t removed_lsn;
	uint32_t slot_count;
	uint32_t session_count;
	struct slot_image *slots;
	struct session_image *sessions;
};

struct stress {
	struct memory memory;
	struct table table;
	struct toy_desk toy;
	struct clock clock;
	uint64_t until_ns;
	uint64_t seed;
	uint32_t psychologists[2];
	_Atomic bool over;
	_Atomic uint32_t day; /* the first that is not purged */
	struct copies copies; /* the copier's until it was joined */
	uint64_t rounds;      /* the same */
};

struct worker {
	struct stress *stress;
	pthread_t thread;
	uint64_t random;
	bool purges;
	uint64_t recent[16];
};

static bool is_over(struct stress *stress)
{
	/* Relaxed: only to stop. */
	if (!atomic_load_explicit(&stress->over, memory_order_relaxed) &&
	    (clock_monotonic_ns(&stress->clock) >= stress->until_ns ||
	     toy_lsn(&stress->toy) + RECORDS_RESERVED > RECORDS)) {
		atomic_store_explicit(&stress->over, true, memory_order_relaxed);
	}
	return atomic_load_explicit(&stress->over, memory_order_relaxed);
}

/* ------------------------------------------------------------------------------------------------ while it goes on */

static void work_once(struct worker *worker)
{
	struct stress *stress = worker->stress;
	struct toy_desk *toy = &stress->toy;
	/* Relaxed: any day will do. */
	const uint32_t day = atomic_load_explicit(&stress->day, memory_order_relaxed);
	const uint64_t key = key_make(stress->psychologists[random_below(&worker->random, 2)],
				      (uint16_t)(day + random_below(&worker->random, DAYS)),
				      (uint16_t)(30 * random_below(&worker->random, TIMES)));
	uint64_t *recent = &worker->recent[random_below(&worker->random, 16)];
	const uint32_t dice = random_below(&worker->random, 100);
	bool opened;
	if (dice < 40) {
		toy_book(toy, key, random_below(&worker->random, CLIENTS), recent);
	} else if (dice < 50) {
		toy_move(toy, *recent, key);
	} else if (dice < 68) {
		toy_cancel(toy, *recent);
	} else if (dice < 85) {
		toy_open(toy, key, 30, &opened);
	} else {
		toy_close(toy, key);
	}
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct stress *stress = worker->stress;
	while (!is_over(stress)) {
		for (int i = 0; i < 64; i++) {
			work_once(worker);
		}
		if (worker->purges && random_below(&worker->random, 32) == 0) {
			const uint32_t day = 1 + atomic_load_explicit(&stress->day, memory_order_relaxed);
			toy_purge(&stress->toy, (uint16_t)day, 16);
			atomic_store_explicit(&stress->day, day, memory_order_relaxed);
		}
	}
	return NULL;
}

/* Everything once, a few records at a time. False: there was no room for all. */
static bool copy_round(struct stress *stress, struct copies *copies)
{
	struct table *table = &stress->table;
	*copies =
	    (struct copies){.slots = copies->slots, .sessions = copies->sessions, .begin_lsn = toy_lsn(&stress->toy)};
	/* As snapshot_begin: a purge before that lsn may be between its record and the horizon. */
	table_moves_lock(table);
	table_moves_unlock(table);
	copies->horizon = atomic_load_explicit(&table->purged_before_day, memory_order_acquire);
	copies->removed_lsn = table_removed_lsn(table);
	uint32_t cursor = 0;
	for (bool more = true; more;) {
		if (copies->slot_count + LOOKS > IMAGES_MAX) {
			return false;
		}
		copies->slot_count +=
		    table_copy_slots(table, &cursor, copies->slots + copies->slot_count, LOOKS, &more);
	}
	cursor = 0;
	for (bool more = true; more;) {
		if (copies->session_count + LOOKS > IMAGES_MAX) {
			return false;
		}
		copies->session_count +=
		    table_copy_sessions(table, &cursor, copies->sessions + copies->session_count, LOOKS, &more);
	}
	copies->end_lsn = toy_lsn(&stress->toy);
	return true;
}

static void copies_alloc(struct copies *copies)
{
	copies->slots = calloc(IMAGES_MAX, sizeof *copies->slots);
	copies->sessions = calloc(IMAGES_MAX, sizeof *copies->sessions);
	CHECK(copies->slots != NULL && copies->sessions != NULL);
}

static void copies_free(struct copies *copies)
{
	free(copies->slots);
	free(copies->sessions);
}

static void *copy(void *argument)
{
	struct stress *stress = argument;
	struct copies next = {0};
	copies_alloc(&next);
	while (!is_over(stress)) {
		CHECK(copy_round(stress, &next));
		const struct copies before = stress->copies;
		stress->copies = next;
		next = before;
		stress->rounds++;
	}
	copies_free(&next);
	return NULL;
}

/* ------------------------------------------------------------------------------------------------------- afterwards */

static void copy_tokens(struct intern *from, struct intern *to)
{
	uint8_t token[TOKEN_SIZE_MAX];
	size_t size;
	for (uint32_t number = 0; (number = intern_next(from, number, token, &size)) != 0;) {
		const struct span copy = {token, size};
		/* As the snapshot's writer: one that has no name is nobody's. */
		CHECK(intern_find(from, copy) != number || intern_place(to, &(struct intern_copy){number, copy}, 1));
	}
}

/* Copies put by a crew: every other one begins with the sessions, so that both kinds are put at the same time. */
struct putting {
	const struct copies *copies;
	struct table *table;
	/* shared: what each takes next */
	_Atomic uint32_t members, slots, sessions;
};
#define PUT_CREW 3
#define PUT_PART 100

/* The next part of so many. Relaxed: it only deals out. */
static uint32_t take_part(_Atomic uint32_t *next, uint32_t count, uint32_t *size)
{
	const uint32_t from = atomic_fetch_add_explicit(next, PUT_PART, memory_order_relaxed);
	*size = from >= count ? 0 : count - from < PUT_PART ? count - from : PUT_PART;
	return from;
}

static void put_slots(struct putting *putting)
{
	const struct copies *copies = putting->copies;
	struct error error;
	uint32_t size;
	for (uint32_t from; from = take_part(&putting->slots, copies->slot_count, &size), size > 0;) {
		CHECK(table_put_slots(putting->table, &copies->slots[from], size, &error));
	}
}

static void put_sessions(struct putting *putting)
{
	const struct copies *copies = putting->copies;
	struct error error;
	uint32_t size;
	for (uint32_t from; from = take_part(&putting->sessions, copies->session_count, &size), size > 0;) {
		CHECK(table_put_sessions(putting->table, &copies->sessions[from], size, &error));
	}
}

static void put_copies(void *context)
{
	struct putting *putting = context;
	const bool slots_first = atomic_fetch_add_explicit(&putting->members, 1, memory_order_relaxed) % 2 == 0;
	if (slots_first) {
		put_slots(putting);
	}
	put_sessions(putting);
	put_slots(putting);
}

static bool restore(struct stress *stress, struct table *table, bool canary, struct error *error)
{
	const struct copies *copies = &stress->copies;
	copy_tokens(&stress->table.psychologists, &table->psychologists);
	copy_tokens(&stress->table.clients, &table->clients);
	table_purge_horizon(table, (uint16_t)copies->horizon, copies->removed_lsn);
	table_expect_copies(table, copies->slot_count, 0);
	crew_run(PUT_CREW, put_copies, &(struct putting){.copies = copies, .table = table});
	const uint64_t begin_lsn = canary ? copies->end_lsn : copies->begin_lsn;
	return toy_replay_onto(&stress->toy, table, begin_lsn, copies->end_lsn, error);
}

static void dump(const struct table *table, struct buffer *out)
{
	table_dump(table, out);
	buffer_add(out, "", 1);
}

/* Where the two dumps part, or NULL. */
static const char *difference(const struct buffer *a, const struct buffer *b)
{
	const char *line = (const char *)a->at;
	for (size_t i = 0; i < a->size && i < b->size; i++) {
		if (a->at[i] != b->at[i]) {
			return line;
		}
		line = a->at[i] == '\n' ? (const char *)a->at + i + 1 : line;
	}
	return NULL;
}

static bool same(const struct table *restored, const struct table *replayed)
{
	struct buffer a = {0};
	struct buffer b = {0};
	dump(restored, &a);
	dump(replayed, &b);
	const char *line = difference(&a, &b);
	if (line != NULL) {
		printf("violation: copies and log are another table than the log alone, which has not: %.*s\n",
		       (int)strcspn(line, "\n"), line);
	}
	buffer_fini(&a);
	buffer_fini(&b);
	return line == NULL;
}

static void new_table(struct memory *memory, struct table *table, uint64_t seed)
{
	struct error error;
	const struct table_options options = {.stripe_count = 16, .seed = seed};
	memory_init(memory, MEMORY_LIMIT);
	CHECK(table_init(table, memory, &options, &error));
}

static bool check_all(struct stress *stress, bool canary)
{
	static struct memory memories[2];
	static struct table restored, replayed;
	struct error error;
	new_table(&memories[0], &restored, ~stress->seed);
	new_table(&memories[1], &replayed, stress->seed);
	CHECK(toy_replay(&stress->toy, &replayed, &error));
	bool sound = restore(stress, &restored, canary, &error);
	if (sound) {
		table_check(&restored);
		sound = same(&restored, &replayed);
	} else {
		printf("violation: copies and log contradict each other: %s\n", error.text);
	}
	table_fini(&restored);
	table_fini(&replayed);
	return sound;
}

/* ------------------------------------------------------------------------------------------------------------- main */

static void run(struct stress *stress, struct worker *workers, uint32_t count, uint64_t seconds)
{
	pthread_t copier;
	stress->until_ns = clock_monotonic_ns(&stress->clock) + seconds * 1000000000;
	for (uint32_t i = 0; i < count; i++) {
		workers[i] = (struct worker){.stress = stress, .random = stress->seed + i, .purges = i == 0};
		CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
	}
	CHECK(pthread_create(&copier, NULL, copy, stress) == 0);
	for (uint32_t i = 0; i < count; i++) {
		CHECK(pthread_join(workers[i].thread, NULL) == 0);
	}
	CHECK(pthread_join(copier, NULL) == 0);
	printf("%" PRIu64 " records, copied %" PRIu64 " times; the last between lsn %" PRIu64 " and %" PRIu64 "\n",
	       toy_lsn(&stress->toy), stress->rounds, stress->copies.begin_lsn, stress->copies.end_lsn);
	CHECK(stress->rounds > 0);
}

int main(int argc, char **argv)
{
	static struct stress stress;
	static struct worker workers[THREADS];
	struct words words;
	if (!words_read(&words, argc, argv, 3, THREADS)) {
		return 2;
	}
	struct error error;
	memory_init(&stress.memory, MEMORY_LIMIT);
	stress.seed = random_seed();
	stress.clock = clock_real();
	stress.day = FIRST_DAY;
	const struct table_options options = {.stripe_count = 64, .seed = stress.seed};
	CHECK(table_init(&stress.table, &stress.memory, &options, &error));
	toy_init(&stress.toy, &stress.table, RECORDS);
	copies_alloc(&stress.copies);
	stress.psychologists[0] = toy_psychologist(&stress.table, 1);
	stress.psychologists[1] = toy_psychologist(&stress.table, 2);
	run(&stress, workers, words.threads, words.seconds);
	const bool sound = check_all(&stress, words.canary);
	printf("%s, SEED=0x%" PRIx64 "\n", sound ? "sound" : (words.canary ? "the canary was found" : "NOT sound"),
	       stress.seed);
	copies_free(&stress.copies);
	toy_fini(&stress.toy);
	table_fini(&stress.table);
	return sound == words.canary;
}
