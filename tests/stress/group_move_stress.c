/*
 * group_move_stress: sessions that go to other slots in groups; made for ThreadSanitizer.
 *
 * Proves: two sessions go round over three slots, the second in each group to where the first was: who looks never finds two of
 * the three free [I1, I2]. Beside them groups move a session of a day that is over while that day is purged: either comes
 * first, whole, and the log has them in that order [I4], so that it can be replayed, and gives the same table.
 *
 * The desk and the log are those of the server, on the simulated disk, which only the owner of the log touches.
 *
 * usage: group_move_stress [SECONDS]
 */
#include "rig.h"
#include <base/check.h>
#include <inttypes.h>
#include <pthread.h>
#include <serve/group.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY       30000
#define RING      3
#define TURNS_MAX 20000 /* so that the simulated disk stays small, */
#define DAYS_MAX  3000  /* and the days that pass come before DAY */
#define DAY_MS    UINT64_C(86400000)

struct stress {
	struct rig rig;
	pthread_barrier_t barrier; /* of who moves late and who purges */
	/* between barriers: */
	uint64_t late; /* a session of a day that is over; 0: it goes on no more */
	uint64_t moved_late;
	uint64_t purged_first;
	/* relaxed: read when the threads have ended */
	_Atomic uint64_t turns;
	_Atomic uint64_t looks; /* that found one slot of the ring free all the while */
	_Atomic bool rests;     /* the ring; relaxed: only asks to stop */
};

/* Adds a RESCHEDULE. */
static void add_move(struct group *group, uint64_t session, struct place place)
{
	group_add(group, GROUP_MOVE)->session = session;
	*group_add_place(group) = place;
}

/* ------------------------------------------------------------------------------------------------------------ the ring */

static struct place ring_place(uint32_t i)
{
	return (struct place){span_of("dr-ring"), DAY, (uint16_t)(20 * (i % RING))};
}

/* The session in front of the free slot goes there, and the one behind it follows. */
static void *go_round(void *argument)
{
	struct stress *stress = argument;
	struct desk *desk = &stress->rig.desk;
	uint64_t sessions[RING] = {0};
	for (uint32_t i = 0; i + 1 < RING; i++) {
		const struct place place = ring_place(i);
		rig_wait_for_room(&stress->rig);
		sessions[i] = desk_book(desk, &place, span_of("ring")).value;
	}
	uint32_t open = RING - 1;
	for (uint32_t turn = 0; turn < TURNS_MAX && !rig_is_ended(&stress->rig); turn++) {
		struct group group;
		group_init(&group);
		for (uint32_t i = 0; i + 1 < RING; i++) {
			const uint32_t to = (open + RING - i) % RING;
			const uint32_t from = (to + RING - 1) % RING;
			add_move(&group, sessions[from], ring_place(to));
			sessions[to] = sessions[from];
		}
		open = (open + 1) % RING;
		rig_wait_for_room(&stress->rig);
		CHECK(desk_group(desk, &group).code == OUTCOME_DONE);
		atomic_fetch_add_explicit(&stress->turns, 1, memory_order_relaxed);
	}
	atomic_store_explicit(&stress->rests, true, memory_order_relaxed);
	rig_leave(&stress->rig);
	return NULL;
}

static struct slot_view look_at(struct stress *stress, uint32_t i)
{
	struct slot_view view;
	uint64_t lsn;
	const struct place place = ring_place(i);
	CHECK(desk_slot(&stress->rig.desk, &place, &view, &lsn));
	return view;
}

/* A slot that was free before and after, in the same word, was so when another was looked at. */
static void *watch(void *argument)
{
	struct stress *stress = argument;
	for (uint32_t i = 0; !atomic_load_explicit(&stress->rests, memory_order_relaxed); i++) {
		const bool goes_round = atomic_load_explicit(&stress->turns, memory_order_relaxed) > 0;
		const struct slot_view before = look_at(stress, i);
		const struct slot_view other = look_at(stress, i + 1 + i / RING % (RING - 1));
		const struct slot_view after = look_at(stress, i);
		if (goes_round && before.free && after.free && before.word == after.word) {
			CHECK(!other.free);
			atomic_fetch_add_explicit(&stress->looks, 1, memory_order_relaxed);
		}
	}
	rig_leave(&stress->rig);
	return NULL;
}

/* ------------------------------------------------------------------------------------------- days that are over, purged */

static uint16_t today(const struct stress *stress)
{
	return (uint16_t)(clock_wall_ms(&stress->rig.clock) / DAY_MS);
}

