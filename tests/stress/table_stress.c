/*
 * table_stress: many threads on the same few slots of one table, while it grows and days are purged.
 *
 * usage: table_stress [seconds] [threads] [--canary]        SEED=... in the environment repeats the choices of the
 * threads
 *
 * Proves: no slot is booked twice in the order of the log, no hold found to be over twice [I1, I4], the log replayed gives the
 * table, and whatever a reader was told was so at the lsn it was told, and not outdated when it asked [I2]; a client's thread
 * has what the client just booked, and nobody else's sessions, while others link and purges unlink. Under ThreadSanitizer also
 * that the table's threads only meet in ways that are allowed.
 *
 * Method: workers open, close, book, cancel, list and look at four slots of two psychologists; one more thread opens
 * hundreds of thousands of other slots, so that every stripe of the index grows under the workers' hands, and purges
 * days which they work on, too. The toy desk (tests/model) stands for desk and log. What readers were told is kept, and
 * checked afterwards against the timeline of the slot that the log tells.
 *
 * Exits 1 with a line on a violation. With --canary claims are made without comparing, which must be found: then 0.
 */
#include "words.h"
#include <base/check.h>
#include <base/clock.h>
#include <base/ready.h>
#include <inttypes.h>
#include <model/random.h>
#include <model/timeline.h>
#include <model/toy_desk.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define HOT_PSYCHOLOGISTS 2
#define HOT_SLOTS         2
#define HOT_KEYS          (HOT_PSYCHOLOGISTS * HOT_SLOTS)
#define HOT_DAY           20000
#define HOT_MINUTES       30
#define THREADS           64
#define RECORDS           (UINT64_C(3) << 20)
#define RECORDS_RESERVED  4096 /* for what is under way when the threads see that the log is full */
#define LOOKS             (1u << 17)
#define WALK_LOOKS        4096
#define OWN_CLIENTS       2000000
#define OWN_CLIENTS_EACH  1000
#define PAST_CLIENT       50 /* and the next three: their sessions are of days that are purged and of days that stay */
#define PAST_DAYS         16 /* purged this many at a time */

/* What a reader was told. */
struct told {
	uint32_t hot;        /* of which slot */
	uint64_t lsn_before; /* the log's when it asked */
	struct toy_look look;
};

struct stress {
	struct memory memory;
	struct table table;
	struct toy_desk toy;
	struct clock clock;
	uint64_t until_ns;
	uint64_t seed;
	uint64_t hot_keys[HOT_KEYS];
	_Atomic bool over;
	/* what the grower lets the workers have a go at: a slot and a session of a day that is about to be purged */
	_Atomic uint64_t past_key;
	_Atomic uint64_t past_session;
};

