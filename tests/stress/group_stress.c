/*
 * group_stress: groups of several threads over the same few slots, in any order; made for ThreadSanitizer.
 *
 * Proves: all or none, and no deadlock [I1, I4]. In a race all threads ask for all slots at once, each in another order:
 * exactly one gets them, whole. In a scramble they ask for some of them, cancel, move, hold and pass them on, in groups and
 * alone, while hours are closed and opened: who was told that it has a series finds every slot of it its own, and who was
 * refused none; and the log, replayed strictly, gives the same table, in every word of its dump. Holds of strangers are over
 * when a race begins, so that all threads come across them at once, and each expires by one record.
 *
 * The desk and the log are those of the server, on the simulated disk, which only the owner of the log touches.
 *
 * usage: group_stress [SECONDS]        SEED=... in the environment repeats the choices of the threads
 */
#include <base/check.h>
#include <inttypes.h>
#include <log/replay.h>
#include <model/random.h>
#include <pthread.h>
#include <serve/group.h>
#include <sim/sim_disk.h>
#include <slot/image.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS      4
#define SLOTS        48 /* so many that groups meet in the middle */
#define DAY          30000
#define TURNS_MAX    20000 /* of each thread, so that the simulated disk stays small */
#define HOLD_SECONDS 600
#define SEGMENT      (UINT64_C(1024) * DISK_ALIGN)
#define MEMORY_SIZE  (UINT64_C(256) << 20)

struct stress {
	struct sim_disk disk;
	struct clock clock; /* that of the system, */
	struct clock system;
	_Atomic uint64_t ahead_ms; /* and so much; relaxed: written between barriers */
	struct config config;
	struct service service;
	struct memory memory;
	struct table table;
	struct desk desk;
	struct wal *wal;
	struct rebuild rebuild;
	pthread_barrier_t barrier;
	/* guards what the threads sleep for: room in the log, something to pump */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	uint64_t changes;
	_Atomic bool ended;       /* relaxed: only asks to stop */
	_Atomic uint32_t running; /* release, acquire: the owner goes on until all have ended */
	bool over;                /* the first worker's decision; read and set between barriers */
	_Atomic uint32_t winners; /* of a race; read and set between barriers */
};

struct worker {
	struct stress *stress;
	pthread_t thread;
	uint32_t number;
	uint64_t random;
	char client[16];
	uint64_t sessions[SLOTS]; /* it has, by slot; 0: none */
	uint64_t won;
	uint64_t lost;
	uint64_t moved;
};

static uint64_t stress_wall_ms(void *context)
{
	const struct stress *stress = context;
	return clock_wall_ms(&stress->system) + atomic_load_explicit(&stress->ahead_ms, memory_order_relaxed);
}

static uint64_t stress_monotonic_ns(void *context)
{
	return clock_monotonic_ns(&((struct stress *)context)->system);
}

static void changed(void *context)
{
	struct stress *stress = context;
	pthread_mutex_lock(&stress->mutex);
	stress->changes++;
	pthread_cond_broadcast(&stress->changed);
	pthread_mutex_unlock(&stress->mutex);
}

static uint64_t changes(struct stress *stress)
{
	pthread_mutex_lock(&stress->mutex);
	const uint64_t count = stress->changes;
	pthread_mutex_unlock(&stress->mutex);
	return count;
}

static void wait_changed(struct stress *stress, uint64_t count)
{
	pthread_mutex_lock(&stress->mutex);
	while (stress->changes == count) {
		pthread_cond_wait(&stress->changed, &stress->mutex);
	}
	pthread_mutex_unlock(&stress->mutex);
}

/* As a connection before each request. */
static void wait_for_room(struct stress *stress)
{
	for (;;) {
		const uint64_t count = changes(stress);
		if (wal_has_room(stress->wal)) {
			return;
		}
		wait_changed(stress, count);
	}
}

static bool is_ended(struct stress *stress)
{
	return atomic_load_explicit(&stress->ended, memory_order_relaxed);
}

/* ---------------------------------------------------------------------------------------------------------- the slots */

