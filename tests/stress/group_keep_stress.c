/*
 * group_keep_stress: what a group finds as it asks for it already, while somebody else changes just that.
 *
 * Proves: a group happens at one moment [I2, I4]. In each round one thread asks for two things of which at least one is so
 * already, and another makes that no more so. Who was told that both are so at an lsn must not find that one of them had
 * ended before.
 *
 * The desk and the log are those of the server, on the simulated disk, which only the owner of the log touches.
 *
 * usage: group_keep_stress [SECONDS]
 */
#include "rig.h"
#include <base/check.h>
#include <inttypes.h>
#include <model/random.h>
#include <pthread.h>
#include <serve/group.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY        30000
#define ROUNDS_MAX 20000 /* so that the simulated disk stays small */

/* What the group asks for. */
enum wish {
	WISH_COMMIT_AND_BOOK, /* of a session that is booked; and a slot that is free */
	WISH_BOOK_BOTH,       /* a slot that it has; and one that is free */
	WISH_MOVE_AND_BOOK,   /* a session to where it has been moved; and a slot that is free */
	WISH_COMMIT_AND_CONFIRM, /* of two sessions; the other thread confirms the second after it has cancelled the first */
	WISHES,
};

struct stress {
	struct rig rig;
	pthread_barrier_t barrier;
	bool over; /* the first thread's decision; read and set between barriers, as the rest of a round: */
	enum wish wish;
	uint64_t kept;     /* the session that is as it is asked for */
	uint64_t other;    /* the one of the other slot; 0: none yet */
	uint64_t lsn;      /* of the group, 0: it was refused */
	uint64_t ended;    /* the lsn of the end of the session kept */
	uint64_t pause_ns; /* how long the other thread waits first */
	uint64_t done;
	uint64_t refused;
};

static const char client[] = "client-1";

static struct place place_of(uint32_t slot)
{
	return (struct place){span_of("dr-lee"), DAY, (uint16_t)(60 * slot)};
}

static struct outcome checked(struct outcome outcome)
{
	CHECK(outcome.code == OUTCOME_DONE);
	return outcome;
}

/* Slot 0 or 1 is the client's; slot 2 is free, or its as well. */
static void prepare(struct stress *stress, uint64_t *random)
{
	struct desk *desk = &stress->rig.desk;
	const struct place first = place_of(0);
	const struct place second = place_of(1);
	const struct place third = place_of(2);
	stress->wish = random_below(random, WISHES);
	stress->pause_ns = random_below(random, 10000);
	rig_wait_for_room(&stress->rig);
	stress->kept = checked(desk_book(desk, &first, span_of(client))).value;
	rig_wait_for_room(&stress->rig);
	if (stress->wish == WISH_MOVE_AND_BOOK) {
		checked(desk_reschedule(desk, stress->kept, &second));
	}
	rig_wait_for_room(&stress->rig);
	stress->other =
	    stress->wish == WISH_COMMIT_AND_CONFIRM ? checked(desk_book(desk, &third, span_of(client))).value : 0;
}

static void add_booking(struct group *group, uint32_t slot)
{
	group_add(group, GROUP_BOOK)->client = span_of(client);
	*group_add_place(group) = place_of(slot);
}

static void add_change(struct group *group, enum life_command command, uint64_t session)
{
	struct group_change *change = group_add(group, GROUP_CHANGE);
	change->command = command;
	change->session = session;
}