/* A session of tomorrow, which will be the day before yesterday. */
static uint64_t book_late(struct stress *stress)
{
	struct desk *desk = &stress->rig.desk;
	const struct place place = {span_of("dr-late"), (uint16_t)(today(stress) + 1), 600};
	rig_wait_for_room(&stress->rig);
	CHECK(desk_open(desk, &place, 20, 1, 20).code == OUTCOME_DONE);
	rig_wait_for_room(&stress->rig);
	const uint64_t session = desk_book(desk, &place, span_of("late")).value;
	CHECK(session != 0);
	atomic_fetch_add_explicit(&stress->rig.ahead_ms, 3 * DAY_MS, memory_order_relaxed);
	return session;
}

static void *purge(void *argument)
{
	struct stress *stress = argument;
	for (uint32_t i = 0; stress->late != 0 || i == 0; i++) {
		stress->late = i < DAYS_MAX && !rig_is_ended(&stress->rig) ? book_late(stress) : 0;
		pthread_barrier_wait(&stress->barrier);
		struct purge_cursor cursor = {0};
		rig_wait_for_room(&stress->rig);
		CHECK(desk_purge(&stress->rig.desk, today(stress)).code == OUTCOME_DONE);
		while (desk_purge_slice(&stress->rig.desk, &cursor)) {
		}
		pthread_barrier_wait(&stress->barrier);
	}
	rig_leave(&stress->rig);
	return NULL;
}

static struct place late_place(uint32_t i)
{
	return (struct place){span_of("dr-late"), DAY, (uint16_t)(20 * i)};
}

/* Is the slot somebody's? Gives it back. */
static bool give_back(struct stress *stress, uint32_t i)
{
	struct slot_view view;
	uint64_t lsn;
	const struct place place = late_place(i);
	struct desk *desk = &stress->rig.desk;
	CHECK(desk_slot(desk, &place, &view, &lsn));
	rig_wait_for_room(&stress->rig);
	CHECK(view.free || desk_cancel(desk, view.session, span_of("")).code == OUTCOME_DONE);
	return !view.free;
}

static void *move_late(void *argument)
{
	struct stress *stress = argument;
	for (pthread_barrier_wait(&stress->barrier); stress->late != 0; pthread_barrier_wait(&stress->barrier)) {
		struct group group;
		group_init(&group);
		add_move(&group, stress->late, late_place(0));
		group_add(&group, GROUP_BOOK)->client = span_of("other");
		*group_add_place(&group) = late_place(1);
		rig_wait_for_room(&stress->rig);
		const struct outcome outcome = desk_group(&stress->rig.desk, &group);
		const bool moved = outcome.code == OUTCOME_DONE;
		CHECK(moved || outcome.code == OUTCOME_NOSESSION);
		pthread_barrier_wait(&stress->barrier);
		CHECK(give_back(stress, 0) == moved && give_back(stress, 1) == moved);
		stress->moved_late += moved;
		stress->purged_first += !moved;
	}
	pthread_barrier_wait(&stress->barrier);
	rig_leave(&stress->rig);
	return NULL;
}

/* ------------------------------------------------------------------------------------------------------------- program */

int main(int argc, char **argv)
{
	static struct stress stress;
	void *(*const jobs[])(void *) = {go_round, watch, purge, move_late};
	const uint32_t count = sizeof jobs / sizeof jobs[0];
	pthread_t threads[sizeof jobs / sizeof jobs[0]];
	const struct place firsts[] = {ring_place(0), late_place(0)};
	pthread_barrier_init(&stress.barrier, NULL, 2);
	rig_begin(&stress.rig, count);
	for (uint32_t i = 0; i < 2; i++) {
		CHECK(desk_open(&stress.rig.desk, &firsts[i], 20, RING, 20).code == OUTCOME_DONE);
	}
	for (uint32_t i = 0; i < count; i++) {
		CHECK(pthread_create(&threads[i], NULL, jobs[i], &stress) == 0);
	}
	rig_own(&stress.rig, argc > 1 ? strtoull(argv[1], NULL, 10) : 2);
	for (uint32_t i = 0; i < count; i++) {
		pthread_join(threads[i], NULL);
	}
	printf("group_move_stress: %" PRIu64 " turns, %" PRIu64 " looks, %" PRIu64 " moves before a purge, %" PRIu64
	       " too late, %" PRIu64 " records\n",
	       atomic_load_explicit(&stress.turns, memory_order_relaxed),
	       atomic_load_explicit(&stress.looks, memory_order_relaxed), stress.moved_late, stress.purged_first,
	       wal_appended_lsn(stress.rig.wal));
	CHECK(atomic_load_explicit(&stress.looks, memory_order_relaxed) > 0);
	rig_compare(&stress.rig);
	rig_end(&stress.rig);
	return 0;
}
