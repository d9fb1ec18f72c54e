/*
 * group_stress: groups of several threads over the same few slots, in any order; made for ThreadSanitizer.
 *
 * Proves: all or none, and no deadlock [I1, I4]. In a race all threads ask for all slots at once, each in another order:
 * exactly one gets them, whole. In a scramble they ask for some of them, cancel, hold, reschedule and pass them on, in
 * groups and alone, while hours are closed and opened: who was told that it has a series finds every slot of it its own, and
 * who was refused none; and the log, replayed strictly, gives the same table, in every word of its dump. Holds of strangers
 * are over when a race begins, so that all threads come across them at once, and each expires by one record.
 *
 * The desk and the log are those of the server, on the simulated disk, which only the owner of the log touches.
 *
 * usage: group_stress [SECONDS]        SEED=... in the environment repeats the choices of the threads
 */
#include "rig.h"
#include <base/check.h>
#include <inttypes.h>
#include <model/random.h>
#include <pthread.h>
#include <serve/group.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS      4
#define SLOTS        48 /* so many that groups meet in the middle */
#define DAY          30000
#define TURNS_MAX    20000 /* of each thread, so that the simulated disk stays small */
#define HOLD_SECONDS 600

struct stress {
	struct rig rig;
	pthread_barrier_t barrier;
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
	uint64_t rescheduled;
};

/* ---------------------------------------------------------------------------------------------------------- the slots */

static struct place place_of(uint32_t slot)
{
	return (struct place){span_of("dr-lee"), DAY, (uint16_t)(20 * slot)};
}

/* The session by which the slot is this worker's; 0: it is not. */
static uint64_t session_at(const struct worker *worker, uint32_t slot)
{
	struct desk *desk = &worker->stress->rig.desk;
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
	struct group_change *change = group_add(group, GROUP_CHANGE);
	change->command = LIFE_CANCEL;
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
	rig_wait_for_room(&worker->stress->rig);
	const struct outcome outcome = desk_group(&worker->stress->rig.desk, &group);
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

/* Its sessions go to other slots, in one group, and some of the slots that they left are booked again. */
static void reschedule_some(struct worker *worker, const uint32_t *order)
{
	struct group group;
	uint64_t sessions[SLOTS];
	uint32_t left[SLOTS];
	uint32_t count = 0;
	memcpy(sessions, worker->sessions, sizeof sessions);
	group_init(&group);
	for (uint32_t slot = 0; slot < SLOTS && count < SLOTS / 4; slot++) {
		if (worker->sessions[slot] != 0 && sessions[order[count]] == 0) {
			group_add(&group, GROUP_MOVE)->session = worker->sessions[slot];
			*group_add_place(&group) = place_of(order[count]);
			sessions[order[count]] = worker->sessions[slot];
			sessions[slot] = 0;
			left[count++] = slot;
		}
	}
	const uint32_t moves = group.change_count;
	for (uint32_t i = 0; i < count && sessions[left[i]] == 0; i++) {
		add_booking(worker, &group, left[i]);
	}
	if (moves == 0) {
		return;
	}
	rig_wait_for_room(&worker->stress->rig);
	const bool done = desk_group(&worker->stress->rig.desk, &group).code == OUTCOME_DONE;
	for (uint32_t i = moves; done && i < group.change_count; i++) {
		sessions[left[i - moves]] = group.changes[i].outcome.value;
	}
	if (done) {
		memcpy(worker->sessions, sessions, sizeof sessions);
	}
	worker->rescheduled += done;
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
		rig_wait_for_room(&worker->stress->rig);
		CHECK(desk_cancel(&worker->stress->rig.desk, worker->sessions[slot], span_of("")).code == OUTCOME_DONE);
		worker->sessions[slot] = 0;
	}
	if (group.change_count > 0) {
		rig_wait_for_room(&worker->stress->rig);
		CHECK(desk_group(&worker->stress->rig.desk, &group).code == OUTCOME_DONE);
	}
}

/* -------------------------------------------------------------------------------------------------- race and scramble */

static void race(struct worker *worker)
{
	struct stress *stress = worker->stress;
	uint32_t order[SLOTS];
	shuffle(worker, order);
	if (worker->number == 0) {
		atomic_fetch_add_explicit(&stress->rig.ahead_ms, (HOLD_SECONDS + 1) * UINT64_C(1000),
					  memory_order_relaxed);
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
	struct desk *desk = &worker->stress->rig.desk;
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
	struct desk *desk = &worker->stress->rig.desk;
	uint32_t order[SLOTS];
	shuffle(worker, order);
	const uint32_t dice = random_below(&worker->random, 12);
	const uint32_t count = 1 + random_below(&worker->random, SLOTS / 2);
	rig_wait_for_room(&worker->stress->rig);
	if (dice < 5) {
		book_some(worker, order, count, dice < 2);
	} else if (dice < 8) {
		cancel_all(worker, dice < 7);
	} else if (dice < 9) {
		claim_one(worker, order[0], random_below(&worker->random, 4));
	} else if (dice < 11) {
		reschedule_some(worker, order);
	} else {
		uint64_t occupied;
		const struct place hour = place_of(order[0]);
		const struct place first = place_of(0);
		desk_close(desk, &hour, &occupied);
		rig_wait_for_room(&worker->stress->rig);
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
			stress->over = rig_is_ended(&stress->rig);
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
	rig_leave(&stress->rig);
	return NULL;
}

static void run(struct stress *stress, uint64_t seconds, uint64_t seed)
{
	struct worker workers[THREADS] = {{0}};
	for (uint32_t i = 0; i < THREADS; i++) {
		workers[i].stress = stress;
		workers[i].number = i;
		workers[i].random = seed + i;
		snprintf(workers[i].client, sizeof workers[i].client, "client-%" PRIu32, i);
		CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
	}
	rig_own(&stress->rig, seconds);
	uint64_t won = 0, lost = 0, moved = 0, rescheduled = 0;
	int64_t expired = 0;
	for (uint32_t i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		won += workers[i].won;
		lost += workers[i].lost;
		moved += workers[i].moved;
		rescheduled += workers[i].rescheduled;
		expired += atomic_load_explicit(&stress->rig.service.counters[i].holds_expired, memory_order_relaxed);
	}
	printf("group_stress: %d threads, %" PRIu64 " groups done, %" PRIu64 " of them moves, %" PRIu64
	       " refused, %" PRIu64 " rescheduled, %" PRId64 " holds over, %" PRIu64 " records\n",
	       THREADS, won, moved, lost, rescheduled, expired, wal_appended_lsn(stress->rig.wal));
}

int main(int argc, char **argv)
{
	static struct stress stress;
	const uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 2;
	const uint64_t seed = random_seed();
	printf("group_stress: SEED=0x%" PRIx64 "\n", seed);
	stress.rig.config.hold_total_max = HOLD_SECONDS;
	stress.rig.config.holds_per_client = SLOTS;
	stress.rig.config.holds_max = 2 * SLOTS;
	pthread_barrier_init(&stress.barrier, NULL, THREADS);
	rig_begin(&stress.rig, THREADS);
	const struct place first = place_of(0);
	CHECK(desk_open(&stress.rig.desk, &first, 20, SLOTS, 20).code == OUTCOME_DONE);
	run(&stress, seconds, seed);
	rig_compare(&stress.rig);
	rig_end(&stress.rig);
	return 0;
}
