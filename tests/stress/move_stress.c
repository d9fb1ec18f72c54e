/*
 * move_stress: sessions that go back and forth between few slots, while others look, cancel, book and purge.
 *
 * usage: move_stress [seconds] [threads] [--canary]         SEED=... in the environment repeats the choices of the threads
 *
 * Proves: nobody ever sees both slots of a moving session free, in any order of looking [I1, I2]; moves that cross neither wait
 * for each other nor lose a session; live table and replay of the log are the same to the last word [I4]; and under
 * ThreadSanitizer, that all of them only meet in ways that are allowed.
 *
 * Method: one session, the witness, is moved between its own two slots without end, and nobody else books these. A watcher
 * looks at the first slot, the second, and the first again: if the first was free both times, with the same word, it was
 * free when the second was looked at, which then must not be.
 *
 * Exits 1 with a line on a violation. With --canary the slot is left before the other is taken, which must be found: then 0.
 */
#include "words.h"
#include <base/check.h>
#include <base/clock.h>
#include <inttypes.h>
#include <model/random.h>
#include <model/toy_desk.h>
#include <pthread.h>
#include <slot/image.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY              1000
#define SLOTS            6
#define CLIENTS          8
#define THREADS          64
#define RECORDS          (UINT64_C(3) << 20)
#define RECORDS_RESERVED 4096
#define MEMORY_LIMIT     (UINT64_C(1) << 30)

struct stress {
	struct memory memory;
	struct table table;
	struct toy_desk toy;
	struct clock clock;
	uint64_t until_ns;
	uint64_t seed;
	uint64_t slots[SLOTS];
	uint64_t witness_slots[2];
	uint64_t witness;
	_Atomic uint64_t looks;     /* of the watcher that told something */
	_Atomic uint64_t both_free; /* must stay 0 */
};

struct worker {
	struct stress *stress;
	pthread_t thread;
	uint64_t random;
	uint64_t recent[4];
};

static bool is_over(const struct stress *stress)
{
	return clock_monotonic_ns(&stress->clock) >= stress->until_ns ||
	       toy_lsn(&stress->toy) + RECORDS_RESERVED > RECORDS;
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct stress *stress = worker->stress;
	while (!is_over(stress)) {
		const uint64_t key = stress->slots[random_below(&worker->random, SLOTS)];
		uint64_t *recent = &worker->recent[random_below(&worker->random, 4)];
		const uint32_t dice = random_below(&worker->random, 10);
		if (dice < 5) {
			toy_move(&stress->toy, *recent, key);
		} else if (dice < 8) {
			toy_book(&stress->toy, key, random_below(&worker->random, CLIENTS), recent);
		} else {
			toy_cancel(&stress->toy, *recent);
		}
	}
	return NULL;
}

static void *move_witness(void *argument)
{
	struct stress *stress = argument;
	for (uint32_t i = 1; !is_over(stress); i++) {
		const enum model_outcome moved = toy_move(&stress->toy, stress->witness, stress->witness_slots[i % 2]);
		CHECK(moved == MODEL_DONE);
	}
	return NULL;
}

static void *watch(void *argument)
{
	struct stress *stress = argument;
	uint64_t random = stress->seed;
	while (!is_over(stress)) {
		const uint32_t first = random_below(&random, 2);
		const struct toy_look before = toy_look(&stress->toy, stress->witness_slots[first]);
		const struct toy_look other = toy_look(&stress->toy, stress->witness_slots[1 - first]);
		const struct toy_look after = toy_look(&stress->toy, stress->witness_slots[first]);
		CHECK(before.there && other.there && after.there);
		if (before.view.free && after.view.free && before.view.word == after.view.word) {
			/* Relaxed: read when the threads have ended. */
			atomic_fetch_add_explicit(&stress->looks, 1, memory_order_relaxed);
			atomic_fetch_add_explicit(&stress->both_free, other.view.free, memory_order_relaxed);
		}
	}
	return NULL;
}

/* Days in the past come and go beside all that. */
static void *purge(void *argument)
{
	struct stress *stress = argument;
	const uint32_t psychologist = toy_psychologist(&stress->table, 3);
	for (uint16_t day = 1; day < DAY && !is_over(stress); day++) {
		const uint64_t keys[2] = {key_make(psychologist, day, 600), key_make(psychologist, DAY, 600)};
		bool opened;
		uint64_t session = 0;
		toy_open(&stress->toy, keys[0], 30, &opened);
		toy_open(&stress->toy, keys[1], 30, &opened);
		toy_book(&stress->toy, keys[0], 1, &session);
		if (day % 2 == 0) {
			CHECK(toy_move(&stress->toy, session, keys[1]) == MODEL_DONE);
		}
		toy_purge(&stress->toy, (uint16_t)(day + 1), 4);
		struct session_view view;
		CHECK(table_session_view(&stress->table, session, &view) == (day % 2 == 0));
		toy_cancel(&stress->toy, session);
	}
	return NULL;
}