static void ask(struct stress *stress)
{
	struct group group;
	group_init(&group);
	switch (stress->wish) {
	case WISH_COMMIT_AND_BOOK:
	case WISH_COMMIT_AND_CONFIRM:
		add_change(&group, LIFE_COMMIT, stress->kept);
		break;
	case WISH_BOOK_BOTH:
		add_booking(&group, 0);
		break;
	default:
		group_add(&group, GROUP_MOVE)->session = stress->kept;
		*group_add_place(&group) = place_of(1);
	}
	if (stress->other != 0) {
		add_change(&group, LIFE_CONFIRM, stress->other);
	} else {
		add_booking(&group, 2);
	}
	rig_wait_for_room(&stress->rig);
	const struct outcome outcome = desk_group(&stress->rig.desk, &group);
	stress->lsn = outcome.code == OUTCOME_DONE ? outcome.lsn : 0;
	if (stress->lsn != 0 && stress->other == 0) {
		stress->other = group.changes[1].outcome.value;
	}
	if (stress->lsn != 0 && stress->wish == WISH_BOOK_BOTH) {
		const uint64_t had = group.changes[0].outcome.value;
		stress->done += had == stress->kept;
		stress->kept = had; /* booked anew, if the other thread was first */
		return;
	}
	stress->done += stress->lsn != 0;
	stress->refused += stress->lsn == 0;
}

static void end(struct stress *stress, uint64_t kept)
{
	struct desk *desk = &stress->rig.desk;
	const uint64_t begin_ns = clock_monotonic_ns(&stress->rig.clock) + stress->pause_ns;
	while (clock_monotonic_ns(&stress->rig.clock) < begin_ns) {
	}
	rig_wait_for_room(&stress->rig);
	stress->ended = checked(desk_cancel(desk, kept, span_of(""))).lsn;
	if (stress->wish == WISH_COMMIT_AND_CONFIRM) {
		rig_wait_for_room(&stress->rig);
		checked(desk_change(desk, stress->other, LIFE_CONFIRM));
	}
}

static void judge(struct stress *stress, uint64_t kept)
{
	if (stress->lsn != 0 && stress->kept == kept && stress->ended <= stress->lsn) {
		printf("violation: a group of wish %d is said to have happened at %" PRIu64
		       ", but what it found had ended at %" PRIu64 "\n",
		       (int)stress->wish, stress->lsn, stress->ended);
		exit(EXIT_FAILURE);
	}
	for (uint32_t i = 0; i < 2; i++) {
		const uint64_t session = i == 0 ? stress->kept : stress->other;
		if (session != 0) {
			rig_wait_for_room(&stress->rig);
			checked(desk_cancel(&stress->rig.desk, session, span_of("")));
		}
	}
}

static void *work(void *argument)
{
	struct stress *stress = argument;
	service_worker = 1;
	for (;;) {
		pthread_barrier_wait(&stress->barrier);
		if (stress->over) {
			break;
		}
		const uint64_t kept = stress->kept;
		pthread_barrier_wait(&stress->barrier);
		end(stress, kept);
		pthread_barrier_wait(&stress->barrier);
	}
	rig_leave(&stress->rig);
	return NULL;
}

/* The thread that asks in groups. */
static void *lead(void *argument)
{
	struct stress *stress = argument;
	uint64_t random = random_seed();
	printf("group_keep_stress: SEED=0x%" PRIx64 "\n", random);
	for (uint32_t round = 0; round < ROUNDS_MAX && !rig_is_ended(&stress->rig); round++) {
		prepare(stress, &random);
		pthread_barrier_wait(&stress->barrier);
		const uint64_t kept = stress->kept;
		pthread_barrier_wait(&stress->barrier);
		ask(stress);
		pthread_barrier_wait(&stress->barrier);
		judge(stress, kept);
	}
	stress->over = true;
	pthread_barrier_wait(&stress->barrier);
	rig_leave(&stress->rig);
	return NULL;
}

int main(int argc, char **argv)
{
	static struct stress stress;
	const uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 2;
	pthread_t threads[2];
	pthread_barrier_init(&stress.barrier, NULL, 2);
	rig_begin(&stress.rig, 2);
	const struct place first = place_of(0);
	checked(desk_open(&stress.rig.desk, &first, 60, 3, 60));
	CHECK(pthread_create(&threads[0], NULL, lead, &stress) == 0);
	CHECK(pthread_create(&threads[1], NULL, work, &stress) == 0);
	rig_own(&stress.rig, seconds);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	printf("group_keep_stress: %" PRIu64 " groups found it so, %" PRIu64 " were refused\n", stress.done,
	       stress.refused);
	rig_compare(&stress.rig);
	rig_end(&stress.rig);
	return 0;
}