static struct place place_of(uint32_t slot)
{
	return (struct place){span_of("dr-lee"), DAY, (uint16_t)(20 * slot)};
}

/* The session by which the slot is this worker's; 0: it is not. */
static uint64_t session_at(const struct worker *worker, uint32_t slot)
{
	struct desk *desk = &worker->stress->desk;
	const struct place place = place_of(slot);
	struct slot_view view;
	uint64_t lsn;
	const bool mine = desk_slot(desk, &place, &view, &lsn) && !view.free &&
			  view.client == intern_find(&desk->table->clients, span_of(worker->client));
	return mine ? view.session : 0;
}

static void shuffle(struct worker *worker, uint32_t *order)
{
	for (uint32_t i = 0; i < SLOTS; i++) {
		const uint32_t other = random_below(&worker->random, i + 1);
		order[i] = order[other];
		order[other] = i;
	}
}

static void add_booking(struct worker *worker, struct group *group, uint32_t slot)
{
	struct group_change *change = group_add(group, GROUP_BOOK);
	change->client = span_of(worker->client);
	*group_add_place(group) = place_of(slot);
}

static void add_cancellation(struct worker *worker, struct group *group, uint32_t slot)
{
	struct group_change *change = group_add(group, GROUP_CANCEL);
	change->session = worker->sessions[slot];
	worker->sessions[slot] = 0;
}

/* The slots of a group, in any order, and what it answered. */
static void book_some(struct worker *worker, const uint32_t *order, uint32_t count, bool moves)
{
	struct group group;
	uint64_t before[SLOTS];
	memcpy(before, worker->sessions, sizeof before);
	group_init(&group);
	for (uint32_t slot = 0; moves && slot < SLOTS; slot++) {
		if (worker->sessions[slot] != 0) {
			add_cancellation(worker, &group, slot);
		}
	}
	const uint32_t first = group.change_count;
	for (uint32_t i = 0; i < count; i++) {
		add_booking(worker, &group, order[i]);
	}
	wait_for_room(worker->stress);
	const struct outcome outcome = desk_group(&worker->stress->desk, &group);
	if (outcome.code != OUTCOME_DONE) {
		worker->lost++;
		memcpy(worker->sessions, before, sizeof before);
		for (uint32_t slot = 0; slot < SLOTS; slot++) {
			CHECK(session_at(worker, slot) == before[slot]);
		}
		return;
	}
	worker->won++;
	worker->moved += moves && first > 0;
	for (uint32_t i = 0; i < count; i++) {
		const uint64_t session = group.changes[first + i].outcome.value;
		CHECK(moves || before[order[i]] == 0 || before[order[i]] == session);
		worker->sessions[order[i]] = session;
	}
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		CHECK(session_at(worker, slot) == worker->sessions[slot]);
	}
}

/* Gives everything back, in one group or one by one. */
static void cancel_all(struct worker *worker, bool together)
{
	struct group group;
	group_init(&group);
	for (uint32_t slot = 0; slot < SLOTS; slot++) {
		if (worker->sessions[slot] == 0) {
			continue;
		}
		if (together) {
			add_cancellation(worker, &group, slot);
			continue;
		}
		wait_for_room(worker->stress);
		CHECK(desk_cancel(&worker->stress->desk, worker->sessions[slot], span_of("")).code == OUTCOME_DONE);
		worker->sessions[slot] = 0;
	}
	if (group.change_count > 0) {
		wait_for_room(worker->stress);
		CHECK(desk_group(&worker->stress->desk, &group).code == OUTCOME_DONE);
	}
}

/* -------------------------------------------------------------------------------------------------- race and scramble */

static void race(struct worker *worker)
{
	struct stress *stress = worker->stress;
	uint32_t order[SLOTS];
	shuffle(worker, order);
	if (worker->number == 0) {
		atomic_fetch_add_explicit(&stress->ahead_ms, (HOLD_SECONDS + 1) * UINT64_C(1000), memory_order_relaxed);
	}
	pthread_barrier_wait(&stress->barrier);
	book_some(worker, order, SLOTS, false);
	if (worker->sessions[0] != 0) {
		atomic_fetch_add_explicit(&stress->winners, 1, memory_order_relaxed);
	}
	pthread_barrier_wait(&stress->barrier);
	CHECK(atomic_load_explicit(&stress->winners, memory_order_relaxed) == 1);
	pthread_barrier_wait(&stress->barrier);
	if (worker->sessions[0] != 0) {
		cancel_all(worker, random_below(&worker->random, 2) == 0);
		atomic_store_explicit(&stress->winners, 0, memory_order_relaxed);
	}
}

