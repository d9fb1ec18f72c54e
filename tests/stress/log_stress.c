/*
 * log_stress: threads append to one log while its owner commits; made for ThreadSanitizer.
 *
 * Proves: lsn are dense and every appender's records are in the log in the order it appended them (I3, I4); durable_lsn
 * only grows and never passes appended_lsn; nobody misses a wake-up. The disk is the simulated one, which only the
 * owner touches. At the end the log is opened again and compared with what each thread remembers.
 *
 * usage: log_stress [SECONDS]
 */
#include <base/check.h>
#include <inttypes.h>
#include <log/wal.h>
#include <pthread.h>
#include <sim/sim_disk.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define APPENDERS    3
#define RECORDS_MAX  200000 /* of each, so that the simulated disk stays small */
#define SEGMENT_SIZE (UINT64_C(256) * DISK_ALIGN)

/* The owner sleeps until there is something to pump, the appenders until there is room. */
struct bell {
	pthread_mutex_t mutex;
	pthread_cond_t rung;
	uint64_t count;
};

struct stress {
	struct sim_disk disk;
	struct clock clock;
	struct wal *wal;
	struct bell work;
	struct bell room;
	_Atomic bool ended; /* relaxed: only asks to stop */
	_Atomic uint32_t running;
	uint64_t seen[APPENDERS]; /* while replaying: records of each */
};

struct appender {
	struct stress *stress;
	pthread_t thread;
	uint32_t number;
	uint64_t appended;
	uint64_t last_lsn;
};

static void bell_ring(struct bell *bell)
{
	pthread_mutex_lock(&bell->mutex);
	bell->count++;
	pthread_cond_broadcast(&bell->rung);
	pthread_mutex_unlock(&bell->mutex);
}

static uint64_t bell_count(struct bell *bell)
{
	pthread_mutex_lock(&bell->mutex);
	const uint64_t count = bell->count;
	pthread_mutex_unlock(&bell->mutex);
	return count;
}

static void bell_wait(struct bell *bell, uint64_t count)
{
	pthread_mutex_lock(&bell->mutex);
	while (bell->count == count) {
		pthread_cond_wait(&bell->rung, &bell->mutex);
	}
	pthread_mutex_unlock(&bell->mutex);
}

static void on_advanced(void *context)
{
	struct stress *stress = context;
	bell_ring(&stress->room);
}

static void on_appended(void *context)
{
	struct stress *stress = context;
	bell_ring(&stress->work);
}

static void *append_all(void *argument)
{
	struct appender *appender = argument;
	struct stress *stress = appender->stress;
	/* Relaxed: nothing depends on how soon it is seen. */
	while (!atomic_load_explicit(&stress->ended, memory_order_relaxed) && appender->appended < RECORDS_MAX) {
		const uint64_t rung = bell_count(&stress->room);
		if (!wal_has_room(stress->wal)) {
			bell_wait(&stress->room, rung);
			continue;
		}
		const struct record record = {
		    .type = RECORD_CANCEL,
		    .day = (uint16_t)appender->number,
		    .session = ++appender->appended,
		};
		const uint64_t lsn = wal_append(stress->wal, &record);
		CHECK(lsn > appender->last_lsn);
		CHECK(wal_durable_lsn(stress->wal) <= wal_appended_lsn(stress->wal));
		appender->last_lsn = lsn;
	}
	atomic_fetch_sub_explicit(&stress->running, 1, memory_order_release); /* pairs with own */
	bell_ring(&stress->work);
	return NULL;
}

/* The loop of the owner: the worker of the server, without a network. */
static void own(struct stress *stress, uint64_t end_ns)
{
	uint64_t durable = 0;
	for (;;) {
		const uint64_t rung = bell_count(&stress->work);
		const uint32_t running = atomic_load_explicit(&stress->running, memory_order_acquire);
		wal_pump(stress->wal);
		const bool stepped = sim_disk_step(&stress->disk);
		CHECK(wal_durable_lsn(stress->wal) >= durable);
		durable = wal_durable_lsn(stress->wal);
		if (clock_monotonic_ns(&stress->clock) > end_ns) {
			atomic_store_explicit(&stress->ended, true, memory_order_relaxed);
		}
		if (!stepped && running == 0 && wal_idle(stress->wal)) {
			return;
		}
		if (!stepped && running != 0) {
			bell_wait(&stress->work, rung);
		}
	}
}

static bool on_record(void *context, const struct record *record, uint64_t lsn, struct error *error)
{
	(void)lsn;
	struct stress *stress = context;
	CHECK(record->day < APPENDERS);
	return record->session == ++stress->seen[record->day] ||
	       error_set(error, ERROR_DAMAGED, "appender %u: record %" PRIu64 " is out of its order", record->day,
			 record->session);
}

static void open_log(struct stress *stress)
{
	const struct wal_options options = {
	    .segment_size = SEGMENT_SIZE,
	    .batch_size = 16 * DISK_ALIGN,
	    .appenders = APPENDERS,
	    .flush = true,
	    .advanced = on_advanced,
	    .appended = on_appended,
	    .context = stress,
	};
	struct wal_recovery found;
	struct error error = {0};
	if (!wal_open(&stress->wal, &options, &stress->disk.port, &stress->clock, on_record, stress, &found, &error)) {
		fprintf(stderr, "log_stress: %s\n", error.text);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	static struct stress stress;
	const uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 2;
	sim_disk_init(&stress.disk, 1);
	stress.clock = clock_real();
	pthread_mutex_init(&stress.work.mutex, NULL);
	pthread_mutex_init(&stress.room.mutex, NULL);
	pthread_cond_init(&stress.work.rung, NULL);
	pthread_cond_init(&stress.room.rung, NULL);
	open_log(&stress);

	struct appender appenders[APPENDERS] = {{0}};
	atomic_init(&stress.running, APPENDERS);
	for (uint32_t i = 0; i < APPENDERS; i++) {
		appenders[i].stress = &stress;
		appenders[i].number = i;
		CHECK(pthread_create(&appenders[i].thread, NULL, append_all, &appenders[i]) == 0);
	}
	own(&stress, clock_monotonic_ns(&stress.clock) + seconds * UINT64_C(1000000000));
	uint64_t appended = 0;
	for (uint32_t i = 0; i < APPENDERS; i++) {
		pthread_join(appenders[i].thread, NULL);
		appended += appenders[i].appended;
	}
	CHECK(wal_durable_lsn(stress.wal) == appended);
	struct wal_stats stats;
	wal_stats(stress.wal, &stats);
	wal_close(stress.wal);

	open_log(&stress);
	for (uint32_t i = 0; i < APPENDERS; i++) {
		CHECK(stress.seen[i] == appenders[i].appended);
	}
	wal_close(stress.wal);
	sim_disk_fini(&stress.disk);
	printf("log_stress: %d appenders, %" PRIu64 " records, %" PRIu64 " commits, %" PRIu64 " segments\n", APPENDERS,
	       appended, stats.commits, stats.segments);
	return 0;
}
