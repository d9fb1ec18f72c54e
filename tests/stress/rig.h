/*
 * rig: the desk and the log of the server under the threads of a stress program, on the simulated disk, which only the owner of
 * the log touches; and at the end the log, replayed, which must give the same table in every word of its dump.
 *
 *   rig_begin -> threads: rig_wait_for_room before each request ... rig_leave; meanwhile rig_own -> rig_compare -> rig_end
 *
 * Where all threads rest now and then, for one of them to look at what they made, rig_run is the middle of that.
 *
 * Threads: rig_wait_for_room, rig_is_ended and rig_leave any; the rest the one that began.
 */
#pragma once

#include <base/check.h>
#include <log/relay.h>
#include <pthread.h>
#include <serve/desk.h>
#include <sim/sim_disk.h>
#include <slot/image.h>
#include <stdio.h>
#include <stdlib.h>

#define RIG_SEGMENT (UINT64_C(1024) * DISK_ALIGN)
#define RIG_MEMORY  (UINT64_C(256) << 20)

struct rig {
	uint32_t threads;
	struct sim_disk disk;
	struct clock clock; /* that of the system, */
	struct clock system;
	_Atomic uint64_t ahead_ms; /* and so much; relaxed */
	struct config config;
	struct service service;
	struct memory memory;
	struct table table;
	struct desk desk;
	struct wal *wal;
	struct rebuild rebuild;
	struct relay *relay;
	/* guards what the threads sleep for: room in the log, something to pump */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	uint64_t changes;
	_Atomic bool ended;       /* relaxed: only asks to stop */
	_Atomic uint32_t running; /* release, acquire: the owner goes on until all have ended */
	const struct rig_work *work;
	pthread_barrier_t rest;
	bool over; /* the first worker's decision; read and set while all rest */
};

/* What the threads do: so many turns, then all rest, and the first worker looks; until the time is over, or the rounds. */
struct rig_work {
	void (*turn)(void *worker);
	void (*look)(void *worker);
	uint32_t turns;
	uint32_t rounds; /* at most, so that the simulated disk stays small */
};

/* What each thread has; first in the program's own struct. */
struct rig_worker {
	struct rig *rig;
	pthread_t thread;
	uint32_t number;
	uint64_t random;
};

static uint64_t rig_wall_ms(void *context)
{
	const struct rig *rig = context;
	return clock_wall_ms(&rig->system) + atomic_load_explicit(&rig->ahead_ms, memory_order_relaxed);
}

static uint64_t rig_monotonic_ns(void *context)
{
	return clock_monotonic_ns(&((struct rig *)context)->system);
}

static void rig_changed(void *context)
{
	struct rig *rig = context;
	pthread_mutex_lock(&rig->mutex);
	rig->changes++;
	pthread_cond_broadcast(&rig->changed);
	pthread_mutex_unlock(&rig->mutex);
}

static uint64_t rig_changes(struct rig *rig)
{
	pthread_mutex_lock(&rig->mutex);
	const uint64_t count = rig->changes;
	pthread_mutex_unlock(&rig->mutex);
	return count;
}

static void rig_wait_changed(struct rig *rig, uint64_t count)
{
	pthread_mutex_lock(&rig->mutex);
	while (rig->changes == count) {
		pthread_cond_wait(&rig->changed, &rig->mutex);
	}
	pthread_mutex_unlock(&rig->mutex);
}

/* As a connection before each request. */
static inline void rig_wait_for_room(struct rig *rig)
{
	for (;;) {
		const uint64_t count = rig_changes(rig);
		if (wal_has_room(rig->wal)) {
			return;
		}
		rig_wait_changed(rig, count);
	}
}

static inline bool rig_is_ended(struct rig *rig)
{
	return atomic_load_explicit(&rig->ended, memory_order_relaxed);
}

/* Is the simulated disk nearly full? A commit takes a block however little is in it, and nothing is trimmed. */
static inline bool rig_is_full(const struct rig *rig)
{
	struct wal_stats stats;
	wal_stats(rig->wal, &stats);
	return stats.bytes > (SIM_FILES_MAX - 4) * RIG_SEGMENT;
}

/* The loop of the owner of the log: worker 0 of the server, without a network. */
static inline void rig_own(struct rig *rig, uint64_t seconds)
{
	const uint64_t end_ns = clock_monotonic_ns(&rig->clock) + seconds * UINT64_C(1000000000);
	for (;;) {
		const uint64_t count = rig_changes(rig);
		const uint32_t running = atomic_load_explicit(&rig->running, memory_order_acquire);
		wal_pump(rig->wal);
		const bool stepped = sim_disk_step(&rig->disk);
		if (clock_monotonic_ns(&rig->clock) > end_ns || rig_is_full(rig)) {
			atomic_store_explicit(&rig->ended, true, memory_order_relaxed);
		}
		if (!stepped && running == 0 && wal_idle(rig->wal)) {
			return;
		}
		if (!stepped && running != 0) {
			rig_wait_changed(rig, count);
		}
	}
}

static bool rig_on_record(void *context, const struct record *record, uint64_t lsn, struct error *error)
{
	struct rig *rig = context;
	return relay_record(rig->relay, record, lsn, error);
}

static void rig_on_ahead(void *context, const struct record *records, size_t count)
{
	const struct rig *rig = context;
	relay_ahead(rig->relay, records, count);
}