/* Books or holds a slot, or holds it for a stranger, who never comes back. */
static void claim_one(struct worker *worker, uint32_t slot, uint32_t dice)
{
	struct desk *desk = &worker->stress->desk;
	const struct place place = place_of(slot);
	if (dice == 0) {
		desk_hold(desk, &place, span_of("stranger"), HOLD_SECONDS);
		return;
	}
	const struct outcome outcome = dice == 1 ? desk_hold(desk, &place, span_of(worker->client), HOLD_SECONDS)
						 : desk_book(desk, &place, span_of(worker->client));
	if (outcome.code == OUTCOME_DONE) {
		worker->sessions[slot] = outcome.value;
	}
}

static void scramble(struct worker *worker)
{
	struct desk *desk = &worker->stress->desk;
	uint32_t order[SLOTS];
	shuffle(worker, order);
	const uint32_t dice = random_below(&worker->random, 10);
	const uint32_t count = 1 + random_below(&worker->random, SLOTS / 2);
	wait_for_room(worker->stress);
	if (dice < 5) {
		book_some(worker, order, count, dice < 2);
	} else if (dice < 8) {
		cancel_all(worker, dice < 7);
	} else if (dice < 9) {
		claim_one(worker, order[0], random_below(&worker->random, 4));
	} else {
		uint64_t occupied;
		const struct place hour = place_of(order[0]);
		const struct place first = place_of(0);
		desk_close(desk, &hour, &occupied);
		wait_for_room(worker->stress);
		desk_open(desk, &first, 20, SLOTS, 20);
	}
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	struct stress *stress = worker->stress;
	service_worker = worker->number;
	for (uint32_t turn = 0; turn < TURNS_MAX / 10; turn++) {
		race(worker);
		/* All run the same number of races: the first says when it is over. */
		if (worker->number == 0) {
			stress->over = is_ended(stress);
		}
		pthread_barrier_wait(&stress->barrier);
		if (stress->over) {
			break;
		}
		for (uint32_t i = 0; i < 9; i++) {
			scramble(worker);
		}
		cancel_all(worker, true);
		pthread_barrier_wait(&stress->barrier);
	}
	cancel_all(worker, true);
	atomic_fetch_sub_explicit(&stress->running, 1, memory_order_release); /* pairs with own */
	changed(stress);
	return NULL;
}

/* The loop of the owner of the log: worker 0 of the server, without a network. */
static void own(struct stress *stress, uint64_t end_ns)
{
	for (;;) {
		const uint64_t count = changes(stress);
		const uint32_t running = atomic_load_explicit(&stress->running, memory_order_acquire);
		wal_pump(stress->wal);
		const bool stepped = sim_disk_step(&stress->disk);
		if (clock_monotonic_ns(&stress->clock) > end_ns) {
			atomic_store_explicit(&stress->ended, true, memory_order_relaxed);
		}
		if (!stepped && running == 0 && wal_idle(stress->wal)) {
			return;
		}
		if (!stepped && running != 0) {
			wait_changed(stress, count);
		}
	}
}

/* ------------------------------------------------------------------------------------------------------- begin and end */

static bool on_record(void *context, const struct record *record, uint64_t lsn, struct error *error)
{
	struct stress *stress = context;
	return rebuild_record(&stress->rebuild, record, lsn, error);
}