static bool same_as_replay(const struct stress *stress)
{
	static struct memory memory;
	static struct table replayed;
	struct buffer live = {0};
	struct buffer replay = {0};
	struct error error = {0};
	const struct table_options options = {.stripe_count = 16, .seed = ~stress->seed};
	memory_init(&memory, MEMORY_LIMIT);
	CHECK(table_init(&replayed, &memory, &options, &error));
	bool same = toy_replay(&stress->toy, &replayed, &error);
	if (same) {
		table_check(&replayed);
		table_dump(&stress->table, &live);
		table_dump(&replayed, &replay);
		same = live.size == replay.size && memcmp(live.at, replay.at, live.size) == 0;
	}
	if (!same) {
		printf("violation: the log makes another table than the live one: %s\n", error.text);
	}
	buffer_fini(&live);
	buffer_fini(&replay);
	table_fini(&replayed);
	return same;
}

static void begin(struct stress *stress)
{
	struct error error;
	bool opened;
	memory_init(&stress->memory, MEMORY_LIMIT);
	stress->seed = random_seed();
	stress->clock = clock_real();
	const struct table_options options = {.stripe_count = 64, .seed = stress->seed};
	CHECK(table_init(&stress->table, &stress->memory, &options, &error));
	toy_init(&stress->toy, &stress->table, RECORDS);
	for (uint32_t i = 0; i < SLOTS; i++) {
		stress->slots[i] = key_make(toy_psychologist(&stress->table, 1 + i % 2), DAY, (uint16_t)(30 * i));
		CHECK(toy_open(&stress->toy, stress->slots[i], 30, &opened) == MODEL_DONE);
	}
	for (uint32_t i = 0; i < 2; i++) {
		const uint32_t psychologist = toy_psychologist(&stress->table, 4);
		stress->witness_slots[i] = key_make(psychologist, (uint16_t)(DAY + i), 600);
		CHECK(toy_open(&stress->toy, stress->witness_slots[i], (uint16_t)(30 + i), &opened) == MODEL_DONE);
	}
	CHECK(toy_book(&stress->toy, stress->witness_slots[0], CLIENTS, &stress->witness) == MODEL_DONE);
}

static void run(struct stress *stress, struct worker *workers, uint32_t count, uint64_t seconds)
{
	void *(*const others[])(void *) = {move_witness, watch, purge};
	pthread_t threads[3];
	stress->until_ns = clock_monotonic_ns(&stress->clock) + seconds * 1000000000;
	for (uint32_t i = 0; i < 3; i++) {
		CHECK(pthread_create(&threads[i], NULL, others[i], stress) == 0);
	}
	for (uint32_t i = 0; i < count; i++) {
		workers[i] = (struct worker){.stress = stress, .random = stress->seed + i};
		CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
	}
	for (uint32_t i = 0; i < count; i++) {
		CHECK(pthread_join(workers[i].thread, NULL) == 0);
	}
	for (uint32_t i = 0; i < 3; i++) {
		CHECK(pthread_join(threads[i], NULL) == 0);
	}
}

int main(int argc, char **argv)
{
	static struct stress stress;
	static struct worker workers[THREADS];
	struct words words;
	if (!words_read(&words, argc, argv, 2, THREADS)) {
		return 2;
	}
	begin(&stress);
	stress.toy.hasty = words.canary ? stress.witness : 0;
	run(&stress, workers, words.threads, words.seconds);
	const uint64_t looks = atomic_load_explicit(&stress.looks, memory_order_relaxed);
	const uint64_t both_free = atomic_load_explicit(&stress.both_free, memory_order_relaxed);
	printf("%" PRIu64 " records, %" PRIu64 " looks at both slots, %" PRIu64 " of them saw both free\n",
	       toy_lsn(&stress.toy), looks, both_free);
	CHECK(looks > 0);
	bool sound = both_free == 0;
	if (!words.canary) {
		table_check(&stress.table);
		sound = same_as_replay(&stress) && sound;
	}
	printf("%s, SEED=0x%" PRIx64 "\n", sound ? "sound" : (words.canary ? "the canary was found" : "NOT sound"),
	       stress.seed);
	toy_fini(&stress.toy);
	table_fini(&stress.table);
	return sound == words.canary;
}