static bool rig_on_replayed(void *context, struct error *error)
{
	struct rig *rig = context;
	return relay_finish(rig->relay, error);
}

/* Opens the log, replaying what it has into a new table, by two threads. */
static inline void rig_open(struct rig *rig)
{
	struct error error = {0};
	const struct table_options table_options = {.stripe_count = 4, .seed = 7};
	memory_init(&rig->memory, RIG_MEMORY);
	CHECK(table_init(&rig->table, &rig->memory, &table_options, &error));
	rig->service.clock = &rig->clock;
	rig->service.config = &rig->config;
	rig->desk =
	    (struct desk){.service = &rig->service, .memory = &rig->memory, .table = &rig->table, .clock = &rig->clock};
	struct wal_options options = {.segment_size = RIG_SEGMENT,
				      .batch_size = 16 * DISK_ALIGN,
				      .appenders = rig->threads + 1,
				      .ahead = rig_on_ahead,
				      .replayed = rig_on_replayed,
				      .flush = true,
				      .advanced = rig_changed,
				      .appended = rig_changed,
				      .context = rig};
	struct wal_recovery found;
	const struct snapshot_target into = {.table = &rig->table, .crew = 2};
	if (!rebuild_begin(&rig->rebuild, &into, &rig->disk.port, &options.start, &error) ||
	    (rig->relay = relay_begin(&rig->rebuild, 2, &error)) == NULL ||
	    !wal_open(&rig->wal, &options, &rig->disk.port, &rig->clock, rig_on_record, rig, &found, &error)) {
		printf("violation: the log cannot be replayed: %s\n", error.text);
		exit(EXIT_FAILURE);
	}
	relay_end(rig->relay);
	table_restore_done(&rig->table);
	struct table_counts counts;
	table_count(&rig->table, 2, &counts);
	CHECK(desk_restore_holds(&rig->desk, rig->rebuild.newest_ms, counts.held, &error));
	atomic_store_explicit(&rig->desk.wal, rig->wal, memory_order_release);
}

static char *rig_dump(const struct table *table)
{
	struct buffer out = {0};
	table_check(table);
	table_dump(table, &out);
	buffer_add(&out, "", 1);
	return (char *)out.at;
}

static inline void rig_compare(struct rig *rig)
{
	char *before = rig_dump(&rig->table);
	wal_close(rig->wal);
	holds_check(&rig->desk.holds);
	holds_fini(&rig->desk.holds);
	table_fini(&rig->table);
	rig_open(rig);
	char *after = rig_dump(&rig->table);
	if (strcmp(before, after) != 0) {
		printf("violation: the table was\n%s\nand is, replayed,\n%s\n", before, after);
		exit(EXIT_FAILURE);
	}
	free(before);
	free(after);
}

static inline void rig_leave(struct rig *rig)
{
	atomic_fetch_sub_explicit(&rig->running, 1, memory_order_release); /* pairs with rig_own */
	rig_changed(rig);
}

static void *rig_work(void *argument)
{
	struct rig_worker *worker = argument;
	struct rig *rig = worker->rig;
	service_worker = worker->number;
	for (uint32_t round = 0; round < rig->work->rounds && !rig->over; round++) {
		for (uint32_t i = 0; i < rig->work->turns; i++) {
			rig->work->turn(worker);
		}
		pthread_barrier_wait(&rig->rest);
		if (worker->number == 0) {
			rig->work->look(worker);
			rig->over = rig_is_ended(rig);
		}
		pthread_barrier_wait(&rig->rest);
	}
	rig_leave(rig);
	return NULL;
}

/* Lets the threads work. `workers`: as many as threads, each of `size` bytes, a struct rig_worker first. */
static inline void rig_run(struct rig *rig, const struct rig_work *work, void *workers, size_t size, uint64_t seconds,
			   uint64_t seed)
{
	rig->work = work;
	CHECK(pthread_barrier_init(&rig->rest, NULL, rig->threads) == 0);
	for (uint32_t i = 0; i < rig->threads; i++) {
		struct rig_worker *worker = (void *)((char *)workers + i * size);
		*worker = (struct rig_worker){.rig = rig, .number = i, .random = seed + i};
		CHECK(pthread_create(&worker->thread, NULL, rig_work, worker) == 0);
	}
	rig_own(rig, seconds);
	for (uint32_t i = 0; i < rig->threads; i++) {
		CHECK(pthread_join(((struct rig_worker *)(void *)((char *)workers + i * size))->thread, NULL) == 0);
	}
	pthread_barrier_destroy(&rig->rest);
}

/* The caller has set the options that matter in rig->config. */
static inline void rig_begin(struct rig *rig, uint32_t threads)
{
	rig->threads = threads;
	sim_disk_init(&rig->disk, 1);
	rig->system = clock_real();
	rig->clock = (struct clock){rig, rig_wall_ms, rig_monotonic_ns};
	pthread_mutex_init(&rig->mutex, NULL);
	pthread_cond_init(&rig->changed, NULL);
	atomic_init(&rig->running, threads);
	rig_open(rig);
}

static inline void rig_end(struct rig *rig)
{
	wal_close(rig->wal);
	holds_fini(&rig->desk.holds);
	table_fini(&rig->table);
	sim_disk_fini(&rig->disk);
}