struct worker {
	struct stress *stress;
	pthread_t thread;
	uint64_t random;
	uint64_t done;
	uint64_t recent[16];
	struct told *told;
	uint32_t told_count;
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

static void look(struct worker *worker, uint32_t hot)
{
	struct stress *stress = worker->stress;
	const uint64_t lsn_before = toy_lsn(&stress->toy);
	const struct toy_look look = toy_look(&stress->toy, stress->hot_keys[hot]);
	if (worker->told_count < LOOKS) {
		worker->told[worker->told_count++] = (struct told){hot, lsn_before, look};
	}
}

static void list(struct worker *worker)
{
	struct stress *stress = worker->stress;
	uint32_t slots[TABLE_DAY_SLOTS_MAX];
	const uint32_t psychologist = key_psychologist(stress->hot_keys[random_below(&worker->random, HOT_KEYS)]);
	CHECK(table_day(&stress->table, psychologist, HOT_DAY, slots) <= HOT_SLOTS);
}

/* Walks a client's thread, a few sessions at a time: they are the client's, and `wanted` (0: none) is among them, if it is
 * one whose day stays. */
static void walk_sessions(struct worker *worker, uint32_t client_n, uint64_t wanted)
{
	struct table *table = &worker->stress->table;
	struct thread_cursor cursor = {0};
	const uint32_t client = toy_client(table, client_n, true);
	bool found = wanted == 0;
	uint32_t looks = 0;
	for (enum thread_walk walk = THREAD_MORE; walk != THREAD_END && looks < WALK_LOOKS; looks += 16) {
		uint64_t ids[16];
		const uint32_t count = table_client_sessions(table, client, &cursor, ids, 16, &walk);
		for (uint32_t i = 0; i < count; i++) {
			struct session_view view;
			/* Not there: purged since. */
			CHECK(!table_session_view(table, ids[i], &view) || view.client == client);
			found |= ids[i] == wanted;
		}
	}
	/* Others put theirs in front, but not that many in so short a time. */
	CHECK(found);
}

/* Books for a client of the worker's own, on a slot that stays, and finds it. */
static void book_and_find(struct worker *worker, uint64_t key)
{
	uint64_t id;
	const uint32_t client = OWN_CLIENTS + (uint32_t)(worker->random >> 40) % OWN_CLIENTS_EACH;
	if (toy_book(&worker->stress->toy, key, client, &id) == MODEL_DONE) {
		walk_sessions(worker, client, id);
		toy_cancel(&worker->stress->toy, id);
	}
}

/* Books and cancels where the grower is purging. */
static void work_on_the_past(struct worker *worker)
{
	struct toy_desk *toy = &worker->stress->toy;
	const uint64_t key = atomic_load_explicit(&worker->stress->past_key, memory_order_acquire);
	const uint64_t session = atomic_load_explicit(&worker->stress->past_session, memory_order_acquire);
	uint64_t booked;
	if (session != 0) {
		toy_cancel(toy, session);
	}
	if (key != 0 && toy_book(toy, key, random_below(&worker->random, 100), &booked) == MODEL_DONE) {
		toy_cancel(toy, booked);
	}
}

static void change_hours(struct worker *worker, uint64_t key, bool open)
{
	struct toy_desk *toy = &worker->stress->toy;
	bool opened;
	if (open) {
		toy_open(toy, key, HOT_MINUTES, &opened);
	} else if (!toy->blind) {
		toy_close(toy, key);
	}
}

static void work_once(struct worker *worker)
{
	struct toy_desk *toy = &worker->stress->toy;
	const uint32_t hot = random_below(&worker->random, HOT_KEYS);
	const uint64_t key = worker->stress->hot_keys[hot];
	uint64_t *recent = &worker->recent[random_below(&worker->random, 16)];
	const uint32_t dice = random_below(&worker->random, 100);
	if (dice < 10) {
		/* Over in no time: whoever comes by finds it so, often several at once. */
		toy_hold(toy, key, random_below(&worker->random, 20), 1, recent);
		atomic_fetch_add_explicit(&toy->now_ms, 400, memory_order_relaxed);
	} else if (dice < 30) {
		/* Some clients are new, so that tokens are added all the time. */
		const uint32_t client = dice < 24 ? random_below(&worker->random, dice < 14 ? 1000000 : 20)
						  : PAST_CLIENT + random_below(&worker->random, 4);
		toy_book(toy, key, client, recent);
	} else if (dice < 50) {
		toy_cancel(toy, *recent);
	} else if (dice < 70) {
		look(worker, hot);
	} else if (dice < 90) {
		change_hours(worker, key, dice < 80);
	} else if (dice < 92) {
		list(worker);
	} else if (dice < 94) {
		book_and_find(worker, key);
	} else if (dice < 96) {
		walk_sessions(worker, PAST_CLIENT + random_below(&worker->random, 4), 0);
	} else {
		work_on_the_past(worker);
	}
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	while (!is_over(worker->stress)) {
		for (int i = 0; i < 16; i++) {
			work_once(worker);
		}
		worker->done += 16;
	}
	return NULL;
}

/* Opens a day of 96 slots for a psychologist, books one of them. */
static void open_day(struct stress *stress, uint32_t psychologist, uint16_t day, uint64_t *key, uint64_t *session)
{
	for (uint16_t minute = 0; minute < MINUTES_PER_DAY; minute += 15) {
		bool opened;
		toy_open(&stress->toy, key_make(psychologist, day, minute), 15, &opened);
	}
	*key = key_make(psychologist, day, 600);
	toy_book(&stress->toy, *key, day, session);
}

/* Long runs of sessions in one thread, which a purge takes out while workers put theirs in front. */
static void book_past(struct stress *stress, uint64_t key)
{
	for (uint16_t minute = 0; minute < 480; minute += 15) {
		uint64_t session;
		const uint64_t at = key_make(key_psychologist(key), key_day(key), minute);
		toy_book(&stress->toy, at, PAST_CLIENT + minute / 15 % 4u, &session);
	}
}

static void *grow(void *argument)
{
	struct stress *stress = argument;
	uint32_t future = 0;
	for (uint16_t day = 1; day < HOT_DAY && !is_over(stress); day++) {
		uint64_t key, session = 0;
		/* One day that stays, of ever new psychologists, and one that goes. */
		open_day(stress, toy_psychologist(&stress->table, 100 + future % 5000),
			 (uint16_t)(30000 + future / 5000), &key, &session);
		future++;
		open_day(stress, toy_psychologist(&stress->table, 10 + day % 3u), day, &key, &session);
		book_past(stress, key);
		atomic_store_explicit(&stress->past_session, session, memory_order_release);
		atomic_store_explicit(&stress->past_key, key, memory_order_release);
		/* The day the workers are just having a go at, too. */
		if (day % PAST_DAYS == 0) {
			toy_purge(&stress->toy, (uint16_t)(day + 1), 512);
		}
	}
	return NULL;
}

/* ------------------------------------------------------------------------------------------------------- afterwards */

static bool check_told(const struct stress *stress, const struct worker *workers, uint32_t count)
{
	struct timeline timelines[HOT_KEYS];
	for (uint32_t hot = 0; hot < HOT_KEYS; hot++) {
		timeline_read(&timelines[hot], &stress->toy, stress->hot_keys[hot]);
	}
	bool sound = true;
	uint64_t checked = 0;
	for (uint32_t w = 0; w < count; w++) {
		for (uint32_t i = 0; i < workers[w].told_count && sound; i++) {
			const struct told *told = &workers[w].told[i];
			sound = timeline_allows(&timelines[told->hot], &told->look, told->lsn_before);
			checked++;
			if (!sound) {
				printf("violation: slot %" PRIu32 " was told to be %s at lsn %" PRIu64
				       " to who asked at lsn %" PRIu64 ", which is not what the log says\n",
				       told->hot,
				       !told->look.there ? "missing" : (told->look.view.free ? "free" : "occupied"),
				       told->look.lsn, told->lsn_before);
			}
		}
	}
	for (uint32_t hot = 0; hot < HOT_KEYS; hot++) {
		timeline_fini(&timelines[hot]);
	}
	printf("told and true: %" PRIu64 " answers\n", checked);
	return sound;
}

/* Compares what the two tables have at the place and for the session of each record. */
static bool same_record(const struct stress *stress, const struct toy_desk *replayed, const struct toy_record *record)
{
	const uint64_t key = toy_key_in(&stress->toy, replayed->table, record->key);
	const struct toy_look here = toy_look(&stress->toy, record->key);
	const struct toy_look there = toy_look(replayed, key);
	if (here.there != there.there ||
	    (here.there && (here.lsn != there.lsn || here.view.free != there.view.free ||
			    here.view.minutes != there.view.minutes || here.view.session != there.view.session))) {
		return false;
	}
	struct session_view mine, other;
	const bool here_is = table_session_view(&stress->table, record->session, &mine);
	const bool there_is = table_session_view(replayed->table, record->session, &other);
	return here_is == there_is && (!here_is || (mine.state == other.state && other.key == key));
}

/* Replays the log, and compares. */
static bool check_replayed(struct stress *stress)
{
	static struct memory memory;
	static struct table table;
	struct error error;
	const struct table_options options = {.stripe_count = 16, .seed = ~stress->seed};
	memory_init(&memory, stress->memory.limit);
	CHECK(table_init(&table, &memory, &options, &error));
	const struct toy_desk replayed = {.table = &table};
	bool sound = toy_replay(&stress->toy, &table, &error);
	if (!sound) {
		printf("violation: the log cannot be replayed: %s\n", error.text);
	}
	for (uint64_t lsn = 1; sound && lsn <= toy_lsn(&stress->toy); lsn++) {
		const struct toy_record *record = &stress->toy.records[lsn - 1];
		sound = record->type == TOY_PURGE || same_record(stress, &replayed, record);
		if (!sound) {
			printf("violation: the replayed table is another where the record at lsn %" PRIu64 " was\n",
			       lsn);
		}
	}
	if (sound) {
		table_check(&table);
	}
	table_fini(&table);
	return sound;
}

static bool check_all(struct stress *stress, const struct worker *workers, uint32_t count)
{
	if (!check_replayed(stress) || !check_told(stress, workers, count)) {
		return false;
	}
	table_check(&stress->table);
	return true;
}

/* ------------------------------------------------------------------------------------------------------------- main */

static void stress_init(struct stress *stress, bool canary)
{
	struct error error;
	memory_init(&stress->memory, UINT64_C(1) << 30);
	stress->seed = random_seed();
	const struct table_options options = {.stripe_count = 64, .seed = stress->seed};
	CHECK(table_init(&stress->table, &stress->memory, &options, &error));
	toy_init(&stress->toy, &stress->table, RECORDS);
	stress->toy.blind = canary;
	stress->clock = clock_real();
	for (uint32_t hot = 0; hot < HOT_KEYS; hot++) {
		const uint32_t psychologist = toy_psychologist(&stress->table, 1 + hot / HOT_SLOTS);
		stress->hot_keys[hot] =
		    key_make(psychologist, HOT_DAY, (uint16_t)(540 + hot % HOT_SLOTS * HOT_MINUTES));
		bool opened;
		toy_open(&stress->toy, stress->hot_keys[hot], HOT_MINUTES, &opened);
	}
}

static void run(struct stress *stress, struct worker *workers, uint32_t count, uint64_t seconds)
{
	pthread_t grower;
	stress->until_ns = clock_monotonic_ns(&stress->clock) + seconds * 1000000000;
	CHECK(pthread_create(&grower, NULL, grow, stress) == 0);
	for (uint32_t i = 0; i < count; i++) {
		workers[i] = (struct worker){.stress = stress, .random = stress->seed + i};
		workers[i].told = calloc(LOOKS, sizeof *workers[i].told);
		CHECK(workers[i].told != NULL);
		CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
	}
	uint64_t done = 0;
	for (uint32_t i = 0; i < count; i++) {
		CHECK(pthread_join(workers[i].thread, NULL) == 0);
		done += workers[i].done;
	}
	CHECK(pthread_join(grower, NULL) == 0);
	struct table_counts counts;
	table_count(&stress->table, 1, &counts);
	printf("%" PRIu64 " commands of %" PRIu32 " threads, %" PRIu64 " records, %" PRIu64 " slots\n", done, count,
	       toy_lsn(&stress->toy), counts.open + counts.booked);
}

int main(int argc, char **argv)
{
	static struct stress stress;
	static struct worker workers[THREADS];
	struct words words;
	if (!words_read(&words, argc, argv, 4, THREADS)) {
		return 2;
	}
	struct error error;
	if (!ready_start(&error)) {
		fprintf(stderr, "table_stress: %s\n", error.text);
		return 2;
	}
	stress_init(&stress, words.canary);
	run(&stress, workers, words.threads, words.seconds);
	ready_stop();
	const bool sound = check_all(&stress, workers, words.threads);
	printf("%s, SEED=0x%" PRIx64 "\n", sound ? "sound" : (words.canary ? "the canary was found" : "NOT sound"),
	       stress.seed);
	for (uint64_t i = 0; i < words.threads; i++) {
		free(workers[i].told);
	}
	toy_fini(&stress.toy);
	table_fini(&stress.table);
	return sound == words.canary;
}