/* Opens the log, replaying what it has into a new table. */
static void open_desk(struct stress *stress)
{
	struct error error = {0};
	const struct table_options table_options = {.stripe_count = 4, .seed = 7};
	memory_init(&stress->memory, MEMORY_SIZE);
	CHECK(table_init(&stress->table, &stress->memory, &table_options, &error));
	stress->service.clock = &stress->clock;
	stress->service.config = &stress->config;
	stress->desk = (struct desk){
	    .service = &stress->service, .memory = &stress->memory, .table = &stress->table, .clock = &stress->clock};
	struct wal_options options = {.segment_size = SEGMENT,
				      .batch_size = 16 * DISK_ALIGN,
				      .appenders = THREADS + 1,
				      .flush = true,
				      .advanced = changed,
				      .appended = changed,
				      .context = stress};
	struct wal_recovery found;
	if (!rebuild_begin(&stress->rebuild, &stress->table, &stress->disk.port, &options.start, &error) ||
	    !wal_open(&stress->wal, &options, &stress->disk.port, &stress->clock, on_record, stress, &found, &error)) {
		printf("violation: the log cannot be replayed: %s\n", error.text);
		exit(EXIT_FAILURE);
	}
	table_restore_done(&stress->table);
	CHECK(desk_restore_holds(&stress->desk, stress->rebuild.newest_ms, &error));
	atomic_store_explicit(&stress->desk.wal, stress->wal, memory_order_release);
}

static char *dump(const struct table *table)
{
	struct buffer out = {0};
	table_check(table);
	table_dump(table, &out);
	buffer_add(&out, "", 1);
	return (char *)out.at;
}

static void compare_with_replayed(struct stress *stress)
{
	char *before = dump(&stress->table);
	wal_close(stress->wal);
	holds_check(&stress->desk.holds);
	holds_fini(&stress->desk.holds);
	table_fini(&stress->table);
	open_desk(stress);
	char *after = dump(&stress->table);
	if (strcmp(before, after) != 0) {
		printf("violation: the table was\n%s\nand is, replayed,\n%s\n", before, after);
		exit(EXIT_FAILURE);
	}
	free(before);
	free(after);
}

static void run(struct stress *stress, uint64_t seconds, uint64_t seed)
{
	struct worker workers[THREADS] = {{0}};
	atomic_init(&stress->running, THREADS);
	for (uint32_t i = 0; i < THREADS; i++) {
		workers[i].stress = stress;
		workers[i].number = i;
		workers[i].random = seed + i;
		snprintf(workers[i].client, sizeof workers[i].client, "client-%" PRIu32, i);
		CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
	}
	own(stress, clock_monotonic_ns(&stress->clock) + seconds * UINT64_C(1000000000));
	uint64_t won = 0, lost = 0, moved = 0;
	int64_t expired = 0;
	for (uint32_t i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		won += workers[i].won;
		lost += workers[i].lost;
		moved += workers[i].moved;
		expired += atomic_load_explicit(&stress->service.counters[i].holds_expired, memory_order_relaxed);
	}
	printf("group_stress: %d threads, %" PRIu64 " groups done, %" PRIu64 " of them moves, %" PRIu64
	       " refused, %" PRId64 " holds over, %" PRIu64 " records\n",
	       THREADS, won, moved, lost, expired, wal_appended_lsn(stress->wal));
}

int main(int argc, char **argv)
{
	static struct stress stress;
	const uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 2;
	const uint64_t seed = random_seed();
	printf("group_stress: SEED=0x%" PRIx64 "\n", seed);
	sim_disk_init(&stress.disk, 1);
	stress.system = clock_real();
	stress.clock = (struct clock){&stress, stress_wall_ms, stress_monotonic_ns};
	stress.config.hold_total_max = HOLD_SECONDS;
	stress.config.holds_per_client = SLOTS;
	stress.config.holds_max = 2 * SLOTS;
	pthread_mutex_init(&stress.mutex, NULL);
	pthread_cond_init(&stress.changed, NULL);
	pthread_barrier_init(&stress.barrier, NULL, THREADS);
	open_desk(&stress);
	const struct place first = place_of(0);
	CHECK(desk_open(&stress.desk, &first, 20, SLOTS, 20).code == OUTCOME_DONE);
	run(&stress, seconds, seed);
	compare_with_replayed(&stress);
	wal_close(stress.wal);
	holds_fini(&stress.desk.holds);
	table_fini(&stress.table);
	sim_disk_fini(&stress.disk);
	return 0;
}
